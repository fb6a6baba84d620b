using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>
/// The learned table while it is being followed. Routes are fresh, or held: learned before the daemon went away. A held route leaves
/// when it is heard again (it is fresh then), when it is withdrawn, or when its neighbour has sent its whole table without it. Pure, one
/// writer.
/// </summary>
internal sealed class LearnedState
{
    private readonly ImmutableDictionary<LearnedKey, OwnershipRoute>.Builder routes =
        ImmutableDictionary.CreateBuilder<LearnedKey, OwnershipRoute>();

    private readonly HashSet<LearnedKey> held = [];
    private readonly HashSet<LearnedKey> touched = [];
    private readonly Dictionary<IpAddress, int> counts = [];

    public LearnedTable Table { get; private set; } = LearnedTable.Empty;

    public int HeldCount => held.Count;

    /// <summary>Routes that count, of one neighbour.</summary>
    public int CountOf(IpAddress neighbour) => counts.GetValueOrDefault(neighbour);

    /// <summary>A neighbour announced the route, or (null) announced something unacceptable in its place or withdrew it.</summary>
    public void Apply(LearnedKey key, OwnershipRoute? route)
    {
        held.Remove(key);
        if (route is null)
        {
            if (routes.Remove(key))
            {
                counts[key.Neighbour]--;
                touched.Add(key);
            }
        }
        else if (!routes.TryGetValue(key, out var there) || there != route)
        {
            counts[key.Neighbour] = CountOf(key.Neighbour) + (there is null ? 1 : 0);
            routes[key] = route;
            touched.Add(key);
        }
    }

    /// <summary>The daemon is away, or its table is about to be read anew: whatever is here has to be heard again.</summary>
    public void HoldAll() => held.UnionWith(routes.Keys);

    /// <summary>The neighbour's whole table has been heard: what is still held from it is gone.</summary>
    public void Release(Func<IpAddress, bool> neighbours)
    {
        foreach (var key in held.Where(k => neighbours(k.Neighbour)).ToList())
        {
            Apply(key, null);
        }
    }

    /// <summary>The change since the last call, or null if there is none.</summary>
    public LearnedChange? Publish(bool synchronised)
    {
        if (touched.Count == 0 && Table.Synchronised == synchronised && Table.HeldCount == held.Count)
        {
            return null;
        }

        var before = Table.ByKey;
        var after = routes.ToImmutable();
        var announced = ImmutableArray.CreateBuilder<OwnershipRoute>();
        var withdrawn = ImmutableArray.CreateBuilder<OwnershipRoute>();
        foreach (var key in touched)
        {
            var was = before.GetValueOrDefault(key);
            var now = after.GetValueOrDefault(key);
            if (was is not null && now is null)
            {
                withdrawn.Add(was);
            }
            else if (now is not null && was != now)
            {
                announced.Add(now);
            }
        }

        touched.Clear();
        Table = new LearnedTable(Table.Version + 1, synchronised, held.Count, after);
        return new LearnedChange(Table, announced.DrainToImmutable(), withdrawn.DrainToImmutable());
    }
}
