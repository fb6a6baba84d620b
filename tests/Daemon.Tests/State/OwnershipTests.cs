using SoftUnicast.BgpSpeaker;
using SoftUnicast.Daemon.State;
using SoftUnicast.Model;
using static SoftUnicast.Daemon.Tests.Fleets;

namespace SoftUnicast.Daemon.Tests.State;

public class OwnershipTests
{
    [Fact]
    public void Own_slices_come_from_the_assignment_others_from_what_they_announce()
    {
        var ownership = Resolve(
            Assigned(("192.0.2.1:2048-4095", "ams-1"), ("192.0.2.1:4096-6143", "ams-2")),
            Slice("192.0.2.1:4096-6143", "ams-2"),
            Block("192.0.2.2:0-65535", "fra", "fra-1"));

        Assert.Equal(
            [
                new Owner(Ports("192.0.2.1:2048-4095"), null, default, OwnershipKind.Slice),
                new Owner(Ports("192.0.2.1:4096-6143"), Address("10.1.0.2"), default, OwnershipKind.Slice),
                new Owner(Ports("192.0.2.2:0-65535"), Address("10.255.0.2"), default, OwnershipKind.Block),
            ],
            ownership.Owners);
        Assert.Empty(ownership.Conflicts);
    }

    [Fact]
    public void A_slice_that_nobody_announces_has_no_owner_even_if_it_is_assigned() =>
        Assert.DoesNotContain(Resolve(Assigned(("192.0.2.1:4096-6143", "ams-2"))).Owners, o => o.Ports == Ports("192.0.2.1:4096-6143"));

    [Fact]
    public void Of_two_that_announce_one_slice_the_assigned_owner_wins_and_the_other_is_shown()
    {
        var ownership = Resolve(
            Assigned(("192.0.2.1:4096-6143", "fra-1")),
            Slice("192.0.2.1:4096-6143", "ams-2"),
            Slice("192.0.2.1:4096-6143", "fra-1"));

        Assert.Equal(Address("10.2.0.1"), Assert.Single(ownership.Owners).Target);
        var conflict = Assert.Single(ownership.Conflicts);
        Assert.Equal(("fra-1", "ams-2"), (conflict.Winner, conflict.Loser));
    }

    [Fact]
    public void The_assigned_owner_wins_also_where_only_the_others_route_is_heard()
    {
        var ownership = Resolve(Assigned(("192.0.2.1:4096-6143", "fra-1")), Slice("192.0.2.1:4096-6143", "ams-2"));

        Assert.Equal(Address("10.2.0.1"), Assert.Single(ownership.Owners).Target);
        Assert.Equal("ams-2", Assert.Single(ownership.Conflicts).Loser);
    }

    [Fact]
    public void A_block_goes_to_the_assigned_datacenter_whoever_else_announces_it()
    {
        var ownership = Resolve(Assigned(), Block("192.0.2.2:0-65535", "ams", "ams-2"));

        Assert.Equal(Address("10.255.0.2"), Assert.Single(ownership.Owners).Target);
        Assert.Equal(("fra", "ams"), ownership.Conflicts.Select(c => (c.Winner, c.Loser)).Single());
    }

    [Fact]
    public void Of_two_that_the_assignment_does_not_name_the_lower_router_identifier_wins_whatever_the_order()
    {
        OwnershipRoute[] routes = [Slice("192.0.2.1:4096-6143", "fra-1"), Slice("192.0.2.1:4096-6143", "ams-2")];

        Assert.Equal(Address("10.1.0.2"), Assert.Single(Resolve(Assigned(), routes).Owners).Target);
        Array.Reverse(routes);
        Assert.Equal(Address("10.1.0.2"), Assert.Single(Resolve(Assigned(), routes).Owners).Target);
    }

    [Fact]
    public void Somebody_else_announcing_a_slice_of_this_server_changes_nothing_and_is_shown()
    {
        var ownership = Resolve(Assigned(("192.0.2.1:2048-4095", "ams-1")), Slice("192.0.2.1:2048-4095", "ams-2"));

        Assert.Null(Assert.Single(ownership.Owners).Target);
        Assert.Equal("ams-2", Assert.Single(ownership.Conflicts).Loser);
    }

    [Fact]
    public void What_this_datacenter_owns_as_a_whole_leads_nowhere() =>
        Assert.Empty(Resolve(Assigned(), Block("192.0.2.1:0-65535", "ams", "ams-2")).Owners);

    [Fact]
    public void Several_servers_announcing_their_datacenters_block_are_one_owner_and_no_conflict()
    {
        var ownership = Resolve(Assigned(), Block("192.0.2.2:0-65535", "fra", "fra-1"), Block("192.0.2.2:0-65535", "fra", "fra-2"));

        Assert.Single(ownership.Owners);
        Assert.Empty(ownership.Conflicts);
    }

    [Fact]
    public void An_assigned_slice_that_the_fleet_does_not_let_this_server_have_is_not_taken() =>
        Assert.Empty(Resolve(Assigned(("192.0.2.1:0-2047", "ams-1"), ("192.0.2.9:2048-4095", "ams-1"))).Owners);

    [Fact]
    public void What_is_kept_from_before_fills_only_what_no_route_speaks_of()
    {
        var learned = Resolve(Assigned(), Slice("192.0.2.1:4096-6143", "fra-1"));
        var kept = new Owner(Ports("192.0.2.1:4096-6143"), Address("10.1.0.2"), default, OwnershipKind.Slice);
        var other = kept with { Ports = Ports("192.0.2.1:6144-8191") };

        var both = learned.With([kept, other]);

        Assert.Equal([Address("10.2.0.1"), Address("10.1.0.2")], both.Owners.Select(o => o.Target!.Value));
    }

    private static Ownership Resolve(Assignment assignment, params OwnershipRoute[] routes) =>
        Ownership.Resolve(Two, Self, assignment, routes);
}
