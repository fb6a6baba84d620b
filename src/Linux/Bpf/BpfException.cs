using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>The kernel or libbpf refused something of the packet path. Names the call, the object, the errno and what would help.</summary>
public sealed class BpfException : SystemCallException
{
    public BpfException(string call, string subject, int errno, string? advice = null)
        : base(call, subject, errno, advice)
    {
    }

    /// <summary>A negative errno, as libbpf returns it.</summary>
    internal static BpfException From(string call, string subject, int result, string? advice = null) =>
        new(call, subject, -result, advice);
}

/// <summary>What is pinned cannot be used as it is. The message says what was found and the next step.</summary>
public sealed class PinnedStateException(string message) : InvalidOperationException(message);

/// <summary>An interface carries somebody else's XDP program, which is left alone.</summary>
public sealed class ForeignProgramException(string interfaceName, uint programId, string? programName, bool isGeneric)
    : InvalidOperationException(
        $"{interfaceName} already runs XDP program {programId}{(programName is null ? "" : $" ({programName})")}, which is not ours; " +
        $"it stays. See it with 'bpftool prog show id {programId}', and take it off with its own tool, or 'ip link set dev {interfaceName} {(isGeneric ? "xdpgeneric" : "xdp")} off'")
{
    public string InterfaceName { get; } = interfaceName;

    public uint ProgramId { get; } = programId;

    public string? ProgramName { get; } = programName;
}
