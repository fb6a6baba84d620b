using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels;

/// <summary>A neighbour as the kernel keys it: the device that it is on (for a VLAN, the VLAN device) and its address.</summary>
public readonly record struct NeighbourKey(int InterfaceIndex, IpAddress Address);

/// <summary>A neighbour that an answer rests on, and whether its MAC was confirmed lately (or is set by hand).</summary>
public readonly record struct NeighbourNeed(NeighbourKey Key, bool IsConfirmed);

public enum NextHopAnswerKind
{
    /// <summary>The neighbour's MAC is being asked for, or should be.</summary>
    Pending = 0,
    Resolved = 1,

    /// <summary>There is no way there now: the reason says why.</summary>
    Failed = 2,
}

/// <summary>What is known about the way to an address.</summary>
public sealed record NextHopAnswer
{
    private NextHopAnswer(NextHopAnswerKind kind, NextHop? nextHop, string? reason, ImmutableArray<NeighbourNeed> neighbours)
    {
        Kind = kind;
        NextHop = nextHop;
        Reason = reason;
        Neighbours = neighbours;
    }

    public NextHopAnswerKind Kind { get; }

    /// <summary>Set if and only if resolved.</summary>
    public NextHop? NextHop { get; }

    /// <summary>A phrase for the operator, unless resolved.</summary>
    public string? Reason { get; }

    /// <summary>The neighbours it rests on, the chosen one first; a change of one of them may change the answer.</summary>
    public ImmutableArray<NeighbourNeed> Neighbours { get; }

    public static NextHopAnswer Resolved(NextHop nextHop, params ImmutableArray<NeighbourNeed> neighbours) =>
        new(NextHopAnswerKind.Resolved, nextHop, null, neighbours);

    public static NextHopAnswer Pending(string reason, params ImmutableArray<NeighbourNeed> neighbours) =>
        new(NextHopAnswerKind.Pending, null, reason, neighbours);

    public static NextHopAnswer Failed(string reason, params ImmutableArray<NeighbourNeed> neighbours) =>
        new(NextHopAnswerKind.Failed, null, reason, neighbours);
}

/// <summary>Something that answers may rest on has changed: one neighbour, or (null) routes, links or all of it.</summary>
public readonly record struct NextHopSourceChange(NeighbourKey? Neighbour);

/// <summary>Knows the ways to addresses: routes, links and neighbours of this machine.</summary>
public interface INextHopSource
{
    /// <summary>Raised on any thread, also while <see cref="Resolve"/> runs.</summary>
    event EventHandler<NextHopSourceChange>? Changed;

    /// <summary>What is known now; sends nothing. Never throws for what the network or its configuration does.</summary>
    NextHopAnswer Resolve(IpAddress endpoint);

    /// <summary>Has the neighbour asked for its MAC; the outcome comes as a change.</summary>
    void Refresh(NeighbourKey neighbour);
}
