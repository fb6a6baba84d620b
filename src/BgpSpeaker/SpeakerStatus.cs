using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>States of a BGP session (RFC 4271 8.2.2).</summary>
public enum SessionState
{
    /// <summary>gobgpd does not have the neighbour, or is away.</summary>
    Unknown = 0,
    Idle = 1,
    Connect = 2,
    Active = 3,
    OpenSent = 4,
    OpenConfirm = 5,
    Established = 6,
}

/// <summary>One neighbour, as gobgpd last reported it.</summary>
/// <param name="Since">When it reached, or left, the established state; null: never.</param>
/// <param name="Received">Routes that it sends.</param>
/// <param name="Accepted">Routes of it that count, held ones included; unicast ones never do.</param>
/// <param name="Advertised">Routes that it is sent.</param>
/// <param name="Malformed">Messages of it that gobgpd could not read and dropped, without a trace in the rejected routes.</param>
/// <param name="TableReceived">True: its whole table has been heard since the session began (End-of-RIB, RFC 4724).</param>
/// <param name="Problem">Why it is not established, as far as can be told, or null.</param>
public sealed record SessionStatus(
    IpAddress Address,
    uint Asn,
    ImmutableArray<Scope> Scopes,
    SessionState State,
    DateTimeOffset? Since,
    long Received,
    long Accepted,
    long Advertised,
    long Malformed,
    bool TableReceived,
    string? Problem);

/// <summary>A learned route that did not count.</summary>
/// <param name="Origin">Router id that it names as its origin.</param>
/// <param name="Route">Its NLRI, as text.</param>
public sealed record RejectedRoute(DateTimeOffset At, IpAddress Neighbour, IpAddress Origin, string Route, RejectReason Reason, string Detail);

/// <summary>A snapshot of the speaker.</summary>
/// <param name="Since">When <see cref="Gobgp"/> became what it is.</param>
/// <param name="Problem">What is wrong, or null.</param>
/// <param name="NextStep">What the operator can do about it, or null.</param>
/// <param name="Notes">Things that work but are not as configured.</param>
/// <param name="Sessions">In the order of the configuration.</param>
/// <param name="Announced">Routes that gobgpd has from us, by scope.</param>
/// <param name="Pending">Routes that it still has to be given or to lose; null: what is announced has changed, and is not counted yet.</param>
/// <param name="Rejected">Rejected announcements since the start, by reason; reading the table anew counts them again.</param>
/// <param name="RecentlyRejected">The last 100 of them, latest last.</param>
public sealed record SpeakerStatus(
    GobgpState Gobgp,
    DateTimeOffset Since,
    string? Problem,
    string? NextStep,
    ImmutableArray<string> Notes,
    bool Synchronised,
    int Learned,
    int Held,
    ImmutableArray<SessionStatus> Sessions,
    ImmutableSortedDictionary<Scope, int> Announced,
    int? Pending,
    ImmutableSortedDictionary<RejectReason, long> Rejected,
    ImmutableArray<RejectedRoute> RecentlyRejected);
