using System.Globalization;

namespace SoftUnicast.Linux.Host;

/// <summary>A process that holds a socket.</summary>
/// <param name="Command">Its name, at most 15 characters (comm of proc(5)).</param>
public sealed record SocketHolder(int ProcessId, string Command)
{
    /// <summary>
    /// The process with the lowest number that holds the socket of this inode, by a walk over /proc/PID/fd: some milliseconds on
    /// a small server, many on a large one, so ask seldom. Null if there is none, or none that may be looked at: other users'
    /// descriptors show only with CAP_SYS_PTRACE, and no other user's process at all under ProtectProc=.
    /// </summary>
    public static SocketHolder? Of(uint inode)
    {
        if (inode == 0)
        {
            return null;
        }

        var link = string.Create(CultureInfo.InvariantCulture, $"socket:[{inode}]");
        foreach (var pid in Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Select(Number).OfType<int>().Order())
        {
            var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}");
            try
            {
                if (Directory.EnumerateFileSystemEntries($"{folder}/fd").Any(fd => new FileInfo(fd).LinkTarget == link))
                {
                    return new SocketHolder(pid, File.ReadAllText($"{folder}/comm").TrimEnd('\n'));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is not ours to look at.
            }
        }

        return null;
    }

    private static int? Number(string? name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
