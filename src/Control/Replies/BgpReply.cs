using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>How gobgpd is.</summary>
public enum GobgpdState
{
    /// <summary>Nothing answers on its socket.</summary>
    Absent = 0,

    /// <summary>It takes connections and does not answer.</summary>
    Hung = 1,

    /// <summary>It answers in a way that this version cannot use.</summary>
    Unsupported = 2,

    /// <summary>It answers and is being given routes and neighbours.</summary>
    Starting = 3,
    Running = 4,
}

/// <param name="Explanation">Why it is in that state, or null.</param>
public sealed record GobgpdStatus(GobgpdState State, string Socket, string? Version, DateTimeOffset? Since, string? Explanation);

/// <summary>A BGP session, as gobgpd reports it.</summary>
/// <param name="Asn">The neighbour's AS number.</param>
/// <param name="State">BGP's word (RFC 4271 8.2.2): idle, connect, active, opensent, openconfirm, established.</param>
/// <param name="LastError">Why it last went down, or null.</param>
public sealed record BgpSession(
    IpAddress Neighbour,
    uint Asn,
    ImmutableArray<string> Scopes,
    string State,
    DateTimeOffset? Since,
    long Received,
    long Accepted,
    long Advertised,
    string? LastError);

/// <summary>Routes of one scope: how many are meant to be announced, how many gobgpd has.</summary>
public sealed record AnnouncedScope(string Scope, long Wanted, long Announced);

/// <summary>How many routes were rejected for this reason.</summary>
public sealed record RejectedReason(string Reason, long Count);

/// <summary>A route that was rejected.</summary>
/// <param name="Origin">The router that it came from first; null if unknown.</param>
public sealed record RejectedRoute(DateTimeOffset Time, IpAddress Neighbour, IpAddress? Origin, string Route, string Reason, string? Explanation);

/// <summary><c>show bgp</c>.</summary>
/// <param name="Recent">The last rejected routes, newest first.</param>
public sealed record BgpReply(
    GobgpdStatus Gobgpd,
    uint Asn,
    IpAddress RouterId,
    bool Synchronised,
    DateTimeOffset? LastSynchronised,
    ImmutableArray<BgpSession> Sessions,
    ImmutableArray<AnnouncedScope> Announced,
    long SlicesLearned,
    long BlocksLearned,
    ImmutableArray<RejectedReason> Rejected,
    ImmutableArray<RejectedRoute> Recent) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Bgp;

    public override IEnumerable<string> Lines()
    {
        yield return $"gobgpd {(Gobgpd.Version is null ? "" : Gobgpd.Version + " ")}on {Gobgpd.Socket}: {Units.Name(Gobgpd.State)}"
            + (Gobgpd.Since is { } since ? $" since {Units.Time(since)}" : "");
        if (Gobgpd.Explanation is { } explanation)
        {
            yield return $"  ! {explanation}";
        }

        yield return $"AS {Asn}, router id {RouterId}, {(Synchronised ? "synchronised" : "not synchronised: what was learned before is kept")}"
            + (LastSynchronised is { } last ? $", last at {Units.Time(last)}" : "");
        yield return $"learned: {Units.Of(SlicesLearned, "slice")}, {Units.Of(BlocksLearned, "block")}";
        foreach (var line in Section(SessionTable()).Concat(Section(AnnouncedTable())).Concat(Section(RejectedTable())).Concat(Section(RecentTable())))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Section(IEnumerable<string> table) => table.Any() ? table.Prepend("") : [];

    private IEnumerable<string> SessionTable() => new TextTable<BgpSession>(Sessions)
        .Left("neighbour", s => s.Neighbour.ToString())
        .Right("as", s => Units.Count(s.Asn))
        .Left("scopes", s => string.Join(',', s.Scopes))
        .Left("state", s => s.State)
        .Left("since", s => Units.Time(s.Since))
        .Right("received", s => Units.Count(s.Received))
        .Right("accepted", s => Units.Count(s.Accepted))
        .Right("advertised", s => Units.Count(s.Advertised))
        .Left("last error", s => s.LastError)
        .Lines();

    private IEnumerable<string> AnnouncedTable() => new TextTable<AnnouncedScope>(Announced)
        .Left("scope", a => a.Scope)
        .Right("wanted", a => Units.Count(a.Wanted))
        .Right("announced", a => Units.Count(a.Announced))
        .Lines();

    private IEnumerable<string> RejectedTable() => new TextTable<RejectedReason>(Rejected)
        .Left("rejected because", r => r.Reason)
        .Right("routes", r => Units.Count(r.Count))
        .Lines();

    private IEnumerable<string> RecentTable() => new TextTable<RejectedRoute>(Recent)
        .Left("rejected at", r => Units.Time(r.Time))
        .Left("from", r => r.Neighbour.ToString())
        .Left("origin", r => r.Origin?.ToString())
        .Left("route", r => r.Route)
        .Left("because", r => r.Explanation is null ? r.Reason : $"{r.Reason}: {r.Explanation}")
        .Lines();
}
