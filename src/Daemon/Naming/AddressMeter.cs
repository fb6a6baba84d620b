using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Naming;

/// <summary>What came to addresses between two looks at their counters.</summary>
/// <param name="Hits">By address; without those that had none.</param>
internal sealed record HitsBetween(IReadOnlyDictionary<IpAddress, ulong> Hits, TimeSpan Over);

/// <summary>
/// Looks at the counters of addresses, every <see cref="Interval"/> at most, and keeps their loads: connections opened and UDP
/// packets handed over in the last interval, averaged with the load before.
/// </summary>
internal sealed class AddressMeter(TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private IReadOnlyDictionary<IpAddress, ulong>? last;
    private long lastAt;

    /// <summary>By address; without those that have none.</summary>
    public ImmutableSortedDictionary<IpAddress, long> Loads { get; private set; } = ImmutableSortedDictionary<IpAddress, long>.Empty;

    /// <summary>When the counting began; null: nobody counts.</summary>
    public DateTimeOffset? Since { get; private set; }

    /// <returns>Null if it is not time yet, or this was the first look.</returns>
    public HitsBetween? Look(Func<IReadOnlyDictionary<IpAddress, ulong>> counters)
    {
        if (last is not null && time.GetElapsedTime(lastAt) < Interval)
        {
            return null;
        }

        var now = counters();
        var at = time.GetTimestamp();
        var before = last;
        (last, var over) = (now, time.GetElapsedTime(lastAt, at));
        lastAt = at;
        if (before is null)
        {
            Since = time.GetUtcNow();
            return null;
        }

        // A counter that is lower than before began anew.
        var hits = now.Select(n => (n.Key, Hits: before.TryGetValue(n.Key, out var old) && old <= n.Value ? n.Value - old : n.Value))
            .Where(n => n.Hits > 0).ToDictionary(n => n.Key, n => n.Hits);
        Loads = Loads.Keys.Union(hits.Keys)
            .Select(a => KeyValuePair.Create(a, (long)((hits.GetValueOrDefault(a) + (ulong)Loads.GetValueOrDefault(a)) / 2)))
            .Where(l => l.Value > 0).ToImmutableSortedDictionary();
        return new HitsBetween(hits, over);
    }

    /// <summary>Nobody wants to know any more: the next look is a first one.</summary>
    public void Forget() => (last, Since, Loads) = (null, null, ImmutableSortedDictionary<IpAddress, long>.Empty);
}
