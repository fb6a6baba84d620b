namespace SoftUnicast.Daemon.Naming;

/// <summary>Makes folders that DNS servers, which run as other users, look into.</summary>
internal static class NamingFolder
{
    private const UnixFileMode EveryoneLooks = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>One that is there keeps its mode: somebody chose it.</summary>
    public static void Make(string path)
    {
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path);
            File.SetUnixFileMode(path, EveryoneLooks);
        }
    }
}
