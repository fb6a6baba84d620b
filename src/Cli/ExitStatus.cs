namespace SoftUnicast.Cli;

/// <summary>What the process ends with; docs/cli.md tells them.</summary>
internal static class ExitStatus
{
    public const int Done = 0;
    public const int RunTime = 1;
    public const int Usage = 2;
    public const int DaemonDown = 3;
    public const int NotPermitted = 4;
}
