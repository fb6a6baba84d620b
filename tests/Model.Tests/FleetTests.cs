using System.Collections.Immutable;

namespace SoftUnicast.Model.Tests;

public class FleetTests
{
    [Fact]
    public void A_pool_is_announced_in_24s_or_48s_that_cover_it_in_order()
    {
        Assert.Equal(["192.0.2.0/24"], Announced("192.0.2.0/24"));
        Assert.Equal(["198.51.100.0/24", "198.51.101.0/24", "198.51.102.0/24", "198.51.103.0/24"], Announced("198.51.100.0/22"));
        Assert.Equal(["2001:db8::/48", "2001:db8:1::/48"], Announced("2001:db8::/47"));
        Assert.Equal(65536, Announced("10.0.0.0/8").Length);
        Assert.Equal("10.255.255.0/24", Announced("10.0.0.0/8")[^1]);

        static string[] Announced(string prefix) => [.. Pool("p", prefix).AnnouncedPrefixes().Select(p => p.ToString())];
    }

    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.1", "192.0.2.3", 3)]
    [InlineData("192.0.2.0/24", "192.0.2.9", "192.0.2.9", 1)]
    [InlineData("192.0.2.0/24", "192.0.2.0", "192.0.2.255", 256)]
    [InlineData("2001:db8::/48", "2001:db8::1", "2001:db8::10", 16)]
    [InlineData("0.0.0.0/0", "0.0.0.0", "127.255.255.254", int.MaxValue)]
    [InlineData("0.0.0.0/0", "0.0.0.0", "127.255.255.255", int.MaxValue)]
    [InlineData("0.0.0.0/0", "0.0.0.0", "255.255.255.255", int.MaxValue)]
    [InlineData("2001:db8::/48", "2001:db8::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", int.MaxValue)]
    public void A_pool_counts_the_addresses_that_it_may_assign(string prefix, string first, string last, int count) =>
        Assert.Equal(count, Pool("p", prefix, first, last).AddressCount);

    [Theory]
    [InlineData("192.0.2.1:2048-4095", true)]
    [InlineData("192.0.2.3:63488-65535", true)]
    [InlineData("192.0.2.0:2048-4095", false)]
    [InlineData("192.0.2.4:2048-4095", false)]
    [InlineData("192.0.2.1:0-2047", false)]
    [InlineData("192.0.2.1:6144-8191", false)]
    [InlineData("192.0.2.1:2048-4094", false)]
    [InlineData("192.0.2.1:2049-4096", false)]
    [InlineData("192.0.2.1:2048-6143", false)]
    [InlineData("[::c000:201]:2048-4095", false)]
    public void A_pool_may_assign_whole_unreserved_slices_of_its_addresses(string slice, bool may)
    {
        var pool = Pool("p", "192.0.2.0/24", "192.0.2.1", "192.0.2.3") with { ReservedSlices = [0, 3] };
        Assert.Equal(may, pool.MayAssign(AddressPorts.Parse(slice)));
        Assert.Equal(30, pool.UsableSlicesPerAddress);
    }

    [Fact]
    public void An_endpoint_that_asks_for_an_encapsulation_gets_it_and_another_gets_the_pools()
    {
        var pool = Pool("p", "192.0.2.0/24") with { Encapsulation = new Encapsulation(EncapsulationKind.Ipip) };
        var gre = new Encapsulation(EncapsulationKind.Gre, 7);
        Assert.Equal(gre, pool.EncapsulationTo(new TunnelEndpoint(IpAddress.Parse("10.0.0.1"), gre)));
        Assert.Equal(pool.Encapsulation, pool.EncapsulationTo(new TunnelEndpoint(IpAddress.Parse("10.0.0.1"))));
    }

    [Fact]
    public void The_pool_of_an_address_is_the_one_whose_prefix_holds_it()
    {
        const int seed = 99;
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var prefixes = new List<IpPrefix>();
            for (var i = random.Next(12); i > 0; i--)
            {
                var prefix = random.Next(2) == 0
                    ? IpPrefix.Covering(IpAddress.FromUInt32((uint)random.Next(1 << 16) << 8), random.Next(16, 25))
                    : IpPrefix.Covering(IpAddress.FromUInt128((UInt128)random.Next(1 << 16) << 80), random.Next(38, 49));
                if (!prefixes.Any(p => p.Overlaps(prefix)))
                {
                    prefixes.Add(prefix);
                }
            }

            var fleet = new Fleet(64512, [], [], prefixes.Select((p, i) => Pool($"p{i}", p.ToString())));
            Assert.Equal(prefixes.Order(), fleet.Pools.Select(p => p.Prefix));
            for (var i = 0; i < 100; i++)
            {
                var address = random.Next(2) == 0 ? IpAddress.FromUInt32((uint)random.Next(1 << 24)) : IpAddress.FromUInt128((UInt128)random.Next(1 << 16) << 80);
                Check(address);
            }

            foreach (var prefix in prefixes)
            {
                Check(prefix.Network);
                Check(prefix.Last);
            }

            void Check(IpAddress address)
            {
                var expected = fleet.Pools.SingleOrDefault(p => p.Prefix.Contains(address));
                Assert.True(ReferenceEquals(expected, fleet.PoolOf(address)), $"seed {seed}, round {round}: {address} in {string.Join(" ", prefixes)}");
            }
        }
    }

    [Fact]
    public void A_fleet_finds_servers_and_datacenters_by_name_endpoint_and_router_id()
    {
        var ams = new Datacenter("ams", new TunnelEndpoint(IpAddress.Parse("10.255.1.0")), 64512);
        var one = new Server("ams-1", "ams", new TunnelEndpoint(IpAddress.Parse("2001:db8::1")), IpAddress.Parse("10.1.1.1"));
        var two = new Server("fra-1", "fra", new TunnelEndpoint(IpAddress.Parse("10.2.1.1")), IpAddress.Parse("10.2.1.1"));
        var fleet = new Fleet(64512, [ams], [one, two], [Pool("us", "192.0.2.0/24")]);
        Assert.Same(one, fleet.Servers["ams-1"]);
        Assert.Same(one, fleet.ServersByEndpoint[IpAddress.Parse("2001:db8::1")]);
        Assert.Same(one, fleet.ServersByRouterId[IpAddress.Parse("10.1.1.1")]);
        Assert.Same(ams, fleet.DatacentersByEndpoint[IpAddress.Parse("10.255.1.0")]);
        Assert.Equal([one], fleet.ServersOf("ams"));
        Assert.Equal("us", fleet.PoolNamed("us")?.Name);
        Assert.Null(fleet.PoolNamed("eu"));
    }

    public static TheoryData<string, Fleet, bool> Others()
    {
        var pool = Full();
        return new()
        {
            { "read again", Made(Full()), true },
            { "another AS", Made(pool, asn: 64513), false },
            { "another endpoint of a datacenter", Made(pool, datacenter: "10.255.2.0"), false },
            { "another endpoint of a server", Made(pool, server: "10.1.1.2"), false },
            { "another server", Made(pool, name: "ams-2"), false },
            { "no pool", Made(), false },
            { "two pools", Made(pool, Pool("other", "198.51.100.0/24")), false },
            { "another name", Made(pool with { Name = "eu" }), false },
            { "another last address", Made(pool with { LastAddress = IpAddress.Parse("192.0.2.9") }), false },
            { "another tag", Made(pool with { Tags = pool.Tags.SetItem("country", "DE") }), false },
            { "one tag more", Made(pool with { Tags = pool.Tags.Add("product", "cdn") }), false },
            { "another slice size", Made(pool with { SliceSize = SliceSize.Create(1024) }), false },
            { "another reserved slice", Made(pool with { ReservedSlices = [0, 1] }), false },
            { "more slices a server", Made(pool with { SlicesPerServer = 2 }), false },
            { "another encapsulation", Made(pool with { Encapsulation = new Encapsulation(EncapsulationKind.Gre, 7) }), false },
            { "another weight", Made(pool with { Weights = pool.Weights.SetItem("ams", 2) }), false },
            { "connections let in", Made(pool with { LetConnectionsIn = true }), false },
            { "echoes answered", Made(pool with { Echo = EchoPolicy.Answer }), false },
        };

        static EgressPool Full() => Pool("us", "192.0.2.0/24") with
        {
            SliceSize = SliceSize.Create(2048),
            Tags = ImmutableSortedDictionary<string, string>.Empty.Add("country", "US"),
            Weights = ImmutableSortedDictionary<string, int>.Empty.Add("ams", 1),
        };
    }

    [Theory]
    [MemberData(nameof(Others))]
    public void Two_fleets_are_the_same_if_they_say_the_same(string what, Fleet other, bool isSame)
    {
        var fleet = (Fleet)Others().First().Data.Item2;
        Assert.Equal((what, isSame), (what, fleet.IsSameAs(other)));
        Assert.Equal(isSame, other.IsSameAs(fleet));
    }

    [Fact]
    public void An_assignment_finds_its_pools_by_name()
    {
        var pool = new PoolAssignment("us", default, [], [], []);
        Assert.Same(pool, new Assignment(1, [pool]).Pool("us"));
        Assert.Null(Assignment.Empty.Pool("us"));
        Assert.Equal(0, Assignment.Empty.Generation);
    }

    private static Fleet Made(params IEnumerable<EgressPool> pools) => Made(64512, "10.255.1.0", "10.1.1.1", "ams-1", pools);

    private static Fleet Made(EgressPool pool, uint asn = 64512, string datacenter = "10.255.1.0", string server = "10.1.1.1", string name = "ams-1") =>
        Made(asn, datacenter, server, name, [pool]);

    private static Fleet Made(uint asn, string datacenter, string server, string name, IEnumerable<EgressPool> pools) => new(
        asn,
        [new Datacenter("ams", new TunnelEndpoint(IpAddress.Parse(datacenter)), 64512)],
        [new Server(name, "ams", new TunnelEndpoint(IpAddress.Parse(server)), IpAddress.Parse("10.1.1.1"))],
        pools);

    private static EgressPool Pool(string name, string prefix, string? first = null, string? last = null)
    {
        var parsed = IpPrefix.Parse(prefix);
        return new EgressPool(
            name, parsed, first is null ? parsed.Network : IpAddress.Parse(first), last is null ? parsed.Last : IpAddress.Parse(last),
            ImmutableSortedDictionary<string, string>.Empty, default, [0], 1, default, ImmutableSortedDictionary<string, int>.Empty, false, EchoPolicy.Drop);
    }
}
