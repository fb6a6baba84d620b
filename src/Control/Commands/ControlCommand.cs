using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>What a client may do: the read-only socket answers nouns (<c>show</c>, <c>trace</c>), the full one verbs too.</summary>
public enum AccessLevel
{
    ReadOnly = 0,
    Full = 1,
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
