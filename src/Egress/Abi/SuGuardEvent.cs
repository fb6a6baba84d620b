using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SoftUnicast.Egress.Abi;

/// <summary><c>struct su_guard_event</c>: a packet that the guard dropped. What could not be read is 0.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuGuardEvent
{
    /// <summary>SO_COOKIE of the socket that sent it, by which sock_diag(7) finds it; 0: no socket of this server.</summary>
    public ulong SocketCookie;

    /// <summary>Of that socket's cgroup: the inode of its folder.</summary>
    public ulong CgroupId;

    /// <summary>The four bytes as on the wire.</summary>
    public uint SourceBe;

    /// <summary>The four bytes as on the wire.</summary>
    public uint DestinationBe;

    /// <summary>Where it would have left.</summary>
    public uint OutIfindex;

    /// <summary>Where it came in; 0: it was made here.</summary>
    public uint InIfindex;

    public uint Mark;

    /// <summary>Owner of the socket; means nothing without one.</summary>
    public uint Uid;

    /// <summary>Drops of the same CPU since its last event.</summary>
    public uint Missed;

    /// <summary>The one that is not owned: port, echo identifier, or the quoted packet's destination port.</summary>
    public ushort SourcePort;

    /// <summary>Of ICMP errors: the quoted packet's source port; of echo: 0.</summary>
    public ushort DestinationPort;

    /// <summary>Of IPv4.</summary>
    public byte Protocol;

    /// <summary><see cref="GuardReason"/>.</summary>
    public byte Reason;

    public SuGuardPad Pad;
}

/// <summary>6 bytes of padding.</summary>
[InlineArray(Length)]
public struct SuGuardPad
{
    public const int Length = 6;
    private byte first;
}
