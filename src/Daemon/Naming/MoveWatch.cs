using System.Collections.Immutable;
using SoftUnicast.Control.Replies;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Naming;

/// <summary>
/// Whether the addresses that a move has left are free: no hit for 30 s or the TTL, whichever is longer, and the TTL is over.
/// Once free they stay so: nobody counts any longer then.
/// </summary>
internal sealed class MoveWatch(PolicyMove move, TimeProvider time)
{
    private static readonly TimeSpan LeastQuiet = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SeenFor = TimeSpan.FromSeconds(10);

    private readonly Dictionary<IpAddress, long> seen = [];
    private DateTimeOffset? measuredSince;
    private DateTimeOffset? lastHit;
    private long quietSince;
    private ulong hits;
    private double perSecond;
    private ImmutableArray<IpPrefix> old = [];
    private ImmutableArray<IpPrefix> answered = [];

    public PolicyMove Move => move;

    public bool IsFree { get; private set; }

    private TimeSpan Ttl => TimeSpan.FromSeconds(move.TtlSeconds);

    private TimeSpan QuietNeeded => Ttl > LeastQuiet ? Ttl : LeastQuiet;

    // A clock that was set back gives no more than the TTL, one set forward gives none.
    private TimeSpan TtlLeft
    {
        get
        {
            var left = move.Since + Ttl - time.GetUtcNow();
            return left < TimeSpan.Zero ? TimeSpan.Zero : left > Ttl ? Ttl : left;
        }
    }

    /// <param name="oldPrefixes">Of the pools that the policy answered from before.</param>
    /// <param name="answeredNow">Whatever any policy answers from.</param>
    /// <param name="since">When counting began; null: nobody counts.</param>
    /// <param name="between">Null: nothing new was counted.</param>
    public void Step(ImmutableArray<IpPrefix> oldPrefixes, ImmutableArray<IpPrefix> answeredNow, DateTimeOffset? since, HitsBetween? between)
    {
        if (IsFree)
        {
            return;
        }

        old = [.. oldPrefixes.Where(p => !answeredNow.Any(a => a.Contains(p))).Distinct().Order()];
        answered = [.. answeredNow.Where(a => old.Any(p => p.Contains(a))).Distinct().Order()];
        if (since != measuredSince)
        {
            // Counting has begun, or begun anew: what is quiet is quiet from here.
            (measuredSince, quietSince, perSecond) = (since, time.GetTimestamp(), 0);
            seen.Clear();
        }

        if (between is not null)
        {
            Count(between);
        }

        foreach (var (address, _) in seen.Where(s => time.GetElapsedTime(s.Value) > SeenFor).ToArray())
        {
            seen.Remove(address);
        }

        IsFree = TtlLeft == TimeSpan.Zero && (old.IsEmpty || (measuredSince is not null && time.GetElapsedTime(quietSince) >= QuietNeeded));
    }

    public MoveRow Row(string? notApplied) => new(
        move.Policy, move.Old, move.To, move.Since, notApplied,
        IsFree ? OldAddresses.Free : measuredSince is null && TtlLeft == TimeSpan.Zero ? OldAddresses.Unmeasured : OldAddresses.Draining,
        move.TtlSeconds, TtlLeft, old, answered, measuredSince, hits, perSecond, seen.Count, lastHit,
        measuredSince is null ? TimeSpan.Zero : time.GetElapsedTime(quietSince), QuietNeeded);

    private void Count(HitsBetween between)
    {
        ulong now = 0;
        foreach (var (address, count) in between.Hits)
        {
            if (old.Any(p => p.Contains(address)) && !answered.Any(p => p.Contains(address)))
            {
                now += count;
                seen[address] = time.GetTimestamp();
            }
        }

        hits += now;
        perSecond = between.Over > TimeSpan.Zero ? now / between.Over.TotalSeconds : 0;
        if (now > 0)
        {
            (quietSince, lastHit) = (time.GetTimestamp(), time.GetUtcNow());
        }
    }
}
