using System.Globalization;

namespace SoftUnicast.Bench;

/// <summary>
/// Pins and files of a bench, in folders named after its process. Whoever makes one removes it; what a signal keeps him from
/// goes with the process, and what a killed process left goes with the next one.
/// </summary>
internal static class Scratch
{
    private const string Prefix = "subench-";
    private const string BpfFileSystem = "/sys/fs/bpf";

    /// <summary>A place for pins, not made yet.</summary>
    public static string PinFolder(string name) => Path.Combine(BpfFileSystem, Mine(name));

    /// <summary>A folder for files. Every user may read it, for servers that give up root.</summary>
    public static string FilesFolder(string name)
    {
        const UnixFileMode everyoneReads = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        return Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Mine(name)), everyoneReads).FullName;
    }

    /// <summary>What this process still has.</summary>
    public static void RemoveMine() => Remove(processId => processId == Environment.ProcessId);

    /// <summary>What processes left that are no more.</summary>
    public static void RemoveLeft() => Remove(processId => !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}")));

    private static string Mine(string name) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{name}");

    private static void Remove(Func<int, bool> isWanted)
    {
        foreach (var folder in new[] { BpfFileSystem, Path.GetTempPath() }.Where(Directory.Exists).SelectMany(f => Directory.GetDirectories(f, Prefix + "*")))
        {
            if (int.TryParse(Path.GetFileName(folder).Split('-')[1], CultureInfo.InvariantCulture, out var processId) && isWanted(processId))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
