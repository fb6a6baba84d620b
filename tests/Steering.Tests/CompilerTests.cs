using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Steering.Tests;

public class CompilerTests
{
    private static readonly SteeringEndpoint Ams2 = TestEndpoint.Make("10.1.1.2");
    private static readonly SteeringEndpoint Fra1 = TestEndpoint.Make("10.2.1.1", rank: Rank.Backbone);
    private static readonly SteeringEndpoint Fra = TestEndpoint.Make("10.255.2.0", rank: Rank.Backbone);
    private static readonly IpAddress Address = IpAddress.Parse("192.0.2.7");

    [Fact]
    public void A_slice_wins_over_its_block()
    {
        var table = Compile(Owner("192.0.2.7:0-65535", Fra), Owner("192.0.2.7:2048-4095", Fra1));

        Assert.Equal(SliceOwner.At(Fra1), table.OwnerOf(Address, 2048));
        Assert.Equal(SliceOwner.At(Fra1), table.OwnerOf(Address, 4095));
        Assert.Equal(SliceOwner.At(Fra), table.OwnerOf(Address, 2047));
        Assert.Equal(SliceOwner.At(Fra), table.OwnerOf(Address, 4096));
    }

    [Fact]
    public void The_smaller_of_two_blocks_wins()
    {
        var table = Compile(Owner("192.0.2.7:0-32767", Fra1), Owner("192.0.2.7:0-65535", Fra));

        Assert.Equal(SliceOwner.At(Fra1), table.OwnerOf(Address, 0));
        Assert.Equal(SliceOwner.At(Fra), table.OwnerOf(Address, 32768));
    }

    [Fact]
    public void An_own_slice_wins_over_what_is_learned_about_it()
    {
        var input = Input([Owner("192.0.2.7:2048-4095", Ams2)]) with { OwnSlices = [AddressPorts.Parse("192.0.2.7:2048-4095")] };

        Assert.Equal(SliceOwner.Here, SteeringCompiler.Compile(input).Table!.OwnerOf(Address, 3000));
    }

    [Fact]
    public void Of_equals_the_nearer_then_the_lower_endpoint_wins_in_any_order()
    {
        LearnedOwner[] rivals =
        [
            Owner("192.0.2.7:2048-4095", Fra1),
            Owner("192.0.2.7:2048-4095", Ams2),
            Owner("192.0.2.7:2048-4095", TestEndpoint.Make("10.1.1.3")),
            Owner("192.0.2.7:2048-4095", TestEndpoint.Make("10.1.1.2", new Encapsulation(EncapsulationKind.Ipip))),
        ];

        var winners = Permutations(rivals).Select(order => Compile(order).OwnerOf(Address, 2048)).Distinct().ToList();

        var winner = Assert.Single(winners).Endpoint!;
        Assert.Equal(Ams2.Address, winner.Address);
        Assert.Equal(Rank.Datacenter, winner.Rank);
    }

    [Theory]
    [InlineData("192.0.2.7:2048-3000", "a part of a slice")]
    [InlineData("203.0.113.1:2048-4095", "outside every pool")]
    [InlineData("[2001:db8:1::7]:2048-4095", "an IPv6 pool")]
    public void What_owns_no_whole_slice_of_an_IPv4_pool_is_ignored(string ports, string why)
    {
        var owner = Owner(ports, Fra1);

        var compiled = SteeringCompiler.Compile(Input([owner]));

        Assert.Equal([owner], compiled.Ignored);
        Assert.True(compiled.Table!.Endpoints.IsEmpty, why);
    }

    [Fact]
    public void A_block_that_cuts_a_slice_owns_the_whole_ones_only()
    {
        var table = Compile(Owner("192.0.2.7:3000-8191", Fra));

        Assert.Equal(SliceOwner.Unowned, table.OwnerOf(Address, 3000));
        Assert.Equal(SliceOwner.At(Fra), table.OwnerOf(Address, 4096));
        Assert.Equal(SliceOwner.At(Fra), table.OwnerOf(Address, 8191));
        Assert.Equal(SliceOwner.Unowned, table.OwnerOf(Address, 8192));
    }

    [Fact]
    public void An_owner_at_an_address_of_this_server_is_ignored()
    {
        var owner = Owner("192.0.2.7:0-65535", TestEndpoint.Make("10.255.1.0"));
        var input = Input([owner]) with { Locals = [new SteeringLocal(IpAddress.Parse("10.255.1.0"), AcceptedEncapsulations.Gue)] };

        var compiled = SteeringCompiler.Compile(input);

        Assert.Equal([owner], compiled.Ignored);
        Assert.Equal(SliceOwner.Unowned, compiled.Table!.OwnerOf(Address, 5000));
    }

    [Fact]
    public void Every_other_server_is_a_peer_ranked_by_its_datacenter()
    {
        var table = Compile();

        Assert.Equal(
            [("10.1.1.2", Rank.Datacenter), ("10.2.1.1", Rank.Backbone), ("10.2.1.2", Rank.Backbone)],
            table.Peers.OrderBy(p => p.Key).Select(p => (p.Key.ToString(), p.Value)));
    }

    [Theory]
    [InlineData(false, EchoPolicy.Drop, EgressPolicies.None)]
    [InlineData(true, EchoPolicy.Drop, EgressPolicies.OpenToOwner)]
    [InlineData(false, EchoPolicy.Owner, EgressPolicies.EchoToOwner)]
    [InlineData(true, EchoPolicy.Answer, EgressPolicies.OpenToOwner | EgressPolicies.EchoAnswer)]
    public void Policies_follow_the_pool(bool connections, EchoPolicy echo, EgressPolicies policies)
    {
        var input = Input([]) with { Fleet = TestFleet.With(TestFleet.Pool("p", "192.0.2.0/24", connections: connections, echo: echo)) };

        Assert.Equal(policies, SteeringCompiler.Compile(input).Table!.Prefixes[0].Policies);
    }

    [Fact]
    public void A_pool_becomes_its_24s_and_an_IPv6_pool_is_named_as_not_carried()
    {
        var compiled = SteeringCompiler.Compile(Input([]));

        Assert.Equal(["192.0.2.0/24", "198.51.100.0/24", "198.51.101.0/24"], compiled.Table!.Prefixes.Select(p => p.Prefix.ToString()));
        Assert.Equal([IpPrefix.Parse("2001:db8:1::/48")], compiled.NotCarried);
    }

    [Fact]
    public void More_slices_than_the_packet_path_holds_are_refused_with_the_numbers()
    {
        var input = Input([]) with { Fleet = TestFleet.With(TestFleet.Pool("huge", "172.16.0.0/16", 256)) };

        var compiled = SteeringCompiler.Compile(input);

        Assert.Null(compiled.Table);
        Assert.Equal(
            ["the pools have 16777216 slices and the servers take 512 slots, the packet path holds 4194304: use larger slices or fewer addresses"],
            compiled.Errors);
    }

    [Fact]
    public void Slices_that_just_fit_are_taken()
    {
        // 63 x 65,536 slots and 2 x 256 of peers: one /24 more would be too much.
        var pools = Enumerable.Range(0, 63).Select(i => TestFleet.Pool($"p{i}", $"172.16.{i}.0/24", 256)).ToArray();

        Assert.NotNull(SteeringCompiler.Compile(Input([]) with { Fleet = TestFleet.With(pools) }).Table);
        Assert.Null(SteeringCompiler.Compile(Input([]) with { Fleet = TestFleet.With([.. pools, TestFleet.Pool("more", "172.17.0.0/24", 256)]) }).Table);
    }

    [Fact]
    public void More_16s_than_blocks_are_refused_with_the_numbers()
    {
        var servers = Enumerable.Range(0, 254).Select(i => TestFleet.Server($"far-{i}", "fra", $"11.{i}.0.1")).ToArray();
        var input = Input([]) with { Fleet = TestFleet.With([TestFleet.Pool("p", "192.0.2.0/24")], servers) };

        Assert.Equal(
            ["pools and server endpoints lie in 257 different /16s, the packet path holds 255"],
            SteeringCompiler.Compile(input).Errors);
    }

    [Fact]
    public void More_endpoints_than_can_change_at_once_are_refused_with_the_numbers()
    {
        var pool = TestFleet.Pool("p", "172.16.0.0/20", 2048);
        LearnedOwner[] Owners(int count) =>
            [.. Enumerable.Range(0, count).Select(i => new LearnedOwner(
                new AddressPorts(pool.FirstAddress.Add((UInt128)(i / 32)), pool.SliceSize.PortsOf(i % 32)),
                TestEndpoint.Make($"10.{i / 65536}.{i / 256 % 256}.{i % 256}")))];
        var input = Input([]) with { Fleet = TestFleet.With(pool) };

        Assert.Equal(16383, SteeringCompiler.Compile(input with { Owners = Owners(16383) }).Table!.Endpoints.Length);
        Assert.Equal(
            ["16384 tunnel endpoints own slices, the packet path holds 16383: import fewer slice routes from other datacenters"],
            SteeringCompiler.Compile(input with { Owners = Owners(16384) }).Errors);
    }

    [Fact]
    public void A_24_of_servers_and_egress_addresses_at_once_is_refused()
    {
        var input = Input([]) with { Fleet = TestFleet.With(TestFleet.Pool("p", "10.2.1.0/24")) };

        Assert.Equal(
            ["the /24 of server endpoint 10.2.1.1 holds egress addresses of pool p: give one of them another /24"],
            SteeringCompiler.Compile(input).Errors);
    }

    [Fact]
    public void An_outer_address_of_this_server_among_egress_addresses_is_refused()
    {
        var local = new SteeringLocal(IpAddress.Parse("192.0.2.1"), AcceptedEncapsulations.Gue);

        Assert.Equal(
            ["outer address 192.0.2.1 of this server lies in pool us: take an underlay address"],
            SteeringCompiler.Compile(Input([]) with { Locals = [local] }).Errors);
        var builder = new SteeringTableBuilder().AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(2048), EgressPolicies.None);
        var refusal = Assert.Throws<InvalidOperationException>(() => builder.AddLocal(local).Build());
        Assert.Equal("the /24 of tunnel end 192.0.2.1 holds egress addresses", refusal.Message);
    }

    [Fact]
    public void Every_error_is_given_at_once()
    {
        var local = new SteeringLocal(IpAddress.Parse("10.1.1.1"), AcceptedEncapsulations.GreKey);
        var input = Input([]) with
        {
            Server = "nobody",
            Interfaces = [new SteeringInterface(4096, default, InterfaceRoles.Both), new SteeringInterface(0, default, InterfaceRoles.Both)],
            Locals = [local, local, new SteeringLocal(IpAddress.Parse("2001:db8::1"), AcceptedEncapsulations.Gue)],
        };

        Assert.Equal(
            [
                "the fleet has no server nobody",
                "interface index 4096 is out of range: the packet path knows 1 to 4095",
                "interface index 0 is out of range: the packet path knows 1 to 4095",
                "2001:db8::1 cannot be an outer address: the packet path tunnels over IPv4",
                "outer address 10.1.1.1 is given twice",
                "outer address 10.1.1.1: GRE with a key needs the key, and only it has one",
                "outer address 10.1.1.1: GRE with a key needs the key, and only it has one",
            ],
            SteeringCompiler.Compile(input).Errors);
    }

    [Fact]
    public void It_agrees_with_a_slow_search_for_the_smallest_range_that_holds_the_slice()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var owners = Enumerable.Range(0, random.Next(12)).Select(_ => RandomOwner(random)).ToArray();
            var table = Compile(owners);
            for (var slice = 0; slice < 32; slice++)
            {
                var ports = new PortRange((ushort)(slice * 2048), (ushort)((slice * 2048) + 2047));
                var smallest = owners.Where(o => o.Ports.Ports.Contains(ports)).Select(o => o.Ports.Ports.Count).DefaultIfEmpty(0).Min();
                var allowed = owners.Where(o => o.Ports.Ports.Contains(ports) && o.Ports.Ports.Count == smallest).Select(o => SliceOwner.At(o.Endpoint!)).ToList();
                var actual = table.OwnerOf(Address, ports.First);
                Assert.True(allowed.Count == 0 ? actual == SliceOwner.Unowned : allowed.Contains(actual), $"slice {slice}: {actual}, {Seed.Hint(seed)}");
            }
        }
    }

    private static LearnedOwner RandomOwner(Random random)
    {
        var first = random.Next(64) * 1024;
        var last = Math.Min(65535, first + (random.Next(1, 64) * 1024) - 1);
        return new LearnedOwner(new AddressPorts(Address, new PortRange((ushort)first, (ushort)last)), TestEndpoint.Make($"10.9.0.{random.Next(1, 9)}"));
    }

    private static LearnedOwner Owner(string ports, SteeringEndpoint endpoint) => new(AddressPorts.Parse(ports), endpoint);

    private static SteeringTable Compile(params LearnedOwner[] owners) => SteeringCompiler.Compile(Input(owners)).Table!;

    private static SteeringInput Input(LearnedOwner[] owners) => new(
        "ams-1",
        TestFleet.With(TestFleet.Pool("us", "192.0.2.0/24"), TestFleet.Pool("de", "198.51.100.0/23"), TestFleet.Pool("v6", "2001:db8:1::/48")),
        [],
        owners,
        [],
        []);

    private static IEnumerable<T[]> Permutations<T>(T[] items) => items.Length <= 1
        ? [items]
        : Enumerable.Range(0, items.Length).SelectMany(i => Permutations<T>([.. items[..i], .. items[(i + 1)..]]).Select(rest => (T[])[items[i], .. rest]));
}
