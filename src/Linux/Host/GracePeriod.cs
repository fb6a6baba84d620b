using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>
/// Waits until every BPF program run that is under way now has ended. A run is an RCU read section, and membarrier(2)'s
/// MEMBARRIER_CMD_GLOBAL waits for those (synchronize_rcu), some milliseconds. Needs no privilege; kernel 4.16.
/// </summary>
public static class GracePeriod
{
    private const nint Query = 0;
    private const nint Global = 1;

    private static nint CallNumber => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 324,
        Architecture.Arm64 => 283,
        var other => throw new PlatformNotSupportedException($"the number of membarrier(2) on {other} is not known"),
    };

    /// <summary>False on a kernel that runs with nohz_full=, where the kernel refuses the command.</summary>
    public static bool IsSupported => (Call(Query) & Global) != 0;

    /// <exception cref="SystemCallException">The kernel has no such call, or runs with nohz_full=.</exception>
    public static void Wait() => Call(Global);

    private static nint Call(nint command)
    {
        var result = Libc.Syscall(CallNumber, command, 0, 0);
        return result >= 0
            ? result
            : throw SystemCallException.Last("membarrier", command == Query ? "QUERY" : "GLOBAL", "needs a kernel with CONFIG_MEMBARRIER, started without nohz_full=");
    }
}
