using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>A datacenter that a pool serves and that has servers.</summary>
/// <param name="Servers">In natural order, at least one.</param>
internal sealed record ServedDatacenter(string Name, int Weight, ImmutableArray<string> Servers);

/// <summary>All that a pool's plan depends on. What is in force is found by address, so that renaming a pool moves nothing.</summary>
/// <param name="Datacenters">By name, ascending (ordinal).</param>
internal sealed record PoolInput(
    EgressPool Pool,
    ImmutableArray<ServedDatacenter> Datacenters,
    ImmutableArray<OwnedSlice> Slices,
    ImmutableArray<OwnedBlock> Blocks,
    ImmutableArray<QuarantinedSlice> Quarantined)
{
    public long SlicesWanted => (long)Pool.SlicesPerServer * Datacenters.Sum(d => d.Servers.Length);
}

/// <summary>The fleet and the assignment in force, sorted by the fleet's pools.</summary>
/// <param name="Pools">In the fleet's order.</param>
/// <param name="Strays">By the name of the pool in force: what lies in no pool of the fleet any more.</param>
internal sealed record PlanInput(ImmutableArray<PoolInput> Pools, ImmutableSortedDictionary<string, PoolAssignment> Strays)
{
    public static PlanInput From(Fleet fleet, Assignment inForce)
    {
        var servers = fleet.Servers.Values
            .GroupBy(s => s.Datacenter)
            .ToDictionary(g => g.Key, g => g.Select(s => s.Name).Order(NaturalOrder.Instance).ToImmutableArray());

        var parts = fleet.Pools.ToDictionary(p => p.Name, _ => new Parts());
        var strays = ImmutableSortedDictionary.CreateBuilder<string, PoolAssignment>(StringComparer.Ordinal);
        foreach (var pool in inForce.Pools)
        {
            var stray = new Parts();
            Parts PartsOf(IpAddress address) => fleet.PoolOf(address) is { } owner ? parts[owner.Name] : stray;
            foreach (var slice in pool.Slices)
            {
                PartsOf(slice.Slice.Address).Slices.Add(slice);
            }

            foreach (var block in pool.Blocks)
            {
                PartsOf(block.Block.Address).Blocks.Add(block);
            }

            foreach (var slice in pool.Quarantined)
            {
                PartsOf(slice.Slice.Address).Quarantined.Add(slice);
            }

            if (stray.Slices.Count + stray.Blocks.Count + stray.Quarantined.Count > 0)
            {
                strays[pool.Pool] = new PoolAssignment(pool.Pool, pool.SliceSize, [.. stray.Blocks], [.. stray.Slices], [.. stray.Quarantined]);
            }
        }

        return new PlanInput([.. fleet.Pools.Select(Input)], strays.ToImmutable());

        PoolInput Input(EgressPool pool) => new(
            pool,
            [.. pool.Weights.Where(w => servers.ContainsKey(w.Key)).OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => new ServedDatacenter(w.Key, w.Value, servers[w.Key]))],
            [.. parts[pool.Name].Slices.OrderBy(s => s.Slice)],
            [.. parts[pool.Name].Blocks.OrderBy(b => b.Block)],
            [.. parts[pool.Name].Quarantined.OrderBy(q => q.Slice)]);
    }

    private sealed class Parts
    {
        public List<OwnedSlice> Slices { get; } = [];

        public List<OwnedBlock> Blocks { get; } = [];

        public List<QuarantinedSlice> Quarantined { get; } = [];
    }
}
