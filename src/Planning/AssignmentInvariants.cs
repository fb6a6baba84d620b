using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>Which rule an assignment breaks.</summary>
public enum InvariantRule
{
    /// <summary>A list is not ascending, or names a pool twice.</summary>
    Order = 0,

    /// <summary>The fleet has no such pool, or another slice size for it.</summary>
    Pool = 1,

    /// <summary>Two owners for one port: of slices, of blocks, or a slice that is in quarantine.</summary>
    Overlap = 2,

    /// <summary>A block that its datacenter may not own, or that is not cut between slices.</summary>
    Block = 3,

    /// <summary>A part of an address that belongs to no datacenter.</summary>
    Coverage = 4,

    /// <summary>A slice that is not one of the pool's, or is reserved.</summary>
    Slice = 5,

    /// <summary>A slice whose owner may not have it, or lies outside its datacenter's blocks.</summary>
    Owner = 6,

    /// <summary>A server with fewer or more slices than the pool says.</summary>
    Served = 7,

    /// <summary>A slice that got another owner while it was owned or in quarantine.</summary>
    Quarantine = 8,
}

public readonly record struct InvariantViolation(string Pool, InvariantRule Rule, string Message);

/// <summary>What holds for every assignment that the planner makes, checked without the planner: also for files edited by hand.</summary>
public static class AssignmentInvariants
{
    public static ImmutableArray<InvariantViolation> Check(Fleet fleet, Assignment assignment)
    {
        ArgumentNullException.ThrowIfNull(fleet);
        ArgumentNullException.ThrowIfNull(assignment);
        var found = ImmutableArray.CreateBuilder<InvariantViolation>();
        foreach (var (one, next) in assignment.Pools.Zip(assignment.Pools.Skip(1)).Where(p => string.CompareOrdinal(p.First.Pool, p.Second.Pool) >= 0))
        {
            found.Add(new(next.Pool, InvariantRule.Order, $"stands after pool {one.Pool}"));
        }

        foreach (var pool in assignment.Pools)
        {
            if (fleet.PoolNamed(pool.Pool) is { } known)
            {
                new Checker(fleet, known, pool, found).Run();
            }
            else if (pool.Slices.Length + pool.Blocks.Length > 0)
            {
                // Quarantine outlives its pool: the address may come back in another one.
                found.Add(new(pool.Pool, InvariantRule.Pool, "the fleet has no such pool"));
            }
        }

        foreach (var pool in fleet.Pools.Where(p => assignment.Pool(p.Name) is null && fleet.Servers.Values.Any(s => p.Weights.ContainsKey(s.Datacenter))))
        {
            found.Add(new(pool.Name, InvariantRule.Served, "none of its servers has a slice"));
        }

        return found.ToImmutable();
    }

    /// <summary>Slices that change owner from one assignment to the next without having been free: their peers would meet.</summary>
    public static ImmutableArray<InvariantViolation> CheckStep(Assignment before, Assignment after, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var held = before.Pools.SelectMany(p => p.Slices.Select(s => (s.Slice, s.Server))
                .Concat(p.Quarantined.Where(q => q.Until > now).Select(q => (q.Slice, Server: q.FormerServer))))
            .ToLookup(h => h.Slice.Address);
        return
        [
            .. from pool in after.Pools
               from slice in pool.Slices
               from former in held[slice.Slice.Address]
               where former.Slice.Overlaps(slice.Slice) && former.Server != slice.Server
               select new InvariantViolation(pool.Pool, InvariantRule.Quarantine, $"{slice.Slice} of {slice.Server} is {former.Server}'s or in quarantine after it"),
        ];
    }

    private sealed class Checker(Fleet fleet, EgressPool pool, PoolAssignment assigned, ImmutableArray<InvariantViolation>.Builder found)
    {
        public void Run()
        {
            // Without owners the size means nothing: quarantine holds ports.
            if (assigned.SliceSize != pool.SliceSize && assigned.Slices.Length + assigned.Blocks.Length > 0)
            {
                Report(InvariantRule.Pool, $"was made for slices of {assigned.SliceSize} ports, the fleet says {pool.SliceSize}");
            }

            CheckList("blocks", assigned.Blocks.Select(b => b.Block));
            CheckList("slices", assigned.Slices.Select(s => s.Slice));
            CheckList("quarantined slices", assigned.Quarantined.Select(q => q.Slice));
            CheckBlocks();
            CheckSlices();
            CheckServed();
        }

        private void Report(InvariantRule rule, string message) => found.Add(new(pool.Name, rule, message));

        private void CheckList(string name, IEnumerable<AddressPorts> ranges)
        {
            foreach (var (one, next) in ranges.Zip(ranges.Skip(1)).Where(p => p.First >= p.Second))
            {
                Report(InvariantRule.Order, $"{name}: {next} stands after {one}");
            }

            foreach (var (one, next) in OverlapsIn(ranges))
            {
                Report(InvariantRule.Overlap, $"{name}: {next} overlaps {one}");
            }
        }

        private void CheckBlocks()
        {
            foreach (var (block, datacenter) in assigned.Blocks)
            {
                if (!pool.MayAssign(block.Address))
                {
                    Report(InvariantRule.Block, $"{block} may not be assigned");
                }

                if (block.Ports.First % pool.SliceSize.PortCount != 0 || block.Ports.Count % pool.SliceSize.PortCount != 0)
                {
                    Report(InvariantRule.Block, $"{block} is not cut between slices");
                }

                if (!pool.Weights.ContainsKey(datacenter))
                {
                    Report(InvariantRule.Block, $"{block} belongs to {datacenter}, which the pool does not serve");
                }
            }

            var covered = assigned.Blocks.GroupBy(b => b.Block.Address).ToDictionary(g => g.Key, g => g.Sum(b => b.Block.Ports.Count));
            foreach (var (address, ports) in covered.Where(c => c.Value < 65536))
            {
                Report(InvariantRule.Coverage, $"{65536 - ports} ports of {address} belong to no datacenter");
            }

            // A pool too large to be shared out whole has addresses that belong to nobody yet.
            var count = pool.LastAddress.Value - pool.FirstAddress.Value;
            var isServed = fleet.Servers.Values.Any(s => pool.Weights.ContainsKey(s.Datacenter));
            if (isServed && count < PoolTable.MaxSharedOutAddresses && (UInt128)covered.Count < count + 1)
            {
                Report(InvariantRule.Coverage, $"{count + 1 - (UInt128)covered.Count} addresses belong to no datacenter");
            }
        }

        private void CheckSlices()
        {
            var blocks = assigned.Blocks.ToLookup(b => b.Block.Address);
            foreach (var (slice, name) in assigned.Slices)
            {
                if (!pool.MayAssign(slice))
                {
                    Report(InvariantRule.Slice, $"{slice} is not a slice that may be assigned");
                }

                if (!fleet.Servers.TryGetValue(name, out var server))
                {
                    Report(InvariantRule.Owner, $"{slice} belongs to {name}, which the fleet does not have");
                }
                else if (!pool.Weights.ContainsKey(server.Datacenter))
                {
                    Report(InvariantRule.Owner, $"{slice} belongs to {name} in {server.Datacenter}, which the pool does not serve");
                }
                else if (!blocks[slice.Address].Any(b => b.Datacenter == server.Datacenter && b.Block.Contains(slice)))
                {
                    Report(InvariantRule.Owner, $"{slice} of {name} lies in no block of {server.Datacenter}");
                }
            }

            var both = assigned.Slices.Select(s => s.Slice).Concat(assigned.Quarantined.Select(q => q.Slice));
            var alone = OverlapsIn(assigned.Slices.Select(s => s.Slice)).Concat(OverlapsIn(assigned.Quarantined.Select(q => q.Slice))).ToHashSet();
            foreach (var pair in OverlapsIn(both).Where(p => !alone.Contains(p)))
            {
                Report(InvariantRule.Overlap, $"{pair.Next} overlaps {pair.One}: one is owned, the other in quarantine");
            }
        }

        private void CheckServed()
        {
            var owned = assigned.Slices.CountBy(s => s.Server).ToDictionary();
            foreach (var server in fleet.Servers.Values.Where(s => pool.Weights.ContainsKey(s.Datacenter)).OrderBy(s => s.Name, NaturalOrder.Instance))
            {
                var count = owned.GetValueOrDefault(server.Name);
                if (count != pool.SlicesPerServer)
                {
                    Report(InvariantRule.Served, $"{server.Name} has {count} of {pool.SlicesPerServer} slices");
                }
            }
        }

        private static IEnumerable<(AddressPorts One, AddressPorts Next)> OverlapsIn(IEnumerable<AddressPorts> ranges)
        {
            AddressPorts? reach = null;
            foreach (var range in ranges.Order())
            {
                if (reach is { } one && one.Overlaps(range))
                {
                    yield return (one, range);
                }

                // The range that reaches furthest: a long one may overlap several that follow.
                if (reach is not { } far || far.Address != range.Address || range.Ports.Last >= far.Ports.Last)
                {
                    reach = range;
                }
            }
        }
    }
}
