using SoftUnicast.BgpSpeaker;
using SoftUnicast.Daemon.State;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Tunnels;
using static SoftUnicast.Daemon.Tests.Fleets;

namespace SoftUnicast.Daemon.Tests.State;

public class EndpointResolverTests
{
    private static readonly Owner Neighbour = new(Ports("192.0.2.1:4096-6143"), Address("10.1.0.2"), default, OwnershipKind.Slice);
    private static readonly Owner Elsewhere = new(Ports("192.0.2.2:0-65535"), Address("10.255.0.2"), new Encapsulation(EncapsulationKind.Gre, 7), OwnershipKind.Block);
    private static readonly NextHop Hop = new(3, MacAddress.Parse("02:00:00:00:00:01"), MacAddress.Parse("02:00:00:00:00:02"), null, 1600);

    [Fact]
    public void An_owner_whose_next_hop_is_known_gets_ready_headers_and_the_rank_of_its_datacenter()
    {
        var owners = Resolve(SteeringTable.Empty, Known(Neighbour), Known(Elsewhere));

        Assert.Equal([Rank.Datacenter, Rank.Backbone], owners.Select(o => o.Endpoint!.Rank));
        Assert.All(owners, o => Assert.True(o.Endpoint!.IsResolved));
        Assert.Equal(1600, owners[0].Endpoint!.MtuBytes);
        Assert.Equal(OuterHeader.Build(Self.Endpoint.Address, Address("10.255.0.2"), Elsewhere.Encapsulation), owners[1].Endpoint!.Outer.ToArray());
    }

    [Fact]
    public void While_a_next_hop_is_looked_up_the_entry_in_force_stays()
    {
        var before = Resolve(SteeringTable.Empty, Known(Neighbour))[0].Endpoint!;
        var inForce = Table(before);

        Assert.Equal(before, Resolve(inForce, Entry(Neighbour, NextHopState.Pending))[0].Endpoint);
    }

    [Fact]
    public void A_next_hop_that_failed_makes_the_entry_unresolved()
    {
        var inForce = Table(Resolve(SteeringTable.Empty, Known(Neighbour))[0].Endpoint!);

        Assert.False(Resolve(inForce, Entry(Neighbour, NextHopState.Failed))[0].Endpoint!.IsResolved);
    }

    [Fact]
    public void A_next_hop_that_was_never_known_is_unresolved() =>
        Assert.False(Resolve(SteeringTable.Empty, Entry(Neighbour, NextHopState.Pending))[0].Endpoint!.IsResolved);

    [Fact]
    public void What_the_packet_path_cannot_carry_is_left_out()
    {
        var six = new Owner(Ports("[2001:db8::1]:2048-4095"), Address("10.1.0.2"), default, OwnershipKind.Slice);
        var here = Neighbour with { Target = null };

        Assert.Empty(new EndpointResolver(Two, Self, SteeringTable.Empty, new Dictionary<IpAddress, NextHopEntry>()).Resolve([six, here]));
        Assert.Empty(EndpointResolver.Wanted([six, here]));
    }

    [Fact]
    public void What_a_daemon_finds_in_the_kernel_is_kept_slice_by_slice()
    {
        var endpoint = Resolve(SteeringTable.Empty, Known(Neighbour))[0].Endpoint!;

        var held = HeldOwners.From(Table(endpoint), Two);

        Assert.Equal([Neighbour], held);
    }

    [Fact]
    public void What_leads_to_an_endpoint_that_the_fleet_no_longer_names_is_not_kept()
    {
        var address = Address("10.9.9.9");
        var stranger = new SteeringEndpoint(address, default, Rank.Backbone, default, OuterHeader.Build(Self.Endpoint.Address, address, default), 0, 0);

        Assert.Empty(HeldOwners.From(Table(stranger), Two));
    }

    private static SteeringTable Table(SteeringEndpoint endpoint) => new SteeringTableBuilder()
        .AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(2048), EgressPolicies.None)
        .SetOwner(Address("192.0.2.1"), 1, SliceOwner.Here)
        .SetOwner(Address("192.0.2.1"), 2, SliceOwner.At(endpoint))
        .Build();

    private static (Owner, NextHopEntry) Known(Owner owner) =>
        (owner, new NextHopEntry(owner.Target!.Value, NextHopState.Resolved, Hop, null, default, null, null));

    private static (Owner, NextHopEntry) Entry(Owner owner, NextHopState state) =>
        (owner, new NextHopEntry(owner.Target!.Value, state, null, "no answer", default, null, null));

    private static System.Collections.Immutable.ImmutableArray<LearnedOwner> Resolve(SteeringTable inForce, params (Owner Owner, NextHopEntry Entry)[] owners) =>
        new EndpointResolver(Two, Self, inForce, owners.ToDictionary(o => o.Entry.Endpoint, o => o.Entry)).Resolve(owners.Select(o => o.Owner));
}
