using System.Collections.Immutable;
using SoftUnicast.Model;
using static SoftUnicast.Planning.Tests.Fleets;

namespace SoftUnicast.Planning.Tests;

/// <summary>A pool that cannot serve everyone says what would do, and what it says is true: the advice is taken and planned.</summary>
public sealed class PlanErrorTests
{
    [Fact]
    public void Too_few_slices_name_the_addresses_and_the_slice_size_that_suffice()
    {
        var error = Refused(Make(Pool(addresses: 1, weights: [("ams", 1), ("fra", 1)]), ("ams", 20), ("fra", 12)));
        Assert.Equal("pool us cannot serve everyone: its 32 servers need 32 slices, 31 are usable; 1 missing", error.Message);
        Assert.Equal((32, 1, 0), (error.Wanted, error.Missing, error.InQuarantine));
        Assert.Equal(
            [
                "let the pool assign 1 more address of its prefix, addresses: 192.0.2.0-192.0.2.1",
                "set slice-size: 1024 with reserved-slices: [0, 1]",
            ],
            error.Advice.Select(a => a.Text));
    }

    [Fact]
    public void A_full_prefix_asks_for_a_shorter_one()
    {
        var error = Refused(Make(Pool(prefix: "192.0.2.0/24", sliceSize: 32768, weights: [("ams", 1)]), ("ams", 300)));
        Assert.Contains("give the pool 44 more addresses: a shorter prefix, or a second pool with the same tags", error.Advice.Select(a => a.Text));
    }

    [Fact]
    public void Addresses_below_count_when_there_are_none_above()
    {
        var error = Refused(Make(Pool(first: "192.0.2.254", sliceSize: 32768, weights: [("ams", 1)]), ("ams", 5)));
        Assert.Equal("let the pool assign 3 more addresses of its prefix, addresses: 192.0.2.251-192.0.2.255", error.Advice[0].Text);
        Plan(Make(Pool(first: "192.0.2.251", sliceSize: 32768, weights: [("ams", 1)]), ("ams", 5)));
    }

    [Fact]
    public void Fewer_slices_per_server_are_named_if_they_suffice()
    {
        var error = Refused(Make(Pool(addresses: 1, perServer: 4, weights: [("ams", 1)]), ("ams", 15)));
        Assert.Equal("pool us cannot serve everyone: its 15 servers need 60 slices (4 each), 31 are usable; 29 missing", error.Message);
        Assert.Contains(new FewerSlicesPerServer(2), error.Advice);
    }

    [Fact]
    public void No_slice_size_is_named_if_none_suffices()
    {
        var error = Refused(Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 249)));
        Assert.Equal(new MoreAddresses(8, (IpAddress.Parse("192.0.2.0"), IpAddress.Parse("192.0.2.8"))), Assert.Single(error.Advice));
    }

    [Fact]
    public void All_pools_are_refused_at_once_and_none_is_planned()
    {
        var result = Planner.Plan(
            Make(
                [Pool("b", "198.51.100.0/24", addresses: 1, weights: [("ams", 1)]), Pool("a", "203.0.113.0/24", addresses: 1, weights: [("ams", 1)]), Pool("c", weights: [("ams", 1)])],
                ("ams", 40)),
            Assignment.Empty, Now, Quarantine);
        Assert.Equal(["a", "b"], result.Errors.Select(e => e.Pool));
        Assert.Null(result.Assignment);
        Assert.EndsWith("nothing is planned: the assignment in force stays\n", PlanText.Render(result), StringComparison.Ordinal);
    }

    [Fact]
    public void Slices_in_quarantine_say_until_when_to_wait()
    {
        var fleet = Make(Pool(addresses: 1, sliceSize: 32768, reserved: [], weights: [("ams", 1)]), ("ams", 2));
        var gone = Plan(fleet.Without("ams-1"), Plan(fleet));
        var next = fleet.Without("ams-1").With("ams", "ams-3");
        var error = Refused(next, gone, Now.AddSeconds(10));
        Assert.Equal("pool us cannot serve everyone: its 2 servers need 2 slices, 2 are usable less 1 in quarantine; 1 missing", error.Message);
        Assert.Equal("wait until 2026-11-22 12:02:00Z, when quarantined slices are free again", error.Advice[0].Text);
        Plan(next, gone, Now.AddSeconds(120));
    }

    [Fact]
    public void Servers_replaced_in_a_full_pool_are_two_steps()
    {
        var fleet = Make(Pool(addresses: 1, sliceSize: 32768, reserved: [], weights: [("ams", 1)]), ("ams", 2));
        var before = Plan(fleet);
        var error = Refused(fleet.Without("ams-1").With("ams", "ams-3"), before);
        Assert.Equal("in two steps: plan and roll out without ams-3 first, and plan with it when the quarantine of that plan is over", error.Advice[0].Text);
    }

    [Fact]
    public void Larger_slices_go_where_no_old_one_is_or_are_refused_with_the_steps()
    {
        EgressPool Sized(int addresses, int size) => Pool(addresses: addresses, sliceSize: size, weights: [("ams", 1)]);
        var fleet = Make(Sized(2, 2048), ("ams", 31));
        var before = Plan(fleet);
        var moved = Plan(fleet.WithPools(Sized(5, 4096)), before);
        Assert.Equal(31, moved.Quarantined().Length);
        Assert.DoesNotContain(moved.Slices(), s => s.StartsWith("192.0.2.0:", StringComparison.Ordinal));

        var full = Refused(fleet.WithPools(Sized(3, 4096)), before);
        Assert.Equal(new EmptyFirst("us"), full.Advice[0]);
    }

    [Fact]
    public void Smaller_slices_stay_inside_the_old_ones_and_the_rest_is_quarantined()
    {
        var fleet = Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 31));
        var after = Plan(fleet.WithPools(Pool(addresses: 1, sliceSize: 1024, reserved: [0, 1], weights: [("ams", 1)])), Plan(fleet));
        Assert.Equal("192.0.2.0:2048-3071 ams-1", after.Slices()[0]);
        Assert.Equal("192.0.2.0:3072-4095 ams-1 12:02:00", after.Quarantined()[0]);
    }

    [Fact]
    public void Smaller_slices_for_new_servers_of_a_full_pool_are_two_steps()
    {
        var fleet = Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 31));
        var error = Refused(fleet.With("ams", "ams-32"), Plan(fleet));
        Assert.Contains(
            "set slice-size: 1024 with reserved-slices: [0, 1], plan and roll out without ams-32 first, and plan with it when the quarantine of that plan is over",
            error.Advice.Select(a => a.Text));
    }

    [Fact]
    public void Many_new_servers_are_not_all_named() => Assert.Equal(
        "in two steps: plan and roll out without a, b, c, d and 2 more new servers first, and plan with them when the quarantine of that plan is over",
        new AddServersLater(["a", "b", "c", "d", "e", "f"]).Text);

    /// <summary>Whatever is advised is done, alone, and the plan succeeds; one less of it would not do.</summary>
    [Fact]
    public void Every_advice_is_true()
    {
        var taken = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var seed = 0; seed < 300; seed++)
        {
            var fleets = new RandomFleets(seed, maxDatacenters: 4, maxServers: 40, maxAddresses: 3, sliceSizes: [2048, 4096, 8192, 16384], maxPerServer: 3);
            var inForce = Assignment.Empty;
            for (var step = 0; step < 8; step++)
            {
                fleets.Step(changePool: step % 3 == 2);
                var result = Planner.Plan(fleets.Fleet, inForce, fleets.Now, Quarantine);
                inForce = result.Assignment ?? inForce;
                foreach (var advice in result.Errors.SelectMany(e => e.Advice))
                {
                    Take(advice, fleets, inForce, $"seed {seed}, step {step}: {advice.Text}\n{PlanText.Render(result)}");
                    taken[advice.GetType().Name] = taken.GetValueOrDefault(advice.GetType().Name) + 1;
                }
            }
        }

        Assert.Equal(["AddServersLater", "EmptyFirst", "FewerSlicesPerServer", "MoreAddresses", "SmallerSliceSize", "WaitUntil"], taken.Keys);
        Assert.All(taken, t => Assert.True(t.Value >= 3, $"{t.Key}: only {t.Value} times"));
    }

    private static void Take(PlanAdvice advice, RandomFleets fleets, Assignment inForce, string where)
    {
        var (fleet, pool, now) = (fleets.Fleet, fleets.Pool, fleets.Now);
        switch (advice)
        {
            case MoreAddresses more:
                Assert.Equal(pool.AddressCount + more.Count, (long)(more.Range!.Value.Last.Value - more.Range.Value.First.Value) + 1);
                Succeeds(fleet.WithPools(pool with { LastAddress = more.Range.Value.Last }), inForce, now);
                Fails(fleet.WithPools(pool with { LastAddress = pool.LastAddress.Add((UInt128)more.Count - 1) }), now);
                break;
            case SmallerSliceSize smaller:
                var changed = fleet.WithPools(pool with { SliceSize = smaller.SliceSize, ReservedSlices = smaller.ReservedSlices });
                InSteps(changed, smaller.WithoutFirst);
                break;
            case FewerSlicesPerServer fewer:
                Succeeds(fleet.WithPools(pool with { SlicesPerServer = fewer.Count }), inForce, now);
                Fails(fleet.WithPools(pool with { SlicesPerServer = fewer.Count + 1 }), now);
                break;
            case WaitUntil wait:
                Succeeds(fleet, inForce, wait.Time);
                Fails(fleet, wait.Time.AddSeconds(-1));
                break;
            case AddServersLater later:
                InSteps(fleet, later.Servers);
                break;
            case EmptyFirst:
                var emptied = Succeeds(fleet.WithPools(), inForce, now);
                Succeeds(fleet, emptied, now + Quarantine);
                break;
        }

        Assignment Succeeds(Fleet with, Assignment from, DateTimeOffset at)
        {
            var result = Planner.Plan(with, from, at, Quarantine);
            Assert.True(result.IsPlanned, $"{where}{PlanText.Render(result)}");
            Holds(with, from, result.Assignment!, at, where);
            return result.Assignment!;
        }

        void Fails(Fleet with, DateTimeOffset at) => Assert.False(Planner.Plan(with, inForce, at, Quarantine).IsPlanned, $"{where}less would do");

        void InSteps(Fleet with, ImmutableArray<string> without)
        {
            var first = without.IsEmpty ? inForce : Succeeds(with.Without([.. without]), inForce, now);
            Succeeds(with, first, without.IsEmpty ? now : now + Quarantine);
        }
    }
}
