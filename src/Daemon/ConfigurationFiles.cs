using SoftUnicast.Config;
using SoftUnicast.Daemon.State;

namespace SoftUnicast.Daemon;

/// <summary>Reads the files from disk.</summary>
internal static class ConfigurationFiles
{
    private const long LargestFileBytes = 64 * 1024 * 1024;

    public static ConfigCheckResult Check(string file) => ConfigCheck.Load(file, Read);

    /// <returns>Null if a file has an error; the diagnostics say which.</returns>
    public static DaemonConfiguration? From(string file, ConfigCheckResult result, DateTimeOffset now) =>
        result is { HasErrors: false, Server: { } server, Fleet: { } fleet, Assignment: { } assignment }
            ? new DaemonConfiguration(file, server, fleet, assignment, now, result.Naming)
            : null;

    private static FileContent Read(string path)
    {
        try
        {
            var info = new FileInfo(path);
            return info.Exists && info.Length > LargestFileBytes
                ? new FileContent($"it has {info.Length} bytes, {LargestFileBytes} are read")
                : new FileContent(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new FileContent(e is UnauthorizedAccessException ? "permission denied" : e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : e.Message);
        }
    }
}
