using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>
/// What a client may do: the read-only socket answers nouns (<c>show</c>, <c>trace</c>), the full one verbs too. Between them
/// is the socket for services, whose own rules say who may register.
/// </summary>
public enum AccessLevel
{
    ReadOnly = 0,

    /// <summary>Nouns, <c>register</c> and <c>unregister</c>.</summary>
    Register = 1,
    Full = 2,
}

/// <summary>A request line, understood.</summary>
public abstract record ControlCommand
{
    /// <summary>The access that it needs: nouns read, verbs change.</summary>
    public virtual AccessLevel Needs => AccessLevel.ReadOnly;
}

public sealed record ShowStatus : ControlCommand;

public sealed record ShowBgp : ControlCommand;

public sealed record ShowPrefixes : ControlCommand;

/// <param name="Pool">Only slices of this pool; null: of all.</param>
/// <param name="Server">Only slices that this server owns; null: whoever owns them, unowned ones included.</param>
public sealed record ShowSlices(string? Pool, string? Server) : ControlCommand;

/// <summary>Who owns this port of this address.</summary>
public sealed record ShowSliceFor(IpAddress Address, ushort Port) : ControlCommand;

public sealed record ShowTunnels : ControlCommand;

public sealed record ShowDrops : ControlCommand;

public sealed record ShowHost : ControlCommand;

/// <summary>What would happen to this packet here, and why.</summary>
/// <param name="Interface">Where it comes in; null: the first interface with the role that such a packet needs.</param>
public sealed record TracePacket(PacketSource Packet, string? Interface) : ControlCommand;

/// <summary>Give the processes of a cgroup and of those below it the slices that are asked for.</summary>
/// <param name="CgroupId">Inode number of its folder in the cgroup2 mount: bpf_get_current_cgroup_id.</param>
/// <param name="Path">From the root of the cgroup tree, for people and for nft; null: not told.</param>
public sealed record Enroll(ulong CgroupId, SliceChoice Choice, string? Path) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Undo <see cref="Enroll"/>.</summary>
public sealed record Leave(ulong CgroupId) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>How the holder of a lease takes ports of its slice. One slice serves one way.</summary>
public enum LeaseKind
{
    /// <summary>The kernel chooses at connect(2), within IP_LOCAL_PORT_RANGE (ip(7)).</summary>
    Range = 0,

    /// <summary>By bind(2) to a port of the holder's choice, UDP ports possibly shared by destination.</summary>
    Explicit = 1,
}

/// <summary>Lease slices to the process at the other end of the connection.</summary>
public sealed record Lease(SliceChoice Choice, LeaseKind Kind) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Whether a lease is still in force.</summary>
public sealed record Renew(string LeaseId) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Give a lease back.</summary>
public sealed record Release(string LeaseId) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>
/// Hold a UDP port of an explicit lease for a flow to this destination, while the client binds to it. No two live sockets can
/// come to have the same 4-tuple this way, however slow a client is: docs/cli.md tells why.
/// </summary>
public sealed record Hold(string LeaseId, IpAddress Remote, ushort RemotePort) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>The client has bound its socket and locked the port (SO_REUSEADDR off): may it connect?</summary>
/// <param name="Token">Of the hold.</param>
public sealed record Bound(string Token) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

public enum DrainScope
{
    /// <summary>The slice of one port.</summary>
    Slice = 0,

    /// <summary>Every slice here of one address.</summary>
    Address = 1,

    /// <summary>Every slice here.</summary>
    Server = 2,
}

/// <summary>Let nothing new begin on these slices, and steer what is there; or, undone, let it begin again.</summary>
/// <param name="Address">Null with <see cref="DrainScope.Server"/>.</param>
/// <param name="Port">A port of the slice; null but with <see cref="DrainScope.Slice"/>.</param>
/// <param name="Undo">True for <c>undrain</c>.</param>
public sealed record Drain(DrainScope Scope, IpAddress? Address, ushort? Port, bool Undo) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Who had this port of this address.</summary>
/// <param name="At">Null: now.</param>
public sealed record Who(IpAddress Address, ushort Port, DateTimeOffset? At) : ControlCommand;

public sealed record ShowLeases : ControlCommand;

public sealed record ShowPools : ControlCommand;

public sealed record ShowGuard : ControlCommand;

/// <summary>Bindings and their counters, by the kernel.</summary>
/// <param name="Label">Only bindings that lead to it; null: all.</param>
public sealed record ShowBindings(Label? Label) : ControlCommand;

public sealed record ShowDispatch : ControlCommand;

/// <summary>What comes in for it goes to its label's sockets from now on.</summary>
public sealed record Bind(Binding Binding) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Undo <see cref="Bind"/>.</summary>
public sealed record Unbind(Binding Binding) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>Hand what comes in for the label to the sockets that came with the line (unix(7), SCM_RIGHTS).</summary>
/// <param name="Replaces">In place of all others, between two packets; false: beside them.</param>
/// <param name="IsExact">Each alone, and not the SO_REUSEPORT group that it is in.</param>
public sealed record Register(Label Label, bool Replaces, bool IsExact) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Register;
}

/// <summary>Take sockets away from a label; they stay open, and so do their connections.</summary>
/// <param name="Cookie">The one socket that the kernel numbers so (SO_COOKIE); null: all of them.</param>
public sealed record Unregister(Label Label, ulong? Cookie) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Register;
}

/// <summary>Withdraw, drain, take the packet path away, end.</summary>
/// <param name="Now">True: without draining.</param>
public sealed record Down(bool Now) : ControlCommand
{
    public override AccessLevel Needs => AccessLevel.Full;
}

/// <summary>What may stand after these words.</summary>
/// <param name="About">The words so far; empty: the start of a line.</param>
public sealed record Help(string About) : ControlCommand;

public sealed record Quit : ControlCommand;

/// <summary>A command that softunicastc carries out by itself, without the daemon.</summary>
public sealed record LocalCommand(string Word) : ControlCommand;
