using SoftUnicast.Model;
using static SoftUnicast.Planning.Tests.Fleets;

namespace SoftUnicast.Planning.Tests;

/// <summary>One small example for each sentence of docs/plan.md.</summary>
public sealed class PlannerTests
{
    [Fact]
    public void Every_server_gets_a_slice_in_each_pool_that_its_datacenter_serves()
    {
        var fleet = Make(
            [Pool("us", "192.0.2.0/24", addresses: 2, weights: [("ams", 1), ("fra", 1)]), Pool("de", "198.51.100.0/24", addresses: 1, weights: [("fra", 1)])],
            ("ams", 2), ("fra", 1));
        var plan = Plan(fleet);
        Assert.Equal(["192.0.2.0:2048-4095 ams-1", "192.0.2.0:4096-6143 ams-2", "192.0.2.1:2048-4095 fra-1"], plan.Slices());
        Assert.Equal(["198.51.100.0:2048-4095 fra-1"], plan.Slices("de"));
        Assert.Equal(1, plan.Generation);
    }

    [Theory]
    [InlineData(3, "ams 1, fra 1, nyc 1", "ams 1, fra 1, nyc 1")]
    [InlineData(6, "ams 1, fra 2, nyc 3", "ams 1, fra 2, nyc 3")]
    [InlineData(12, "ams 1, fra 2, nyc 3", "ams 2, fra 4, nyc 6")]
    [InlineData(7, "ams 1, fra 1, nyc 1", "ams 3, fra 2, nyc 2")]
    [InlineData(4, "ams 1, fra 1000, nyc 1", "ams 1, fra 2, nyc 1")]
    public void Addresses_go_to_datacenters_by_weight_but_each_has_what_its_servers_need(int addresses, string weights, string expected)
    {
        var parsed = weights.Split(", ").Select(w => (w.Split(' ')[0], int.Parse(w.Split(' ')[1], null))).ToArray();
        var plan = Plan(Make(Pool(addresses: addresses, weights: parsed), ("ams", 1), ("fra", 1), ("nyc", 1)));
        Assert.Equal(expected, string.Join(", ", plan.Pool("us")!.Blocks.CountBy(b => b.Datacenter).Select(c => $"{c.Key} {c.Value}")));
    }

    [Fact]
    public void A_datacenter_without_servers_gets_no_address()
    {
        var plan = Plan(Make(Pool(addresses: 2, weights: [("ams", 1), ("fra", 9)]), ("ams", 1)));
        Assert.Equal(["192.0.2.0:0-65535 ams", "192.0.2.1:0-65535 ams"], plan.Blocks());
    }

    [Fact]
    public void A_pool_whose_datacenters_have_no_servers_has_nothing_to_assign()
    {
        var plan = Plan(Make(Pool(weights: [("ams", 1)]), ("fra", 1)));
        Assert.Same(Assignment.Empty, plan);
    }

    [Fact]
    public void More_servers_than_one_address_has_slices_take_more_addresses()
    {
        var plan = Plan(Make(Pool(addresses: 4, weights: [("ams", 1), ("fra", 1)]), ("ams", 70), ("fra", 2)));
        Assert.Equal(["192.0.2.0:0-65535 ams", "192.0.2.1:0-65535 ams", "192.0.2.2:0-65535 ams", "192.0.2.3:0-65535 fra"], plan.Blocks());
        Assert.Equal("192.0.2.1:2048-4095 ams-32", plan.Slices()[31]);
    }

    [Fact]
    public void Too_few_addresses_are_split_by_port_range_and_as_few_as_possible()
    {
        var plan = Plan(Make(Pool(addresses: 2, weights: [("ams", 1), ("fra", 1), ("nyc", 1)]), ("ams", 3), ("fra", 3), ("nyc", 3)));
        Assert.Equal(["192.0.2.0:0-65535 ams", "192.0.2.1:0-34815 fra", "192.0.2.1:34816-65535 nyc"], plan.Blocks());
    }

    [Fact]
    public void Blocks_of_a_split_address_follow_the_weights_and_leave_room_to_grow()
    {
        var fleet = Make(Pool(addresses: 1, weights: [("ams", 1), ("fra", 2), ("nyc", 28)]), ("ams", 3), ("fra", 3), ("nyc", 3));
        var plan = Plan(fleet);
        Assert.Equal(["192.0.2.0:0-8191 ams", "192.0.2.0:8192-14335 fra", "192.0.2.0:14336-65535 nyc"], plan.Blocks());
        var grown = Plan(fleet.With("nyc", "nyc-4"), plan);
        Assert.Equal(plan.Blocks(), grown.Blocks());
        Assert.Equal(plan.Generation + 1, grown.Generation);
    }

    [Fact]
    public void Splitting_an_address_moves_no_slice()
    {
        var ams = Make(Pool(addresses: 1, weights: [("ams", 1), ("fra", 1)]), ("ams", 5));
        var before = Plan(ams);
        var after = Plan(ams.With("fra", "fra-1", "fra-2"), before);
        Assert.Equal(["192.0.2.0:0-38911 ams", "192.0.2.0:38912-65535 fra"], after.Blocks());
        Assert.Equal(before.Slices(), after.Slices()[..5]);
    }

    [Fact]
    public void A_split_address_becomes_whole_when_one_datacenter_leaves_it()
    {
        var both = Make(Pool(addresses: 1, weights: [("ams", 1), ("fra", 1)]), ("ams", 2), ("fra", 1));
        var before = Plan(both);
        Assert.Equal(2, before.Blocks().Length);
        Assert.Equal(["192.0.2.0:0-65535 ams"], Plan(both.Without("fra-1"), before).Blocks());
    }

    [Fact]
    public void A_full_pool_finds_the_last_slice_wherever_it_is()
    {
        var fleet = Make(Pool(addresses: 1, sliceSize: 8192, weights: [("ams", 1), ("fra", 1)]), ("ams", 3), ("fra", 4));
        var before = Plan(fleet);
        var gap = Plan(fleet.Without("ams-2"), before);
        var after = Plan(fleet.Without("ams-2").With("fra", "fra-5"), gap, Now.AddMinutes(5));
        Assert.Equal(["192.0.2.0:0-16383 ams", "192.0.2.0:16384-24575 fra", "192.0.2.0:24576-32767 ams", "192.0.2.0:32768-65535 fra"], after.Blocks());
    }

    [Fact]
    public void A_server_more_moves_no_slice()
    {
        var fleet = Make(Pool(addresses: 8, weights: [("ams", 1), ("fra", 1)]), ("ams", 31), ("fra", 31));
        var before = Plan(fleet);
        var after = Plan(fleet.With("ams", "ams-0"), before);
        Assert.Equal(62, Kept(before, after));
        Assert.Equal(63, after.Slices().Length);
        Assert.Equal(before.Blocks(), after.Blocks());
    }

    [Fact]
    public void A_server_less_moves_no_slice_and_its_own_is_quarantined()
    {
        var fleet = Make(Pool(addresses: 8, weights: [("ams", 1), ("fra", 1)]), ("ams", 31), ("fra", 31));
        var before = Plan(fleet);
        var after = Plan(fleet.Without("ams-2"), before);
        Assert.Equal(61, Kept(before, after));
        Assert.Equal(["192.0.2.0:4096-6143 ams-2 12:02:00"], after.Quarantined());
        Assert.Equal(before.Blocks(), after.Blocks());
    }

    [Fact]
    public void Quarantine_ends_on_a_whole_second_and_not_too_early()
    {
        var fleet = Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 2));
        var after = Plan(fleet.Without("ams-2"), Plan(fleet), Now.AddMilliseconds(1));
        Assert.Equal(["192.0.2.0:4096-6143 ams-2 12:02:01"], after.Quarantined());
    }

    [Fact]
    public void A_released_slice_gets_no_new_owner_in_the_same_plan_even_without_quarantine()
    {
        var fleet = Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 2));
        var result = Planner.Plan(fleet.Without("ams-1").With("ams", "ams-3"), Plan(fleet), Now, TimeSpan.Zero);
        Assert.Equal(["192.0.2.0:4096-6143 ams-2", "192.0.2.0:6144-8191 ams-3"], result.Assignment!.Slices());
        Assert.Empty(result.Assignment!.Quarantined());
    }

    [Theory]
    [InlineData(119, "192.0.2.0:6144-8191 ams-3")]
    [InlineData(120, "192.0.2.0:2048-4095 ams-3")]
    public void A_quarantined_slice_goes_to_nobody_else_before_its_time(int seconds, string expected)
    {
        var fleet = Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 2));
        var gone = Plan(fleet.Without("ams-1"), Plan(fleet));
        var after = Plan(fleet.Without("ams-1").With("ams", "ams-3"), gone, Now.AddSeconds(seconds));
        Assert.Contains(expected, after.Slices());
        Assert.Equal(seconds < 120 ? 1 : 0, after.Quarantined().Length);
    }

    [Fact]
    public void A_server_that_comes_back_during_quarantine_gets_its_own_slice_back()
    {
        var fleet = Make(Pool(addresses: 2, weights: [("ams", 1), ("fra", 1)]), ("ams", 2), ("fra", 1));
        var before = Plan(fleet);
        var gone = Plan(fleet.Without("ams-1"), before);
        var back = Plan(fleet, gone, Now.AddSeconds(30));
        Assert.Equal(before.Slices(), back.Slices());
        Assert.Empty(back.Quarantined());
    }

    [Fact]
    public void A_server_whose_datacenter_lost_the_address_gets_another_slice_unless_nothing_else_is_free()
    {
        var roomy = Make(Pool(addresses: 1, weights: [("ams", 1), ("fra", 1)]), ("ams", 2), ("fra", 1));
        var full = roomy.WithPools(Pool(addresses: 1, sliceSize: 16384, weights: [("ams", 1), ("fra", 1)]));
        var before = Plan(full);
        var gone = Plan(full.Without("fra-1"), before);
        Assert.Equal(["192.0.2.0:0-65535 ams"], gone.Blocks());
        Assert.Equal(before.Slices(), Plan(full, gone, Now.AddSeconds(5)).Slices());
    }

    [Fact]
    public void Expired_quarantine_alone_is_no_change_and_vanishes_with_the_next_one()
    {
        var fleet = Make(Pool(addresses: 2, weights: [("ams", 1)]), ("ams", 3));
        var gone = Plan(fleet.Without("ams-1"), Plan(fleet));
        Assert.Same(gone, Plan(fleet.Without("ams-1"), gone, Now.AddDays(1)));
        var next = Plan(fleet.Without("ams-1", "ams-3"), gone, Now.AddDays(1));
        Assert.Equal(["192.0.2.0:6144-8191 ams-3 12:02:00"], next.Quarantined());
    }

    [Fact]
    public void Unchanged_input_gives_the_same_assignment_and_generation()
    {
        var fleet = Make(Pool(addresses: 5, weights: [("ams", 1), ("fra", 1)]), ("ams", 40), ("fra", 3));
        var before = Plan(fleet);
        var again = Planner.Plan(fleet, before, Now, Quarantine);
        Assert.Same(before, again.Assignment);
        Assert.True(again.Diff!.IsEmpty);
    }

    [Fact]
    public void The_order_of_the_fleet_does_not_matter()
    {
        var pool = Pool(addresses: 2, weights: [("ams", 1), ("fra", 1), ("nyc", 1)]);
        var servers = Enumerable.Range(1, 12).Select(i => ((string[])["ams", "fra", "nyc"])[i % 3]).Select((d, i) => (d, $"{d}-{i}")).ToList();
        var one = Plan(Of([pool], servers));
        servers.Reverse();
        var other = Plan(Of([pool], servers));
        Assert.Equal(one.Slices(), other.Slices());
        Assert.Equal(one.Blocks(), other.Blocks());
    }

    [Fact]
    public void Addresses_without_slices_follow_changed_weights_and_slices_stay()
    {
        var fleet = Make(Pool(addresses: 8, weights: [("ams", 1), ("fra", 1)]), ("ams", 40), ("fra", 1));
        var before = Plan(fleet);
        Assert.Equal(4, before.Blocks().Count(b => b.EndsWith("ams", StringComparison.Ordinal)));
        var after = Plan(fleet.WithPools(Pool(addresses: 8, weights: [("ams", 1), ("fra", 99)])), before);
        Assert.Equal(before.Slices(), after.Slices());
        Assert.Equal(["192.0.2.0:0-65535 ams", "192.0.2.1:0-65535 ams", "192.0.2.2:0-65535 fra"], after.Blocks()[..3]);
        Assert.Equal(6, after.Blocks().Count(b => b.EndsWith("fra", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_tie_between_weights_stays_with_who_has_the_address()
    {
        var fleet = Make(Pool(addresses: 3, weights: [("ams", 1), ("fra", 1)]), ("ams", 1), ("fra", 1));
        var before = Plan(fleet);
        Assert.Equal(2, before.Blocks().Count(b => b.EndsWith("ams", StringComparison.Ordinal)));
        var swapped = before with
        {
            Pools = [before.Pools[0] with { Blocks = [.. before.Pools[0].Blocks.Select((b, i) => i == 1 ? b with { Datacenter = "fra" } : b)] }],
        };
        Assert.Same(swapped, Plan(fleet, swapped));
    }

    [Fact]
    public void Slices_per_server_is_what_each_server_gets()
    {
        var fleet = Make(Pool(addresses: 1, perServer: 3, weights: [("ams", 1)]), ("ams", 2));
        Assert.Equal(
            ["192.0.2.0:2048-4095 ams-1", "192.0.2.0:4096-6143 ams-1", "192.0.2.0:6144-8191 ams-1", "192.0.2.0:8192-10239 ams-2", "192.0.2.0:10240-12287 ams-2", "192.0.2.0:12288-14335 ams-2"],
            Plan(fleet).Slices());
    }

    [Fact]
    public void Fewer_slices_per_server_release_those_on_split_addresses_first()
    {
        var pool = Pool(addresses: 2, sliceSize: 16384, perServer: 3, weights: [("ams", 1), ("fra", 1)]);
        var fleet = Make(pool, ("ams", 1), ("fra", 1));
        var before = new Assignment(1,
        [
            new PoolAssignment("us", pool.SliceSize,
            [
                new(AddressPorts.Parse("192.0.2.0:0-32767"), "ams"), new(AddressPorts.Parse("192.0.2.0:32768-65535"), "fra"),
                new(AddressPorts.Parse("192.0.2.1:0-65535"), "ams"),
            ],
            [
                new(AddressPorts.Parse("192.0.2.0:16384-32767"), "ams-1"), new(AddressPorts.Parse("192.0.2.0:32768-49151"), "fra-1"),
                new(AddressPorts.Parse("192.0.2.1:16384-32767"), "ams-1"), new(AddressPorts.Parse("192.0.2.1:32768-49151"), "ams-1"),
            ], []),
        ]);
        var after = Plan(fleet.WithPools(pool with { SlicesPerServer = 1 }), before);
        Assert.Equal(["192.0.2.0:32768-49151 fra-1", "192.0.2.1:16384-32767 ams-1"], after.Slices());
        Assert.Equal(["192.0.2.0:0-65535 fra", "192.0.2.1:0-65535 ams"], after.Blocks());
    }

    [Fact]
    public void A_datacenter_that_gets_another_name_keeps_every_slice()
    {
        var before = Plan(Make(Pool(addresses: 3, weights: [("ams", 1), ("fra", 1)]), ("ams", 3), ("fra", 3)));
        var renamed = Of([Pool(addresses: 3, weights: [("waw", 1), ("fra", 1)])], Enumerable.Range(1, 3).SelectMany(i => (IEnumerable<(string, string)>)[("waw", $"ams-{i}"), ("fra", $"fra-{i}")]));
        var after = Plan(renamed, before);
        Assert.Equal(before.Slices(), after.Slices());
        Assert.Equal("192.0.2.0:0-65535 waw", after.Blocks()[0]);
    }

    [Fact]
    public void A_server_that_goes_to_another_datacenter_keeps_its_slice()
    {
        var pool = Pool(addresses: 2, weights: [("ams", 1), ("fra", 1)]);
        var before = Plan(Make(pool, ("ams", 3), ("fra", 1)));
        var after = Plan(Of([pool], [("ams", "ams-1"), ("fra", "ams-2"), ("ams", "ams-3"), ("fra", "fra-1")]), before);
        Assert.Equal(before.Slices(), after.Slices());
        Assert.Equal(["192.0.2.0:0-4095 ams", "192.0.2.0:4096-6143 fra", "192.0.2.0:6144-65535 ams", "192.0.2.1:0-65535 fra"], after.Blocks());
    }

    [Fact]
    public void A_pool_that_gets_another_name_keeps_every_slice()
    {
        var fleet = Make(Pool(addresses: 3, weights: [("ams", 1)]), ("ams", 3));
        var before = Plan(fleet);
        var after = Plan(fleet.WithPools(Pool("usa", addresses: 3, weights: [("ams", 1)])), before);
        Assert.Null(after.Pool("us"));
        Assert.Equal(before.Slices(), after.Slices("usa"));
    }

    [Fact]
    public void Quarantine_outlives_its_pool()
    {
        var fleet = Make([Pool(addresses: 1, weights: [("ams", 1)]), Pool("other", "198.51.100.0/24", addresses: 1, weights: [("ams", 1)])], ("ams", 1));
        var without = Plan(fleet.WithPools(fleet.PoolNamed("other")!), Plan(fleet));
        Assert.Equal(["192.0.2.0:2048-4095 ams-1 12:02:00"], without.Quarantined());
        Assert.Empty(without.Blocks());
        var back = Plan(fleet.Without("ams-1").With("ams", "ams-2"), without, Now.AddSeconds(30));
        Assert.Equal(["192.0.2.0:4096-6143 ams-2"], back.Slices());
    }

    [Fact]
    public void A_newly_reserved_slice_or_a_lost_address_moves_only_whom_it_concerns()
    {
        var fleet = Make(Pool(addresses: 2, weights: [("ams", 1)]), ("ams", 40));
        var before = Plan(fleet);
        var reserved = Plan(fleet.WithPools(Pool(addresses: 2, reserved: [0, 5], weights: [("ams", 1)])), before);
        Assert.Equal(38, Kept(before, reserved));
        var shorter = Plan(fleet.WithPools(Pool(addresses: 2, first: "192.0.2.1", weights: [("ams", 1)])), before);
        Assert.Equal(9, Kept(before, shorter));
        Assert.Equal(31, shorter.Quarantined().Length);
    }

    [Fact]
    public void A_second_owner_of_one_slice_gets_another_one()
    {
        var fleet = Make(Pool(addresses: 1, weights: [("ams", 1)]), ("ams", 2));
        var before = Plan(fleet);
        var broken = before with { Pools = [before.Pools[0] with { Slices = [before.Pools[0].Slices[0], before.Pools[0].Slices[0] with { Server = "ams-2" }] }] };
        Assert.Equal(["192.0.2.0:2048-4095 ams-1", "192.0.2.0:4096-6143 ams-2"], Planner.Plan(fleet, broken, Now, Quarantine).Assignment!.Slices());
    }

    [Fact]
    public void A_negative_quarantine_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Planner.Plan(Make(Pool(weights: [("ams", 1)]), ("ams", 1)), Assignment.Empty, Now, TimeSpan.FromSeconds(-1)));
}
