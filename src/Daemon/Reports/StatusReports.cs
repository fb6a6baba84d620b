using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Steering;

namespace SoftUnicast.Daemon.Reports;

/// <summary><c>show status</c>.</summary>
internal static class StatusReports
{
    public static StatusReply Status(
        DaemonSnapshot state, KernelTable kernel, PacketTotals totals, IReadOnlyList<XdpAttachment> attachments, SpeakerStatus bgp, LearnedTable learned,
        string version, DateTimeOffset started, DateTimeOffset now)
    {
        var configuration = state.Configuration;
        var attached = attachments.Where(a => a.ProgramId != 0).Select(a => a.InterfaceName).ToImmutableArray();
        var owned = kernel.Table.Prefixes.SelectMany(p => p.OwnedSlices()).ToList();
        return new StatusReply(
            version,
            configuration.Self.Name,
            configuration.Self.Datacenter,
            state.Health,
            [.. state.Problems, .. kernel.Problems.Select(p => new Problem($"in the kernel's table: {p}", null))],
            started,
            now - started,
            new ConfigurationStatus(configuration.File, configuration.Server.FleetPath, configuration.Fleet.Datacenters.Count, configuration.Fleet.Servers.Count,
                configuration.Fleet.Pools.Length, configuration.Server.AssignmentPath, configuration.Assignment.Generation, configuration.Loaded),
            new PacketPathStatus(attached, [.. configuration.Server.Interfaces.Select(i => i.Name).Except(attached)], configuration.Server.PinsPath, state.Adopted),
            new TableStatus(kernel.Generation, state.LastWrite?.At, state.LastWrite?.Took ?? TimeSpan.Zero, state.LastWrite?.Entries ?? 0, kernel.Table.Prefixes.Length,
                owned.Count(o => o.Owner.IsHere), owned.Count(o => o.Owner.Endpoint is not null), kernel.Table.Endpoints.Length,
                kernel.Table.Endpoints.Count(e => !e.IsResolved)),
            new BgpSummary(BgpReports.StateOf(bgp.Gobgp), learned.Synchronised, bgp.Sessions.Count(s => s.State == SessionState.Established), bgp.Sessions.Length,
                state.Prefixes.Count(p => p.Decision.Open), state.Prefixes.Count(p => !p.Decision.Open),
                learned.Routes.Where(r => r.Kind == OwnershipKind.Slice).Select(r => r.Ports).Distinct().Count(),
                learned.Routes.Where(r => r.Kind == OwnershipKind.Block).Select(r => r.Ports).Distinct().Count(),
                bgp.Rejected.Values.Sum()),
            totals);
    }
}
