using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;

namespace SoftUnicast.Daemon.Reports;

/// <summary><c>show bgp</c>: gobgpd's own word on sessions and routes, as the speaker last read it.</summary>
internal static class BgpReports
{
    public static BgpReply Bgp(DaemonSnapshot state, SpeakerStatus status, LearnedTable learned, DateTimeOffset? lastSynchronised)
    {
        var configuration = state.Configuration;
        return new BgpReply(
            new GobgpdStatus(StateOf(status.Gobgp), configuration.Server.Gobgpd.SocketPath, null, status.Since, Explain(status)),
            configuration.Fleet.Datacenters[configuration.Self.Datacenter].Asn,
            configuration.RouterId,
            status.Synchronised,
            lastSynchronised,
            [.. status.Sessions.Select(s => new Control.Replies.BgpSession(
                s.Address, s.Asn, [.. s.Scopes.Select(ScopeName)], s.State.ToString().ToLowerInvariant(), s.Since, s.Received, s.Accepted, s.Advertised, s.Problem))],
            [.. Enum.GetValues<Scope>().Select(scope => new AnnouncedScope(ScopeName(scope), Wanted(state.Announced, scope), status.Announced.GetValueOrDefault(scope)))],
            learned.Routes.Where(r => r.Kind == OwnershipKind.Slice).Select(r => r.Ports).Distinct().Count(),
            learned.Routes.Where(r => r.Kind == OwnershipKind.Block).Select(r => r.Ports).Distinct().Count(),
            [.. status.Rejected.Select(r => new RejectedReason(NameOf(r.Key), r.Value))],
            [.. status.RecentlyRejected.Reverse().Select(r => new Control.Replies.RejectedRoute(r.At, r.Neighbour, r.Origin, r.Route, NameOf(r.Reason), r.Detail))]);
    }

    public static GobgpdState StateOf(GobgpState state) => state switch
    {
        GobgpState.Absent => GobgpdState.Absent,
        GobgpState.Hung => GobgpdState.Hung,
        GobgpState.Unsupported or GobgpState.Refused => GobgpdState.Unsupported,
        GobgpState.Starting => GobgpdState.Starting,
        _ => GobgpdState.Running,
    };

    public static string ScopeName(Scope scope) => scope.ToString().ToLowerInvariant();

    private static string? Explain(SpeakerStatus status)
    {
        ImmutableArray<string?> parts = [status.Problem, status.NextStep, .. status.Notes];
        var said = parts.Where(p => p is not null).ToArray();
        return said.Length == 0 ? null : string.Join("; ", said);
    }

    private static int Wanted(Announcements announcements, Scope scope) => scope switch
    {
        Scope.Internet => announcements.Internet.Length + announcements.Services.Length,
        Scope.Underlay => announcements.Underlay.Length,
        Scope.Backbone => announcements.Backbone.Length,
        _ => announcements.Datacenter.Length,
    };

    // "NotTheOwner" -> "not-the-owner", as operators read it.
    private static string NameOf(RejectReason reason) =>
        string.Concat(reason.ToString().Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : "-") + char.ToLowerInvariant(c) : c.ToString()));
}
