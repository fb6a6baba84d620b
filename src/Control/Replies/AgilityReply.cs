using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>What is known of the addresses that a move has left.</summary>
public enum OldAddresses
{
    /// <summary>Somebody may still use them.</summary>
    Draining = 0,

    /// <summary>No traffic for long enough, and the TTL is over.</summary>
    Free = 1,

    /// <summary>The TTL is over, and nobody counts here what comes to them.</summary>
    Unmeasured = 2,
}

/// <summary>A policy that answers from another pool than naming.yaml says.</summary>
/// <param name="From">Pools that it has answered from before.</param>
/// <param name="NotApplied">Why the move is not in force; null: it is.</param>
/// <param name="State">Of the old addresses.</param>
/// <param name="TtlLeft">How long resolvers may still have an old address.</param>
/// <param name="Old">Prefixes of <paramref name="From"/> that nothing answers from now.</param>
/// <param name="StillAnswered">Parts of them that something does answer from: those are not counted.</param>
/// <param name="MeasuredSince">Hits are counted from here; null: they are not measured here, and what follows is not known.</param>
/// <param name="Hits">Connections opened and UDP packets handed over at the old addresses.</param>
/// <param name="HitsPerSecond">Over the last interval.</param>
/// <param name="AddressesSeen">Old addresses with a hit in the last 10 s.</param>
/// <param name="LastHit">Null: there was none.</param>
/// <param name="QuietFor">No hit for this long.</param>
/// <param name="QuietNeeded">No hit for this long makes them free: 30 s, or the TTL if that is longer.</param>
public sealed record MoveRow(
    string Policy,
    ImmutableArray<string> From,
    string To,
    DateTimeOffset Since,
    string? NotApplied,
    OldAddresses State,
    int TtlSeconds,
    [property: JsonPropertyName("ttl_left_seconds"), JsonConverter(typeof(SecondsConverter))] TimeSpan TtlLeft,
    ImmutableArray<IpPrefix> Old,
    ImmutableArray<IpPrefix> StillAnswered,
    DateTimeOffset? MeasuredSince,
    ulong Hits,
    double HitsPerSecond,
    int AddressesSeen,
    DateTimeOffset? LastHit,
    [property: JsonPropertyName("quiet_for_seconds"), JsonConverter(typeof(SecondsConverter))] TimeSpan QuietFor,
    [property: JsonPropertyName("quiet_needed_seconds"), JsonConverter(typeof(SecondsConverter))] TimeSpan QuietNeeded)
{
    /// <summary>One line: what the old addresses still get, and what that means.</summary>
    public string Progress()
    {
        var ttl = TtlLeft > TimeSpan.Zero ? $"TTL over in {Whole(TtlLeft)} s" : "the TTL is over";
        if (Old.IsEmpty)
        {
            return $"{(State == OldAddresses.Free ? "free" : "draining")}: every address is still answered; {ttl}";
        }

        if (MeasuredSince is null)
        {
            return $"{(State == OldAddresses.Unmeasured ? "not known" : "draining")}: not measured here, this server dispatches nothing; {ttl}";
        }

        return State == OldAddresses.Free
            ? $"free: no traffic for {Whole(QuietFor)} s, and {ttl}"
            : string.Create(CultureInfo.InvariantCulture,
                $"draining: {HitsPerSecond:0.#} hits/s on {AddressesSeen} old {(AddressesSeen == 1 ? "address" : "addresses")}, quiet for {Whole(QuietFor)} of {Whole(QuietNeeded)} s, {ttl}");
    }

    private static string Whole(TimeSpan time) => Math.Ceiling(time.TotalSeconds).ToString("0", CultureInfo.InvariantCulture);
}

/// <summary>A pool of which nothing is answered, by command.</summary>
/// <param name="NotApplied">Why the drain is not in force; null: it is.</param>
public sealed record DrainedPoolRow(string Pool, DateTimeOffset Since, string? NotApplied);

/// <summary><c>show agility</c>.</summary>
/// <param name="StateFile">Where moves and drains outlive the daemon.</param>
public sealed record AgilityReply(string StateFile, ImmutableArray<MoveRow> Moves, ImmutableArray<DrainedPoolRow> Drained) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Agility;

    public override IEnumerable<string> Lines()
    {
        if (Moves.Length == 0 && Drained.Length == 0)
        {
            yield return "no policy is moved, no pool is drained by command";
        }

        foreach (var move in Moves)
        {
            yield return $"policy {move.Policy} moved to {move.To} from {string.Join(", ", move.From)}, since {Units.Time(move.Since)}, TTL {move.TtlSeconds} s";
            if (move.NotApplied is { } why)
            {
                yield return $"  ! not in force: {why}";
                continue;
            }

            yield return move.Old.IsEmpty
                ? "  old addresses: none"
                : $"  old addresses: {string.Join(", ", move.Old)}{(move.StillAnswered.IsEmpty ? "" : $", without {string.Join(", ", move.StillAnswered)}, still answered")}";
            if (move.MeasuredSince is { } measured)
            {
                yield return $"  hits: {move.Hits} since {Units.Time(measured)}{(move.LastHit is { } last ? $", the last at {Units.Time(last)}" : "")}";
            }

            yield return $"  {move.Progress()}";
        }

        foreach (var pool in Drained)
        {
            yield return $"pool {pool.Pool} drained since {Units.Time(pool.Since)}";
            if (pool.NotApplied is { } why)
            {
                yield return $"  ! not in force: {why}";
            }
        }
    }
}

/// <summary><c>agility move</c> and <c>agility end</c>.</summary>
/// <param name="From">Pools that it answered from until now.</param>
/// <param name="To">Pools that it answers from now.</param>
/// <param name="Moved">False: they are those of naming.yaml.</param>
/// <param name="TtlSeconds">How long resolvers may still use addresses that they were told before.</param>
/// <param name="Behind">Who does not answer so yet, and why; null: nobody.</param>
public sealed record AgilityMoveReply(
    string Policy, ImmutableArray<string> From, ImmutableArray<string> To, bool Moved, int TtlSeconds, string? Behind) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.AgilityMoved;

    public override IEnumerable<string> Lines()
    {
        yield return $"policy {Policy} answers from {string.Join(", ", To)}{(Moved ? "" : ", as naming.yaml says")}; before, from {string.Join(", ", From)}";
        yield return $"resolvers may use addresses that they were told before for {TtlSeconds} s{(Moved ? "; show agility tells when the old ones are free" : "")}";
        if (Behind is not null)
        {
            yield return $"! {Behind}";
        }
    }
}

/// <summary><c>agility drain</c> and <c>agility undrain</c>.</summary>
/// <param name="Undone">True for <c>agility undrain</c>.</param>
/// <param name="Policies">Policies that answer from this pool, or would.</param>
/// <param name="TtlSeconds">The longest TTL of them.</param>
/// <param name="Behind">As in <see cref="AgilityMoveReply"/>.</param>
public sealed record AgilityDrainReply(string Pool, bool Undone, ImmutableArray<string> Policies, int TtlSeconds, string? Behind) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.AgilityDrained;

    public override IEnumerable<string> Lines()
    {
        var policies = Policies.IsEmpty ? "no policy answers from it" : $"policies that answer from it: {string.Join(", ", Policies)}";
        yield return Undone ? $"pool {Pool} is answered again; {policies}" : $"nothing of pool {Pool} is answered; {policies}";
        if (!Undone && !Policies.IsEmpty)
        {
            yield return $"resolvers may use addresses that they were told before for {TtlSeconds} s";
        }

        if (Behind is not null)
        {
            yield return $"! {Behind}";
        }
    }
}
