using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>Compares two assignments for the same fleet, whoever made them.</summary>
public static class PlanComparison
{
    /// <param name="after">What the fleet is to have.</param>
    /// <param name="now">Quarantine that is over by then is not mentioned.</param>
    public static PlanDiff Compare(Fleet fleet, Assignment before, Assignment after, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(fleet);
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var old = PlanInput.From(fleet, before);
        var pools = new SortedDictionary<string, PoolDiff>(StringComparer.Ordinal);
        foreach (var input in old.Pools)
        {
            var next = after.Pool(input.Pool.Name);
            var stray = old.Strays.GetValueOrDefault(input.Pool.Name);
            ImmutableArray<OwnedSlice> slices = [.. input.Slices.Concat(stray?.Slices ?? []).OrderBy(s => s.Slice)];
            ImmutableArray<OwnedBlock> blocks = [.. input.Blocks.Concat(stray?.Blocks ?? []).OrderBy(b => b.Block)];
            var was = before.Pool(input.Pool.Name);
            pools[input.Pool.Name] = PoolDiffOf(fleet, input.Pool.Name, slices, blocks, next, now) with
            {
                Change = was is null && next is not null ? PoolChange.Added : PoolChange.None,
                SliceSizeBefore = was is not null && !was.Slices.IsEmpty && was.SliceSize != input.Pool.SliceSize ? was.SliceSize : null,
                Summary = Summarise(input, next, now),
            };
        }

        foreach (var pool in before.Pools.Where(p => fleet.PoolNamed(p.Pool) is null))
        {
            var stray = old.Strays.GetValueOrDefault(pool.Pool);
            var diff = PoolDiffOf(fleet, pool.Pool, stray?.Slices ?? [], stray?.Blocks ?? [], after.Pool(pool.Pool), now);

            // What is left of a removed pool is its quarantine: once reported, it is no change.
            if (pool.Slices.Length + pool.Blocks.Length > 0)
            {
                pools[pool.Pool] = diff with { Change = PoolChange.Removed };
            }
        }

        return new PlanDiff(before.Generation, after.Generation, [.. pools.Values]);
    }

    private static PoolDiff PoolDiffOf(
        Fleet fleet,
        string name,
        ImmutableArray<OwnedSlice> slicesBefore,
        ImmutableArray<OwnedBlock> blocksBefore,
        PoolAssignment? after,
        DateTimeOffset now)
    {
        ImmutableArray<OwnedSlice> slicesAfter = after?.Slices ?? [];
        var old = slicesBefore.ToHashSet();
        var gained = slicesAfter.Where(s => !old.Contains(s)).GroupBy(s => s.Server).ToDictionary(g => g.Key, g => new Queue<AddressPorts>(g.Select(s => s.Slice)), StringComparer.Ordinal);
        var stays = slicesAfter.ToHashSet();
        var quarantined = (after?.Quarantined ?? []).Where(q => q.Until > now).GroupBy(q => q.Slice.Address).ToDictionary(g => g.Key, g => g.ToList());

        var removed = ImmutableArray.CreateBuilder<RemovedSlice>();
        var moved = ImmutableArray.CreateBuilder<MovedSlice>();
        foreach (var slice in slicesBefore.Where(s => !stays.Contains(s)))
        {
            var until = quarantined.TryGetValue(slice.Slice.Address, out var there) && there.FindIndex(q => q.Slice.Overlaps(slice.Slice)) is >= 0 and var i
                ? there[i].Until
                : (DateTimeOffset?)null;
            var reason = ReasonOf(fleet, slice);
            if (gained.TryGetValue(slice.Server, out var queue) && queue.TryDequeue(out var to))
            {
                moved.Add(new MovedSlice(slice.Server, slice.Slice, to, reason, until));
            }
            else
            {
                removed.Add(new RemovedSlice(slice.Slice, slice.Server, reason, until));
            }
        }

        return new PoolDiff(
            name,
            PoolChange.None,
            null,
            slicesAfter.Count(old.Contains),
            [.. gained.SelectMany(g => g.Value.Select(slice => new OwnedSlice(slice, g.Key))).OrderBy(s => s.Slice)],
            removed.ToImmutable(),
            moved.ToImmutable(),
            ChangedBlocks(blocksBefore, after?.Blocks ?? []),
            null);
    }

    private static ReleaseReason ReasonOf(Fleet fleet, OwnedSlice slice)
    {
        if (!fleet.Servers.TryGetValue(slice.Server, out var server))
        {
            return ReleaseReason.ServerGone;
        }

        var pool = fleet.PoolOf(slice.Slice.Address);
        return pool is null || !pool.MayAssign(slice.Slice.Address) ? ReleaseReason.AddressNotAssignable
            : !pool.Weights.ContainsKey(server.Datacenter) ? ReleaseReason.DatacenterNotServed
            : !pool.SliceSize.IsSlice(slice.Slice.Ports) ? ReleaseReason.SliceSizeChanged
            : !pool.MayAssign(slice.Slice) ? ReleaseReason.SliceReserved
            : ReleaseReason.MoreThanItsNumber;
    }

    private static ImmutableArray<BlockChange> ChangedBlocks(ImmutableArray<OwnedBlock> before, ImmutableArray<OwnedBlock> after)
    {
        var same = before.ToHashSet();
        same.IntersectWith(after);
        var old = before.Where(b => !same.Contains(b)).ToLookup(b => b.Block.Address);
        var next = after.Where(b => !same.Contains(b)).ToLookup(b => b.Block.Address);
        var changes = ImmutableArray.CreateBuilder<BlockChange>();
        foreach (var address in old.Select(g => g.Key).Union(next.Select(g => g.Key)).Order())
        {
            var cuts = new SortedSet<int>();
            foreach (var block in old[address].Concat(next[address]))
            {
                cuts.Add(block.Block.Ports.First);
                cuts.Add(block.Block.Ports.Last + 1);
            }

            BlockChange? open = null;
            foreach (var (first, end) in cuts.Zip(cuts.Skip(1)))
            {
                var port = (ushort)first;
                var from = old[address].FirstOrDefault(b => b.Block.Ports.Contains(port)).Datacenter;
                var to = next[address].FirstOrDefault(b => b.Block.Ports.Contains(port)).Datacenter;
                if (open is { } change && change.From == from && change.To == to)
                {
                    open = change with { Block = new AddressPorts(address, new PortRange(change.Block.Ports.First, (ushort)(end - 1))) };
                    continue;
                }

                Close();
                open = from == to ? null : new BlockChange(new AddressPorts(address, new PortRange(port, (ushort)(end - 1))), from, to);
            }

            Close();

            void Close()
            {
                if (open is { } change)
                {
                    changes.Add(change);
                }

                open = null;
            }
        }

        return changes.ToImmutable();
    }

    private static PoolSummary Summarise(PoolInput input, PoolAssignment? planned, DateTimeOffset now)
    {
        var pool = input.Pool;
        var split = (planned?.Blocks ?? []).Where(b => b.Block.Ports != PortRange.All).ToLookup(b => b.Block.Address);
        var servers = input.Datacenters.ToDictionary(d => d.Name, d => d.Servers.ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
        var homes = servers.SelectMany(s => s.Value.Select(server => (server, s.Key))).ToDictionary(p => p.server, p => p.Key, StringComparer.Ordinal);
        var owned = (planned?.Slices ?? []).CountBy(s => homes.GetValueOrDefault(s.Server, "")).ToDictionary();
        var whole = (planned?.Blocks ?? []).Where(b => b.Block.Ports == PortRange.All).CountBy(b => b.Datacenter).ToDictionary();
        var shared = split.SelectMany(g => g.Select(b => b.Datacenter).Distinct()).CountBy(d => d).ToDictionary();
        var addresses = UInt128.Min(pool.LastAddress.Value - pool.FirstAddress.Value, UInt128.MaxValue - 1) + 1;
        return new PoolSummary(
            pool.Prefix,
            pool.SliceSize,
            homes.Count,
            addresses,
            planned?.Slices.Length ?? 0,
            addresses > UInt128.MaxValue / 256 ? UInt128.MaxValue : addresses * (UInt128)pool.UsableSlicesPerAddress,
            (planned?.Quarantined ?? []).Count(q => q.Until > now),
            split.Count,
            planned?.Blocks.Length ?? 0,
            [.. pool.Weights.OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => new DatacenterSummary(
                w.Key,
                w.Value,
                servers.TryGetValue(w.Key, out var there) ? there.Count : 0,
                whole.GetValueOrDefault(w.Key),
                shared.GetValueOrDefault(w.Key),
                owned.GetValueOrDefault(w.Key)))]);
    }
}
