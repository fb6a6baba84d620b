using SoftUnicast.Model;

namespace SoftUnicast.Planning.Tests;

/// <summary>What holds for every fleet; Fleets.Holds adds the invariants and that a plan of the plan changes nothing.</summary>
public sealed class PropertyTests
{
    private static readonly int[] SliceSizes = [256, 1024, 2048, 4096, 8192];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nothing_moves_that_need_not_move_and_nobody_goes_without_while_a_slice_is_free(int seed)
    {
        var fleets = new RandomFleets(seed, maxDatacenters: 5, maxServers: 120, maxAddresses: 12, SliceSizes, maxPerServer: 3);
        var inForce = Assignment.Empty;
        for (var step = 0; step < 12; step++)
        {
            fleets.Step(changePool: step % 2 == 1);
            var where = $"seed {seed}, step {step}";
            var (fleet, pool) = (fleets.Fleet, fleets.Pool);
            var result = Planner.Plan(fleet, inForce, fleets.Now, Fleets.Quarantine);
            var before = inForce.Pool("us");

            // Counted without the planner: what is still valid stays, up to each server's number.
            var valid = (before?.Slices ?? []).Where(s => pool.MayAssign(s.Slice) && fleet.Servers.TryGetValue(s.Server, out var server) && pool.Weights.ContainsKey(server.Datacenter)).CountBy(s => s.Server);
            var stays = valid.Sum(v => Math.Min(v.Value, pool.SlicesPerServer));
            if (result.Assignment is { } next)
            {
                Assert.True(Fleets.Kept(inForce, next) == stays, $"{where}: {Fleets.Kept(inForce, next)} kept, {stays} are valid");
                Fleets.Holds(fleet, inForce, next, fleets.Now, where);
                FollowsWeights(pool, next, where);
                inForce = next;
            }
            else
            {
                Assert.True(MissesSlices(fleet, pool, before, stays, fleets.Now), $"{where}: refused although enough is free\n{PlanText.Render(result)}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void One_server_more_or_less_moves_nobody_else(int seed)
    {
        var fleets = new RandomFleets(seed, maxDatacenters: 4, maxServers: 60, maxAddresses: 8, SliceSizes);
        fleets.Add();
        var (fleet, where) = (fleets.Fleet, $"seed {seed}");
        if (Planner.Plan(fleet, Assignment.Empty, fleets.Now, Fleets.Quarantine).Assignment is not { } before)
        {
            return;
        }

        var gone = fleets.Pick();
        var less = Planner.Plan(fleet.Without(gone), before, fleets.Now, Fleets.Quarantine).Assignment!;
        Assert.True(before.Pools.SelectMany(p => p.Slices).Where(s => s.Server != gone).SequenceEqual(less.Pools.SelectMany(p => p.Slices)), where);
        Fleets.Holds(fleet.Without(gone), before, less, fleets.Now, where);

        fleets.Add();
        if (Planner.Plan(fleets.Fleet, before, fleets.Now, Fleets.Quarantine).Assignment is { } more)
        {
            Assert.True(Fleets.Kept(before, more) == before.Pools.Sum(p => p.Slices.Length), where);
            Fleets.Holds(fleets.Fleet, before, more, fleets.Now, where);
        }
    }

    /// <summary>
    /// Webster's condition, on whole addresses: nobody has one more than needed that another one has a better claim to.
    /// </summary>
    private static void FollowsWeights(EgressPool pool, Assignment planned, string where)
    {
        if (planned.Pool("us") is not { } assigned)
        {
            return;
        }

        var whole = assigned.Blocks.Where(b => b.Block.Ports == PortRange.All).GroupBy(b => b.Datacenter).ToDictionary(g => g.Key, g => g.Select(b => b.Block.Address).ToHashSet());
        var used = assigned.Slices.Select(s => s.Slice.Address).ToHashSet();
        foreach (var (donor, addresses) in whole.Where(w => w.Value.Any(a => !used.Contains(a))))
        {
            foreach (var taker in assigned.Blocks.Select(b => b.Datacenter).Distinct().Where(t => t != donor))
            {
                var has = whole.TryGetValue(taker, out var own) ? own.Count : 0;
                Assert.True(
                    (long)pool.Weights[taker] * ((2 * addresses.Count) - 1) <= (long)pool.Weights[donor] * ((2 * has) + 1),
                    $"{where}: {donor} has {addresses.Count} by weight {pool.Weights[donor]}, {taker} has {has} by weight {pool.Weights[taker]}");
            }
        }
    }

    private static bool MissesSlices(Fleet fleet, EgressPool pool, PoolAssignment? before, int stays, DateTimeOffset now)
    {
        var servers = fleet.Servers.Values.Where(s => pool.Weights.ContainsKey(s.Datacenter)).ToList();
        var held = (before?.Slices ?? []).Select(s => s.Slice).Concat((before?.Quarantined ?? []).Where(q => q.Until > now).Select(q => q.Slice)).ToLookup(s => s.Address);
        var free = Enumerable.Range(0, pool.AddressCount).Sum(i => Enumerable.Range(0, pool.SliceSize.SlicesPerAddress)
            .Select(index => new AddressPorts(pool.FirstAddress.Add((UInt128)i), pool.SliceSize.PortsOf(index)))
            .Count(slice => pool.MayAssign(slice) && !held[slice.Address].Any(h => h.Overlaps(slice))));
        return (servers.Count * pool.SlicesPerServer) - stays > free;
    }
}
