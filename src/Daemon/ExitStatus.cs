namespace SoftUnicast.Daemon;

/// <summary>Exit statuses of the daemon; the same numbers mean the same for softunicastc.</summary>
internal static class ExitStatus
{
    public const int Ok = 0;
    public const int RunTime = 1;

    /// <summary>The command line or a configuration file is not as it should be. systemd is told not to try again.</summary>
    public const int Usage = 2;
    public const int Permission = 4;
}
