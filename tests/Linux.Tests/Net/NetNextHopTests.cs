using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Linux.Tests.Net;

/// <summary>
/// A server between two routers, in network namespaces of their own:
/// <code>
///   router r1 10.0.0.1 ── a1 10.0.0.2  server  10.0.1.2 a2 ── 10.0.1.1 r2 router
/// </code>
/// </summary>
public sealed class NetNextHopTests : IAsyncDisposable
{
    private static readonly IpAddress Own = IpAddress.Parse("10.1.1.1");
    private static readonly IpAddress Far = IpAddress.Parse("10.9.1.1");
    private static readonly NextHopTimers Quick = new() { Refresh = TimeSpan.FromSeconds(0.2), Retry = TimeSpan.FromSeconds(0.2), Recheck = TimeSpan.FromHours(1) };
    private readonly NetNamespace server = new();
    private readonly NetNamespace router1 = new();
    private readonly NetNamespace router2 = new();
    private readonly CancellationTokenSource stop = new();
    private readonly NetworkView view;
    private readonly NetlinkNextHops source;
    private readonly NextHopTable table;
    private readonly Task loop;

    public NetNextHopTests()
    {
        Wire("a1", router1, "r1", "10.0.0");
        Wire("a2", router2, "r2", "10.0.1");
        view = server.Within(() => new NetworkView());
        source = new NetlinkNextHops(view, Own);
        table = new NextHopTable(source, TimeProvider.System, Quick);
        loop = table.RunAsync(stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await loop;
        table.Dispose();
        source.Dispose();
        view.Dispose();
        stop.Dispose();
        server.Dispose();
        router1.Dispose();
        router2.Dispose();
    }

    [Fact]
    public async Task A_gateways_MAC_is_found_and_so_is_a_neighbours_on_the_link()
    {
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        var neighbour = IpAddress.Parse("10.0.1.1");

        table.Want([Far, neighbour]);

        await Becomes(Far, Hop("a1", router1, "r1"));
        await Becomes(neighbour, Hop("a2", router2, "r2"));
    }

    [Fact]
    public async Task A_gratuitous_ARP_is_followed()
    {
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        table.Want([Far]);
        await Becomes(Far, Hop("a1", router1, "r1"));

        router1.Sysctl("net.ipv4.conf.r1.arp_notify", "1");
        router1.Ip("link set r1 address 02:00:00:00:99:01");

        Assert.Equal(MacAddress.Parse("02:00:00:00:99:01"), (await Becomes(Far, Hop("a1", router1, "r1"))).Destination);
    }

    // The kernel asks only for its own packets: here there are none, and the new MAC is not announced.
    [Fact]
    public async Task A_MAC_that_changes_silently_is_found_by_asking_again()
    {
        server.Sysctl("net.ipv4.neigh.a1.base_reachable_time_ms", "500");
        server.Sysctl("net.ipv4.neigh.a1.retrans_time_ms", "100");
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        table.Want([Far]);
        await Becomes(Far, Hop("a1", router1, "r1"));

        router1.Sysctl("net.ipv4.conf.r1.arp_notify", "0");
        router1.Ip("link set r1 address 02:00:00:00:99:02");

        Assert.Equal(MacAddress.Parse("02:00:00:00:99:02"), (await Becomes(Far, Hop("a1", router1, "r1"))).Destination);
    }

    [Fact]
    public async Task A_stale_neighbour_that_only_XDP_uses_is_confirmed_again_and_again()
    {
        server.Sysctl("net.ipv4.neigh.a1.base_reachable_time_ms", "500");
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        var states = new System.Collections.Concurrent.ConcurrentQueue<NeighbourState>();
        var key = new NeighbourKey(server.IndexOf("a1"), IpAddress.Parse("10.0.0.1"));
        view.Changed += (_, change) =>
        {
            if (change.Neighbour == key && view.NeighbourAt(key) is { } neighbour)
            {
                states.Enqueue(neighbour.State);
            }
        };
        table.Want([Far]);
        await Becomes(Far, Hop("a1", router1, "r1"));

        // Reachable, no longer confirmed, and reachable again, twice over, while the next hop stays.
        await Eventually.True(
            () => string.Concat(states.Select(s => s == NeighbourState.Reachable ? 'R' : '-')).Split('-', StringSplitOptions.RemoveEmptyEntries).Length > 2,
            () => string.Join(' ', states));
        Assert.Equal(NextHopState.Resolved, table.Entries[Far].State);
    }

    [Fact]
    public async Task A_route_that_moves_or_goes_is_followed()
    {
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        table.Want([Far]);
        await Becomes(Far, Hop("a1", router1, "r1"));

        server.Ip("route replace 10.9.0.0/16 via 10.0.1.1");
        await Becomes(Far, Hop("a2", router2, "r2"));

        server.Ip("route del 10.9.0.0/16");
        await Fails(Far, "no route to 10.9.1.1");

        server.Ip("route add default via 10.0.0.1 mtu 1400");
        await Becomes(Far, Hop("a1", router1, "r1") with { MtuBytes = 1400 });
    }

    [Fact]
    public async Task A_policy_rule_is_followed()
    {
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        server.Ip("route add 10.9.0.0/16 via 10.0.1.1 table 100");
        table.Want([Far]);
        await Becomes(Far, Hop("a1", router1, "r1"));

        server.Ip("rule add to 10.9.1.0/24 lookup 100");

        await Becomes(Far, Hop("a2", router2, "r2"));
    }

    [Fact]
    public async Task An_interface_that_is_deleted_and_made_again_is_found_under_its_new_index()
    {
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        table.Want([Far]);
        var before = await Becomes(Far, Hop("a1", router1, "r1"));

        server.Ip("link del a1");
        await Fails(Far, "no route to 10.9.1.1");

        // Another device takes the next index, so that the new a1 cannot get the old one.
        Wire("a1", router1, "r1", "10.0.0");
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        var after = await Becomes(Far, Hop("a1", router1, "r1"));
        Assert.NotEqual(before.InterfaceIndex, after.InterfaceIndex);
        Assert.Equal("a1", view.Links[after.InterfaceIndex].Name);
    }

    [Fact]
    public async Task A_link_that_goes_down_and_comes_back_is_followed()
    {
        table.Want([IpAddress.Parse("10.0.0.1")]);
        await Becomes(IpAddress.Parse("10.0.0.1"), Hop("a1", router1, "r1"));

        router1.Ip("link set r1 down");
        await Fails(IpAddress.Parse("10.0.0.1"), "a1 has no carrier");

        router1.Ip("link set r1 up");
        await Becomes(IpAddress.Parse("10.0.0.1"), Hop("a1", router1, "r1"));
    }

    [Fact]
    public async Task A_neighbour_that_does_not_answer_fails_with_its_name_and_is_found_when_it_comes()
    {
        server.Sysctl("net.ipv4.neigh.a1.retrans_time_ms", "100");
        var silent = IpAddress.Parse("10.0.0.66");
        table.Want([silent]);
        await Fails(silent, "neighbour 10.0.0.66 on a1 does not answer");

        router1.Ip("addr add 10.0.0.66/24 dev r1");

        await Becomes(silent, Hop("a1", router1, "r1"));
    }

    [Fact]
    public async Task Endpoints_spread_over_the_legs_of_a_multipath_route_and_leave_a_dead_one()
    {
        server.Ip("route add 10.9.0.0/16 nexthop via 10.0.0.1 weight 1 nexthop via 10.0.1.1 weight 1");
        var endpoints = Enumerable.Range(1, 32).Select(i => IpAddress.FromUInt32(0x0A09_0100u + (uint)i)).ToArray();
        table.Want(endpoints);
        int first = server.IndexOf("a1"), second = server.IndexOf("a2");
        await Eventually.True(() => table.Entries.Values.All(e => e.NextHop is not null), Seen);
        await Eventually.True(() => Expected().All(e => table.Entries[e.Key].NextHop!.Value.InterfaceIndex == e.Value), Seen);
        Assert.Equal(2, Expected().Values.Distinct().Count());

        router2.Ip("addr del 10.0.1.1/24 dev r2"); // this gateway falls silent; its link stays up
        server.Ip("neigh flush dev a2");
        await Eventually.True(() => table.Entries.Values.All(e => e.NextHop?.InterfaceIndex == first), Seen);

        router2.Ip("addr add 10.0.1.1/24 dev r2");
        await Eventually.True(() => Expected().All(e => table.Entries[e.Key].NextHop!.Value.InterfaceIndex == e.Value), Seen);

        router2.Ip("link set r2 down");
        await Eventually.True(() => table.Entries.Values.All(e => e.NextHop?.InterfaceIndex == first), Seen);

        Dictionary<IpAddress, int> Expected() => endpoints.ToDictionary(e => e, e => PathChoice.Order(
            Own, e, [new PathLeg(first, IpAddress.Parse("10.0.0.1"), 1), new PathLeg(second, IpAddress.Parse("10.0.1.1"), 1)])[0].InterfaceIndex);
    }

    [Fact]
    public async Task A_gateway_of_the_other_family_is_asked_by_its_own_protocol()
    {
        router1.Ip("addr add fe80::99/64 dev r1 nodad");
        server.Ip("route add 10.9.0.0/16 via inet6 fe80::99 dev a1");

        table.Want([Far]);

        await Becomes(Far, Hop("a1", router1, "r1"));
        Assert.Equal(IpAddress.Parse("fe80::99"), table.Entries[Far].Via!.Value.Address);
    }

    [Theory]
    [InlineData("route add blackhole 10.9.0.0/16", "10.9.1.1", "the route to 10.9.1.1 says blackhole, or 10.9.1.1 is no address to send to")]
    [InlineData("route add unreachable 10.9.0.0/16", "10.9.1.1", "the route to 10.9.1.1 says unreachable")]
    [InlineData("route add prohibit 10.9.0.0/16", "10.9.1.1", "the route to 10.9.1.1 says prohibit")]
    [InlineData("addr add 10.9.1.1/32 dev lo", "10.9.1.1", "10.9.1.1 is an address of this server")]
    [InlineData("route add 10.9.0.0/16 dev lo", "10.9.1.1", "lo is no Ethernet device")]
    [InlineData("addr show", "10.0.0.255", "the route to 10.0.0.255 is of type broadcast")]
    public async Task A_destination_without_a_way_fails_with_the_reason(string setup, string destination, string reason)
    {
        server.Ip(setup);

        table.Want([IpAddress.Parse(destination)]);

        await Fails(IpAddress.Parse(destination), reason);
    }

    [Fact]
    public async Task A_VLAN_device_leads_out_by_the_device_below_it_with_the_tag()
    {
        if (!server.TryIp("link add link a1 name a1.100 type vlan id 100"))
        {
            Assert.Skip("this kernel has no VLAN devices");
        }

        router1.Ip("link add link r1 name r1.100 type vlan id 100");
        router1.Ip("link set r1.100 up");
        router1.Ip("addr add 10.0.100.1/24 dev r1.100");
        server.Ip("link set a1.100 up");
        server.Ip("addr add 10.0.100.2/24 dev a1.100");
        server.Ip("route add 10.9.0.0/16 via 10.0.100.1");

        table.Want([Far]);

        await Becomes(Far, Hop("a1", router1, "r1.100") with { VlanId = 100 });
    }

    // The same without VLAN devices in the kernel: its message about one, by hand.
    [Theory]
    [InlineData("8100", 0, true, null)]
    [InlineData("88a8", 0, false, "eth0.100 tags with 802.1ad, which is not carried: use an 802.1Q VLAN")]
    [InlineData("8100", 4000, false, "the device below VLAN eth0.100 is not in this network namespace")]
    public async Task A_VLAN_device_as_the_kernel_describes_it(string protocol, int parentOffset, bool usable, string? reason)
    {
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        table.Want([Far]);
        var before = await Becomes(Far, Hop("a1", router1, "r1"));
        int vlan = server.IndexOf("a1"), below = server.IndexOf("a2");

        NextHop? expected = usable ? new NextHop(below, MacAddress.Parse("02:00:00:00:00:09"), before.Destination, 100, 1450) : null;

        // What the kernel says of the real link may come late, and then takes the place of this.
        var answer = source.Resolve(Far);
        await Eventually.True(
            () =>
            {
                view.Apply(new NetlinkBody(Nl.RTM_NEWLINK, NetParsingTests.VlanLink(vlan, "eth0.100", below + parentOffset, 100, protocol)));
                answer = source.Resolve(Far);
                return answer.Reason == reason && answer.NextHop == expected;
            },
            () => $"{expected}, '{reason}' expected; {answer}");

        Assert.Equal(reason, answer.Reason);
        Assert.Equal(expected, answer.NextHop);
    }

    [Fact]
    public async Task A_VLAN_inside_a_VLAN_is_refused_by_name()
    {
        server.Ip("route add 10.9.0.0/16 via 10.0.0.1");
        int vlan = server.IndexOf("a1"), below = server.IndexOf("a2");
        const string Reason = "eth0.5.6 is a VLAN inside VLAN eth0.5, which is not carried: one tag at most";

        // As above: again until no late message about the real links comes between.
        string? said = null;
        await Eventually.True(
            () =>
            {
                view.Apply(new NetlinkBody(Nl.RTM_NEWLINK, NetParsingTests.VlanLink(below, "eth0.5", 1, 5, "8100")));
                view.Apply(new NetlinkBody(Nl.RTM_NEWLINK, NetParsingTests.VlanLink(vlan, "eth0.5.6", below, 6, "8100")));
                said = source.Resolve(Far).Reason;
                return said == Reason;
            },
            () => $"'{said}'");

        Assert.Equal(Reason, said);
    }

    private void Wire(string own, NetNamespace router, string other, string network)
    {
        server.Ip($"link add {own} type veth peer name {other} netns {router.Name}");
        server.Ip($"addr add {network}.2/24 dev {own}");
        server.Ip($"link set {own} up");
        router.Ip($"addr add {network}.1/24 dev {other}");
        router.Ip($"link set {other} up");
    }

    private NextHop Hop(string own, NetNamespace router, string other) =>
        new(server.IndexOf(own), MacAddress.Parse(server.MacOf(own)), MacAddress.Parse(router.MacOf(other)), null, 1500);

    private async Task<NextHop> Becomes(IpAddress endpoint, NextHop expected)
    {
        await Eventually.True(() => table.Entries[endpoint].NextHop == expected, () => $"{expected} expected; {Seen()}");
        return expected;
    }

    private Task Fails(IpAddress endpoint, string reason) => Eventually.True(
        () => table.Entries[endpoint] is { State: NextHopState.Failed, NextHop: null } entry && entry.Reason == reason,
        () => $"'{reason}' expected; {Seen()}");

    private string Seen() => string.Join("; ", table.Entries.Values.Take(4)) + (view.Trouble is { } trouble ? $"; view: {trouble}" : "");
}
