using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Daemon.State;

/// <summary>A prefix that could be announced, and whether it is.</summary>
internal sealed record PrefixDecision(IpPrefix Prefix, EgressPool Pool, GateDecision Decision);

/// <summary>The last write that changed the kernel's tables.</summary>
internal sealed record LastWrite(DateTimeOffset At, TimeSpan Took, WriteReport Report)
{
    public int Entries => Report.SlotsWritten + Report.EndpointsWritten + Report.PrefixesWritten + Report.BlocksWritten
        + Report.InterfacesWritten + Report.LocalsWritten;
}

/// <summary>
/// What the reconciler knows and meant when it last ran, for the shows. What the packet path does is not in here: it is read
/// from the kernel each time.
/// </summary>
internal sealed record DaemonSnapshot(
    DaemonConfiguration Configuration,
    Health Health,
    ImmutableArray<Problem> Problems,
    Ownership Ownership,
    SteeringTable? Meant,
    LastWrite? LastWrite,
    ImmutableArray<string> NotAttached,
    bool Adopted,
    ImmutableArray<PrefixDecision> Prefixes,
    Announcements Announced,
    ImmutableArray<OwnershipRoute> Routes,
    IReadOnlyDictionary<IpAddress, NextHopEntry> NextHops);
