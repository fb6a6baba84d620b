using System.Globalization;

namespace SoftUnicast.Lab.Tests;

/// <summary>What the routers of the lab, real BGP peers, hold: every scope where it belongs, and nowhere else.</summary>
public sealed class RoutingTests(LabFixture lab)
{
    private static readonly string[] EgressPrefixes = ["192.0.2.0/24", "198.51.100.0/24"];

    public static TheoryData<string> Routers => [.. LabFixture.Routers];

    public static TheoryData<string> Datacenters => [.. LabFixture.Datacenters];

    [Theory]
    [MemberData(nameof(Routers))]
    public async Task Every_session_of_every_router_is_established(string router)
    {
        lab.Require();
        var sessions = (await LabFixture.BirdAsync(router, "show", "protocols")).Split('\n')
            .Where(line => line.Contains(" BGP ", StringComparison.Ordinal))
            .ToArray();
        var expected = router switch { "transit" => 3, "backbone-rr" => 9, _ when router.EndsWith("-tor", StringComparison.Ordinal) => 8, _ => 3 };
        Assert.Equal(expected, sessions.Length);
        Assert.All(sessions, line => Assert.Contains("Established", line, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Datacenters))]
    public async Task A_ToR_spreads_each_egress_prefix_over_its_three_servers(string datacenter)
    {
        lab.Require();
        var number = Number(datacenter);
        foreach (var prefix in EgressPrefixes)
        {
            var route = (await LabFixture.RunAsync($"{datacenter}-tor", "ip", "-o", "route", "show", prefix)).Succeeded();
            Assert.Equal([$"10.{number}.11.1", $"10.{number}.12.1", $"10.{number}.13.1"], NextHops(route));
        }
    }

    [Theory]
    [MemberData(nameof(Datacenters))]
    public async Task A_ToR_spreads_its_datacenters_endpoint_over_the_backbone_interfaces(string datacenter)
    {
        lab.Require();
        var number = Number(datacenter);
        var route = (await LabFixture.RunAsync($"{datacenter}-tor", "ip", "-o", "route", "show", $"10.255.0.{number}")).Succeeded();
        Assert.Equal([$"10.{number}.13.1", $"10.{number}.21.1", $"10.{number}.22.1"], NextHops(route));
    }

    [Theory]
    [MemberData(nameof(Datacenters))]
    public async Task A_ToR_reaches_endpoints_elsewhere_over_the_backbone(string datacenter)
    {
        lab.Require();
        foreach (var other in LabFixture.Datacenters.Where(d => d != datacenter).Select(Number))
        {
            foreach (var endpoint in new[] { $"10.{other}.0.1", $"10.{other}.0.2", $"10.{other}.0.3", $"10.255.0.{other}" })
            {
                var route = (await LabFixture.RunAsync($"{datacenter}-tor", "ip", "-o", "route", "get", endpoint)).Succeeded();
                Assert.Contains($"via 10.0.0.{other} dev backbone", route, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task The_transit_learns_the_egress_prefixes_from_three_datacenters_and_nothing_else()
    {
        lab.Require();
        foreach (var datacenter in LabFixture.Datacenters)
        {
            Assert.Equal(EgressPrefixes, WithoutServices(datacenter, await LabFixture.BirdRoutesAsync("transit", "protocol", datacenter)));
        }
    }

    /// <summary>The ToR takes in whatever a server says, so its table tells.</summary>
    [Theory]
    [MemberData(nameof(Datacenters))]
    public async Task A_server_says_to_each_neighbour_what_is_in_its_scopes_and_no_more(string datacenter)
    {
        lab.Require();
        var number = Number(datacenter);
        for (var server = 1; server <= 3; server++)
        {
            string[] underlay = [.. new[] { $"10.{number}.0.{server}/32", $"10.255.0.{number}/32" }.Order(StringComparer.Ordinal)];
            if (server == 3)
            {
                Assert.Equal([.. underlay, .. EgressPrefixes], WithoutServices(datacenter, await LabFixture.BirdRoutesAsync($"{datacenter}-tor", "protocol", $"{datacenter}_3_eth0")));
            }
            else
            {
                Assert.Equal(EgressPrefixes, WithoutServices(datacenter, await LabFixture.BirdRoutesAsync($"{datacenter}-tor", "protocol", $"{datacenter}_{server}_eth0")));
                Assert.Equal(underlay, await LabFixture.BirdRoutesAsync($"{datacenter}-tor", "protocol", $"{datacenter}_{server}_eth1"));
            }
        }
    }

    /// <summary>Only the datacenter that has services may announce theirs.</summary>
    private static IEnumerable<string> WithoutServices(string datacenter, IReadOnlyList<string> routes) =>
        datacenter == "ams" ? routes.Except(ServicesLab.Announced) : routes;

    [Theory]
    [MemberData(nameof(Datacenters))]
    public async Task A_datacenters_reflector_has_the_slices_of_its_servers_and_no_more(string datacenter)
    {
        lab.Require();
        var rules = await LabFixture.BirdRoutesAsync($"{datacenter}-rr", "table", "ownership4");
        Assert.NotEmpty(rules);
        foreach (var server in LabFixture.Servers)
        {
            var slices = (await lab.ShowAsync(server, "slices", "server", server)).GetProperty("slices").EnumerateArray()
                .Select(row => row.GetProperty("slice").GetString()!)
                .ToArray();
            Assert.NotEmpty(slices);
            Assert.All(slices, slice => Assert.Equal(
                server.StartsWith(datacenter, StringComparison.Ordinal), rules.Contains(FlowRule(slice))));
        }
    }

    [Fact]
    public async Task The_backbone_reflector_has_blocks_and_no_slice()
    {
        lab.Require();
        var blocks = await LabFixture.BirdRoutesAsync("backbone-rr", "table", "ownership4");
        Assert.Contains(blocks, rule => rule.Contains("dst 192.0.2.", StringComparison.Ordinal));
        Assert.Contains(blocks, rule => rule.Contains("dst 198.51.100.1/32; src 0.0.0.0/0; dport ", StringComparison.Ordinal));
        foreach (var datacenter in LabFixture.Datacenters)
        {
            Assert.Empty(blocks.Intersect(await LabFixture.BirdRoutesAsync($"{datacenter}-rr", "table", "ownership4")));
        }
    }

    private static int Number(string datacenter) => LabFixture.Datacenters.ToList().IndexOf(datacenter) + 1;

    private static string[] NextHops(string route) =>
    [
        .. route.Split([' ', '\n', '\t', '\\'], StringSplitOptions.RemoveEmptyEntries)
            .Aggregate((Last: "", Found: new List<string>()), (state, word) =>
            {
                if (state.Last == "via")
                {
                    state.Found.Add(word);
                }

                return (word, state.Found);
            }).Found.Order(StringComparer.Ordinal),
    ];

    /// <summary>A slice as BIRD writes its FlowSpec rule.</summary>
    private static string FlowRule(string slice)
    {
        var ports = slice[(slice.IndexOf(':', StringComparison.Ordinal) + 1)..].Split('-');
        return string.Create(
            CultureInfo.InvariantCulture,
            $"flow4 {{ dst {slice[..slice.IndexOf(':', StringComparison.Ordinal)]}/32; dport {ports[0]}..{ports[1]}; }}");
    }
}
