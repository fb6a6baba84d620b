using SoftUnicast.Model;

namespace SoftUnicast.Config.Tests;

public class FleetYamlTests
{
    private static readonly Fleet Example = FleetYaml.Read("fleet.yaml", File.ReadAllBytes(Path.Combine(Files.Etc, "fleet.yaml"))).Value!;

    [Fact]
    public void Datacenters_have_their_endpoint_and_the_fleets_as_number_unless_they_give_one()
    {
        Assert.Equal(64512u, Example.Asn);
        Assert.Equal(new Datacenter("ams", new TunnelEndpoint(IpAddress.Parse("10.255.1.0")), 64512), Example.Datacenters["ams"]);
        Assert.Equal(new TunnelEndpoint(IpAddress.Parse("10.255.2.0"), new Encapsulation(EncapsulationKind.Gre, 7)), Example.Datacenters["fra"].Endpoint);
        Assert.Equal(IpAddress.Parse("2001:db8:ff:3::"), Example.Datacenters["nyc"].Endpoint.Address);
        Assert.Equal(64513u, Read(("fra: { endpoint: 10.255.2.0 }", "fra: { endpoint: 10.255.2.0, as: 64513 }")).Datacenters["fra"].Asn);
    }

    [Fact]
    public void A_servers_router_id_is_its_endpoint_unless_it_gives_one()
    {
        Assert.Equal(IpAddress.Parse("10.1.1.2"), Example.Servers["ams-2"].RouterId);
        Assert.Equal(IpAddress.Parse("10.3.1.1"), Example.Servers["nyc-1"].RouterId);
        Assert.Equal("ams", Example.Servers["ams-2"].Datacenter);
        Assert.Same(Example.Servers["nyc-1"], Example.ServersByRouterId[IpAddress.Parse("10.3.1.1")]);
    }

    [Fact]
    public void A_pool_says_everything_about_its_addresses()
    {
        var pool = Example.PoolNamed("us-general")!;
        Assert.Equal(IpPrefix.Parse("192.0.2.0/24"), pool.Prefix);
        Assert.Equal((IpAddress.Parse("192.0.2.1"), IpAddress.Parse("192.0.2.254")), (pool.FirstAddress, pool.LastAddress));
        Assert.Equal([KeyValuePair.Create("country", "US"), KeyValuePair.Create("product", "cdn")], pool.Tags);
        Assert.Equal([KeyValuePair.Create("ams", 2), KeyValuePair.Create("fra", 1), KeyValuePair.Create("nyc", 1)], pool.Weights);
        Assert.Equal((false, EchoPolicy.Answer), (pool.LetConnectionsIn, pool.Echo));
    }

    [Fact]
    public void An_ipv6_pool_is_read_alike()
    {
        var pool = Example.PoolNamed("eu-video")!;
        Assert.Equal((16, 48), (pool.AddressCount, pool.AnnouncedLength));
        Assert.Equal(new Encapsulation(EncapsulationKind.Gre, 8), pool.Encapsulation);
        Assert.Equal([KeyValuePair.Create("ams", 1), KeyValuePair.Create("fra", 1)], pool.Weights);
        Assert.Same(pool, Example.PoolOf(IpAddress.Parse("2001:db8:1000::7")));
    }

    [Fact]
    public void What_a_pool_does_not_say_has_its_default()
    {
        var pool = Read(("    addresses: 192.0.2.1-192.0.2.3\n", "")).Pools.Single();
        Assert.Equal((IpAddress.Parse("192.0.2.0"), IpAddress.Parse("192.0.2.255")), (pool.FirstAddress, pool.LastAddress));
        Assert.Empty(pool.Tags);
        Assert.Equal((2048, 1, default(Encapsulation)), (pool.SliceSize.PortCount, pool.SlicesPerServer, pool.Encapsulation));
        Assert.Equal([0], pool.ReservedSlices);
        Assert.Equal((false, EchoPolicy.Drop), (pool.LetConnectionsIn, pool.Echo));
    }

    [Theory]
    [InlineData("addresses: 192.0.2.9", "192.0.2.9", "192.0.2.9")]
    [InlineData("addresses: 192.0.2.9-192.0.2.9", "192.0.2.9", "192.0.2.9")]
    [InlineData("addresses: \"192.0.2.9 - 192.0.2.10\"", "192.0.2.9", "192.0.2.10")]
    public void Addresses_are_one_or_a_range(string line, string first, string last)
    {
        var pool = Read(("addresses: 192.0.2.1-192.0.2.3", line)).Pools.Single();
        Assert.Equal((IpAddress.Parse(first), IpAddress.Parse(last)), (pool.FirstAddress, pool.LastAddress));
    }

    [Fact]
    public void Reserved_slices_are_kept_in_order_and_an_empty_list_reserves_none()
    {
        Assert.Equal([0, 3, 31], Read(("    prefix:", "    reserved-slices: [31, 0, 3]\n    prefix:")).Pools.Single().ReservedSlices);
        Assert.Empty(Read(("    prefix:", "    reserved-slices: []\n    prefix:")).Pools.Single().ReservedSlices);
    }

    [Fact]
    public void Connections_may_be_let_in_to_their_owner() =>
        Assert.True(Read(("    prefix:", "    unsolicited: { connections: owner }\n    prefix:")).Pools.Single().LetConnectionsIn);

    /// <summary>Words that YAML 1.1 readers turn into truth values, numbers, times and nothing.</summary>
    [Theory]
    [InlineData("NO")]
    [InlineData("on")]
    [InlineData("0x10")]
    [InlineData("1_000")]
    [InlineData("010")]
    [InlineData("1.0")]
    [InlineData("null")]
    [InlineData("2026-11-22")]
    public void A_plain_text_stays_the_text_that_it_is(string text) =>
        Assert.Equal(text, Read(("    prefix:", $"    tags: {{ country: {text} }}\n    prefix:")).Pools.Single().Tags["country"]);

    [Fact]
    public void Names_that_look_like_truth_values_are_names() =>
        Assert.Contains("no", Read(("  fra: {", "  no: { endpoint: 10.255.9.0 }\n  fra: {"), ("ams-2: { datacenter: ams", "ams-2: { datacenter: no")).Datacenters.Keys);

    [Fact]
    public void Lines_may_end_in_carriage_return_and_line_feed() =>
        Assert.Empty(FleetYaml.Read("f.yaml", Files.GoodText("fleet-small.yaml").ReplaceLineEndings("\r\n")).Diagnostics);

    [Fact]
    public void A_fleet_file_may_start_with_a_document_mark_and_be_json()
    {
        Assert.Empty(FleetYaml.Read("f.yaml", "---\n" + Files.GoodText("fleet-small.yaml")).Diagnostics);
        const string json = """
            {"fleet": {"as": 64512}, "datacenters": {"ams": {"endpoint": "10.255.1.0"}},
             "servers": {"ams-1": {"datacenter": "ams", "endpoint": "10.1.1.1"}},
             "pools": {"us": {"prefix": "192.0.2.0/24", "datacenters": ["ams"], "slice-size": 1024}}}
            """;
        Assert.Equal(1024, FleetYaml.Read("f.json", json).Value!.Pools.Single().SliceSize.PortCount);
    }

    private static Fleet Read(params (string Old, string New)[] changes)
    {
        var text = changes.Aggregate(Files.GoodText("fleet-small.yaml"), (t, c) => t.Replace(c.Old, c.New, StringComparison.Ordinal));
        var result = FleetYaml.Read("f.yaml", text);
        Assert.Equal("", DiagnosticText.Render(result.Diagnostics.Where(d => d.Severity == Severity.Error)));
        return result.Value!;
    }
}
