using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Daemon.State;

/// <summary>Everything that the steering table is made of. All of it is immutable: as long as it is the same, so is the table.</summary>
/// <param name="Assignment">With slices that are leaving (<see cref="Ownership.Leaving"/>).</param>
internal sealed record TableInputs(
    DaemonConfiguration Configuration,
    Assignment Assignment,
    LearnedTable Learned,
    ImmutableArray<Owner> Held,
    ImmutableDictionary<int, Link> Links,
    ImmutableDictionary<IpAddress, NextHopEntry> NextHops);

/// <summary>The table that was last made, and whether it is in the kernel.</summary>
/// <param name="Meant">Null if the inputs contradict themselves or do not fit.</param>
internal sealed record WrittenTable(
    Ownership Ownership,
    ImmutableArray<OwnershipRoute> Routes,
    ImmutableArray<Device> Devices,
    SteeringTable? Meant,
    bool IsWritten,
    ImmutableArray<Problem> Problems)
{
    public static WrittenTable None { get; } = new(Ownership.Empty, [], [], null, false, []);
}
