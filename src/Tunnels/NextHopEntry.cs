using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels;

public enum NextHopState
{
    /// <summary>Asked for, not known yet.</summary>
    Pending = 0,
    Resolved = 1,
    Failed = 2,
}

/// <summary>How often neighbours are asked and how long an unanswered question is waited for.</summary>
public sealed record NextHopTimers
{
    public static NextHopTimers Default { get; } = new();

    /// <summary>
    /// A neighbour whose MAC is known but not confirmed is asked again at most this often. The kernel itself asks only on
    /// behalf of packets that it sends: what XDP alone uses goes stale.
    /// </summary>
    public TimeSpan Refresh { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A neighbour whose MAC is not known is asked at most this often.</summary>
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A next hop stays in force this long while its neighbour is being found again, and a new one stays pending this long,
    /// before either counts as failed. The kernel takes three seconds to give up.
    /// </summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Everything is looked at again this often, whatever was or was not announced as a change.</summary>
    public TimeSpan Recheck { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The way to one endpoint. Its times never run backwards.</summary>
/// <param name="NextHop">In force if not null; also while <see cref="UnansweredSince"/> is set, for as long as it is held.</param>
/// <param name="Reason">Why it is pending, held or failed; null when all is well.</param>
/// <param name="Since">When state or next hop last changed.</param>
/// <param name="Via">The neighbour that frames go to, if one is known.</param>
/// <param name="UnansweredSince">Since when a neighbour's answer is waited for; null if none is.</param>
public sealed record NextHopEntry(
    IpAddress Endpoint,
    NextHopState State,
    NextHop? NextHop,
    string? Reason,
    DateTimeOffset Since,
    NeighbourKey? Via,
    DateTimeOffset? UnansweredSince)
{
    public static NextHopEntry New(IpAddress endpoint, DateTimeOffset now) =>
        new(endpoint, NextHopState.Pending, null, "not looked up yet", now, null, now);

    /// <summary>The entry after an answer.</summary>
    /// <remarks>
    /// <code>
    ///              resolved        pending                                failed
    ///  Pending     Resolved        Pending; Failed once held long enough   Failed
    ///  Resolved    Resolved        Resolved (held); Failed once held long  Failed
    ///  Failed      Resolved        Failed                                  Failed
    /// </code>
    /// </remarks>
    public NextHopEntry Step(NextHopAnswer answer, DateTimeOffset now, NextHopTimers timers)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(timers);
        NeighbourKey? via = answer.Neighbours.IsDefaultOrEmpty ? null : answer.Neighbours[0].Key;
        switch (answer.Kind)
        {
            case NextHopAnswerKind.Resolved:
                return Become(NextHopState.Resolved, answer.NextHop, null, now) with { Via = via, UnansweredSince = null };
            case NextHopAnswerKind.Pending when State != NextHopState.Failed:
                var since = UnansweredSince ?? now;
                return now - since >= timers.Hold
                    ? Become(NextHopState.Failed, null, answer.Reason, now) with { Via = via, UnansweredSince = null }
                    : this with { Reason = answer.Reason, Via = via, UnansweredSince = since };
            default:
                return Become(NextHopState.Failed, null, answer.Reason, now) with { Via = via, UnansweredSince = null };
        }
    }

    /// <summary>True if the packet path would do the same with both.</summary>
    public bool SameForPackets(NextHopEntry? other) => other is not null && NextHop == other.NextHop;

    private NextHopEntry Become(NextHopState state, NextHop? nextHop, string? reason, DateTimeOffset now) => this with
    {
        State = state,
        NextHop = nextHop,
        Reason = reason,
        Since = state == State && nextHop == NextHop ? Since : now,
    };
}

/// <summary>An entry that came (no <see cref="Before"/>), went (no <see cref="After"/>) or changed state or next hop.</summary>
public readonly record struct NextHopChange(NextHopEntry? Before, NextHopEntry? After)
{
    public IpAddress Endpoint => (After ?? Before)!.Endpoint;
}
