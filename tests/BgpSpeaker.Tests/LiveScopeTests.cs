using SoftUnicast.BgpSpeaker.Tests.Lab;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;
using Api = SoftUnicast.BgpSpeaker.Gobgp;
using Family = SoftUnicast.BgpSpeaker.Wire.Family;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>What leaves towards whom, seen at the peers: real BIRDs and a real eBGP gobgpd, one a scope.</summary>
public sealed class LiveScopeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_scope_reaches_its_neighbours_and_no_others()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var own = lab.Own(new GobgpDaemon(lab, "g1"));
        await own.StartAsync();
        var birds = await StartBirdsAsync(lab);
        var peer = lab.Own(new GobgpDaemon(lab, "peer"));
        await peer.StartAsync();
        using var peerClient = new GobgpClient(peer.Socket, TimeSpan.FromSeconds(5));
        await StartPeerAsync(peerClient);

        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(own.Socket, 1,
            RunningSpeaker.Neighbour("10.9.0.101", 1, 64601, Scope.Internet),
            RunningSpeaker.Neighbour("10.9.0.102", 1, 64602, Scope.Underlay),
            RunningSpeaker.Neighbour("10.9.0.103", 1, Asn, Scope.Backbone),
            RunningSpeaker.Neighbour("10.9.0.104", 1, Asn, Scope.Datacenter),
            RunningSpeaker.Neighbour("10.9.0.105", 1, 64605, Scope.Internet) with { Passive = false },
            // An eBGP FlowSpec peer of one scope: NO_EXPORT alone would not keep the others from it.
            RunningSpeaker.Neighbour("10.9.0.106", 1, 64606, Scope.Backbone)));
        speaker.Speaker.Announce(new Announcements(
            [IpPrefix.Parse("192.0.2.0/24")],
            [IpPrefix.Parse("10.1.1.1/32"), IpPrefix.Parse("10.255.1.0/32")],
            [Owned("192.0.2.1:0-65535", "10.255.1.0"), Owned("192.0.2.2:2048-4095", "10.255.1.0")],
            // The second is as long as the block above: neither hides the other.
            [Owned("192.0.2.1:2048-4095", "10.1.1.1"), Owned("192.0.2.2:2048-4095", "10.1.1.1")]));
        await speaker.UntilAsync(s => s.Sessions.All(x => x.State == SessionState.Established), "all six sessions", 60);

        await HasAsync(birds[101], ["192.0.2.0/24"]);
        await HasAsync(birds[102], ["10.1.1.1/32", "10.255.1.0/32"]);
        await HasAsync(birds[103], ["flow4 { dst 192.0.2.1/32; }", "flow4 { dst 192.0.2.2/32; src 0.0.0.0/0; dport 2048..4095; }"]);
        await HasAsync(birds[104], ["flow4 { dst 192.0.2.1/32; dport 2048..4095; }", "flow4 { dst 192.0.2.2/32; dport 2048..4095; }"]);
        await HasAsync(birds[106], ["flow4 { dst 192.0.2.1/32; }", "flow4 { dst 192.0.2.2/32; src 0.0.0.0/0; dport 2048..4095; }"]);
        await BgpLab.UntilAsync(async () => (await PeerHasAsync(peerClient)).Count > 0, () => $"the eBGP gobgpd to have a route ({peer.Log})");
        Assert.Equal(["192.0.2.0/24"], await PeerHasAsync(peerClient));

        // What it says on arrival: next hop self, AS path, communities, redirect.
        var all = await birds[101].AskAsync("show", "route", "protocol", "peer", "all");
        Assert.Contains("BGP.next_hop: 10.9.0.1", all, StringComparison.Ordinal);
        Assert.Contains("BGP.as_path: 64512", all, StringComparison.Ordinal);
        Assert.Contains("BGP.large_community: (64512, 1, 1)", all, StringComparison.Ordinal);
        Assert.DoesNotContain("BGP.community", all, StringComparison.Ordinal);
        all = await birds[103].AskAsync("show", "route", "table", "flows", "all");
        Assert.Contains("BGP.community: (65535,65281)", all, StringComparison.Ordinal);
        Assert.Contains("BGP.ext_community: (unknown 0x10c, 10.255.1.0, 0)", all, StringComparison.Ordinal);
        Assert.Contains("(64512, 1, 2) (64512, 2, 0)", all, StringComparison.Ordinal);

        // Nothing learned is passed on or kept: the peers' own routes are in no other's table, nor in our gobgpd.
        using var client = new GobgpClient(own.Socket, TimeSpan.FromSeconds(5));
        await speaker.UntilAsync(s => s.Sessions[0].Received == 2, "the peer's unicast routes have arrived");
        Assert.Equal(["10.1.1.1/32", "10.255.1.0/32", "192.0.2.0/24"], await UnicastAsync(client));
        Assert.Equal(0, speaker.Status.Sessions[0].Accepted);
        await HasAsync(birds[102], ["10.1.1.1/32", "10.255.1.0/32"]);
        Assert.Equal(["192.0.2.0/24"], await PeerHasAsync(peerClient));

        // A withdrawn scope leaves its peers, and only it.
        speaker.Speaker.Announce(Announcements.None with { Datacenter = [Owned("192.0.2.1:2048-4095", "10.1.1.1")] });
        await HasAsync(birds[101], []);
        await HasAsync(birds[103], []);
        await HasAsync(birds[104], ["flow4 { dst 192.0.2.1/32; dport 2048..4095; }"]);
    }

    [Fact]
    public async Task A_neighbour_whose_scopes_change_keeps_nothing_of_the_old_ones()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var own = lab.Own(new GobgpDaemon(lab, "g1"));
        await own.StartAsync();
        var birds = await StartBirdsAsync(lab);
        var announcements = new Announcements([IpPrefix.Parse("192.0.2.0/24")], [IpPrefix.Parse("10.1.1.1/32")], [], []);
        await using (var before = new RunningSpeaker(RunningSpeaker.Options(own.Socket, 1, RunningSpeaker.Neighbour("10.9.0.101", 1, 64601, Scope.Internet, Scope.Underlay))))
        {
            before.Speaker.Announce(announcements);
            await HasAsync(birds[101], ["10.1.1.1/32", "192.0.2.0/24"]);
        }

        await using var after = new RunningSpeaker(RunningSpeaker.Options(own.Socket, 1, RunningSpeaker.Neighbour("10.9.0.101", 1, 64601, Scope.Internet)));
        after.Speaker.Announce(announcements);
        await HasAsync(birds[101], ["192.0.2.0/24"]);
        using var client = new GobgpClient(own.Socket, TimeSpan.FromSeconds(5));
        // Nothing of the former policy is left behind.
        Assert.Equal(2, (await client.ListPoliciesAsync(Cancellation)).Count);
        Assert.Single(await client.ListDefinedSetsAsync(1, Cancellation));
        Assert.Single(await client.ListDefinedSetsAsync(6, Cancellation));
    }

    /// <summary>
    /// A BIRD on 10.9.0.NUMBER for each peer: it takes one session an address of ours. The first sends two unicast routes that nobody
    /// asked for.
    /// </summary>
    private static async Task<Dictionary<int, BirdDaemon>> StartBirdsAsync(BgpLab lab)
    {
        var birds = new Dictionary<int, BirdDaemon>();
        foreach (var (number, asn, channel) in new[]
        {
            (101, 64601u, "ipv4 { import all; export where source = RTS_STATIC; };"), (102, 64602u, "ipv4 { import all; export none; };"),
            (103, Asn, FlowSpecChannel), (104, Asn, FlowSpecChannel), (106, 64606u, FlowSpecChannel),
        })
        {
            birds[number] = lab.Own(new BirdDaemon(lab, $"bird{number}", $$"""
                router id 10.9.0.{{number}};
                flow4 table flows;
                protocol device {}
                protocol static foreign { ipv4; {{(number == 101 ? "route 203.0.113.0/24 blackhole; route 192.0.2.0/24 blackhole;" : "")}} }
                protocol bgp peer {
                    local 10.9.0.{{number}} as {{asn}};
                    neighbor 10.9.0.1 as 64512;
                    multihop 2; strict bind yes; graceful restart on;
                    connect delay time 1; connect retry time 1; error wait time 1, 2;
                    {{channel}}
                }
                """));
            await birds[number].StartAsync();
        }

        return birds;
    }

    private const string FlowSpecChannel = "flow4 { table flows; import all; export none; validate off; };";

    private static async Task HasAsync(BirdDaemon bird, string[] expected)
    {
        List<string> routes = [];
        await BgpLab.UntilAsync(async () => (routes = await RoutesAsync(bird)).SequenceEqual(expected), () => $"{bird.Name} to have [{string.Join(", ", expected)}], not [{string.Join(", ", routes)}]");
    }

    private static async Task<List<string>> RoutesAsync(BirdDaemon bird)
    {
        var output = await bird.AskAsync("show", "route", "protocol", "peer", "table", "all");
        return [.. output.Split('\n').Where(l => l.StartsWith("flow4", StringComparison.Ordinal) || (l.Length > 0 && char.IsDigit(l[0])))
            .Select(l => l.StartsWith("flow4", StringComparison.Ordinal) ? l[..(l.IndexOf('}', StringComparison.Ordinal) + 1)] : l.Split(' ')[0]).Order(StringComparer.Ordinal)];
    }

    private static async Task StartPeerAsync(GobgpClient client)
    {
        var global = new Api.Global { Asn = 64605, RouterId = "10.9.0.105", ListenPort = 179 };
        global.ListenAddresses.Add("10.9.0.105");
        await client.StartBgpAsync(global, Cancellation);
        var peer = new Api.Peer
        {
            Conf = new Api.PeerConf { NeighborAddress = "10.9.0.1", PeerAsn = Asn },
            Transport = new Api.Transport { LocalAddress = "10.9.0.105", PassiveMode = true },
            EbgpMultihop = new Api.EbgpMultihop { Enabled = true, MultihopTtl = 2 },
        };
        // It would take FlowSpec too, if it were sent any.
        foreach (var family in Family.All)
        {
            peer.AfiSafis.Add(new Api.AfiSafi { Config = new Api.AfiSafiConfig { Family = GobgpClient.ToApi(family), Enabled = true } });
        }

        await client.AddPeerAsync(peer, Cancellation);
    }

    private static async Task<List<string>> PeerHasAsync(GobgpClient client)
    {
        var routes = await UnicastAsync(client);
        foreach (var family in Family.FlowSpec)
        {
            await foreach (var path in client.ListPathsAsync(family, Cancellation))
            {
                routes.Add(Convert.ToHexStringLower(path.NlriBinary.Span));
            }
        }

        return routes;
    }

    private static async Task<List<string>> UnicastAsync(GobgpClient client)
    {
        var routes = new List<string>();
        await foreach (var path in client.ListPathsAsync(Family.IPv4Unicast, Cancellation))
        {
            Assert.True(UnicastNlri.TryRead(path.NlriBinary.Span, false, out var prefix));
            routes.Add(prefix.ToString());
        }

        return [.. routes.Order(StringComparer.Ordinal)];
    }
}
