using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Linux.Tests.Net;

public sealed class NetParsingTests
{
    private static readonly byte[] GoodLink = Netlink.Join(
        Netlink.IfInfo(7), Netlink.Attribute(Nl.IFLA_IFNAME, "eth0"), Netlink.Attribute(Nl.IFLA_ADDRESS, 2, 0, 0, 0, 0, 1), Netlink.Attribute(Nl.IFLA_MTU, 1500));

    [Fact]
    public void A_link_reads_as_it_is() => Assert.Equal(
        new Link(7, "eth0", MacAddress.Parse("02:00:00:00:00:01"), 1500, true, true, true, null, null, null, null),
        Link.Parse(new NetlinkBody(Nl.RTM_NEWLINK, GoodLink)));

    // linkinfo { kind "vlan", data { id, protocol (network order) } }
    [Theory]
    [InlineData("8100", (ushort)100)]
    [InlineData("88a8", null)]
    public void A_VLAN_device_has_its_parent_and_an_8021Q_id(string protocol, ushort? vlanId)
    {
        var link = Link.Parse(new NetlinkBody(Nl.RTM_NEWLINK, VlanLink(9, "eth0.100", 7, 100, protocol)))!;

        Assert.Equal(("vlan", 7, vlanId), (link.Kind, link.Parent, link.VlanId));
    }

    [Fact]
    public void A_parent_in_another_namespace_is_none()
    {
        var link = Link.Parse(new NetlinkBody(Nl.RTM_NEWLINK, Netlink.Join(GoodLink, Netlink.Attribute(Nl.IFLA_LINK, 3u), Netlink.Attribute(Nl.IFLA_LINK_NETNSID, 0u))))!;

        Assert.Null(link.Parent);
    }

    [Theory]
    [InlineData((byte)2, 41u)] // generic mode
    [InlineData((byte)0, null)] // none attached
    public void The_XDP_program_is_the_attached_one(byte attached, uint? programId)
    {
        var xdp = Netlink.Attribute(Nl.IFLA_XDP, Netlink.Join(Netlink.Attribute(Nl.IFLA_XDP_ATTACHED, attached), Netlink.Attribute(Nl.IFLA_XDP_PROG_ID, 41u)));

        Assert.Equal(programId, Link.Parse(new NetlinkBody(Nl.RTM_NEWLINK, Netlink.Join(GoodLink, xdp)))!.XdpProgramId);
    }

    [Fact]
    public void A_bridge_speaking_of_its_port_is_not_about_the_device() =>
        Assert.Null(Link.Parse(new NetlinkBody(Nl.RTM_DELLINK, Netlink.Join(Netlink.IfInfo(7, family: 7), Netlink.Attribute(Nl.IFLA_IFNAME, "eth0")))));

    [Fact]
    public void A_multipath_route_reads_leg_by_leg_with_weights_families_and_dead_legs()
    {
        // struct rtnexthop: length, flags, weight - 1, ifindex; then attributes
        var legs = Netlink.Join(
            Netlink.Hex("1000 00 00 03000000"), Netlink.Attribute(Nl.RTA_GATEWAY, 10, 0, 0, 1),
            Netlink.Hex("1000 10 04 04000000"), Netlink.Attribute(Nl.RTA_GATEWAY, 10, 0, 1, 1),
            Netlink.Hex("2000 00 00 05000000"), Netlink.Attribute(Nl.RTA_VIA, [10, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
        var body = Netlink.Join(Rt(type: 1), Netlink.Attribute(Nl.RTA_METRICS, Netlink.Attribute(Nl.RTAX_MTU, 1400)), Netlink.Attribute(Nl.RTA_MULTIPATH, legs));

        var route = Route.Parse(IpAddress.Parse("10.9.1.1"), new NetlinkBody(Nl.RTM_NEWROUTE, body));

        Assert.Equal(
            [
                new RouteLeg(3, IpAddress.Parse("10.0.0.1"), 1, false),
                new RouteLeg(4, IpAddress.Parse("10.0.1.1"), 5, true),
                new RouteLeg(5, IpAddress.Parse("fe80::1"), 1, false),
            ],
            route.Legs);
        Assert.Equal((RouteType.Unicast, 1400, false), (route.Type, route.MtuBytes, route.HasEncapsulation));
    }

    [Fact]
    public void A_route_that_wraps_packets_itself_says_so()
    {
        var body = Netlink.Join(Rt(type: 1), Netlink.Attribute(Nl.RTA_OIF, 3u), Netlink.Attribute(Nl.RTA_ENCAP, 1, 2, 3, 4));

        Assert.True(Route.Parse(default, new NetlinkBody(Nl.RTM_NEWROUTE, body)).HasEncapsulation);
    }

    [Fact]
    public void A_bridge_forwarding_entry_is_no_neighbour()
    {
        byte[] ndmsg = [7, 0, 0, 0, 3, 0, 0, 0, 0x80, 0, 0, 0];

        Assert.Null(Neighbour.Parse(new NetlinkBody(Nl.RTM_NEWNEIGH, Netlink.Join(ndmsg, Netlink.Attribute(Nl.NDA_LLADDR, 2, 0, 0, 0, 0, 1)))));
    }

    [Theory]
    [InlineData(NeighbourState.None, false, false)]
    [InlineData(NeighbourState.Incomplete, false, false)]
    [InlineData(NeighbourState.Reachable, true, true)]
    [InlineData(NeighbourState.Stale, true, false)]
    [InlineData(NeighbourState.Delay, true, false)]
    [InlineData(NeighbourState.Probe, true, false)]
    [InlineData(NeighbourState.Failed, false, false)]
    [InlineData(NeighbourState.NoArp, true, true)]
    [InlineData(NeighbourState.Permanent, true, true)]
    public void Each_neighbour_state_is_usable_and_confirmed_like_this(NeighbourState state, bool usable, bool confirmed)
    {
        var neighbour = new Neighbour(new NeighbourKey(3, IpAddress.Parse("10.0.0.1")), MacAddress.Parse("02:00:00:00:00:01"), state);

        Assert.Equal((usable, confirmed), (neighbour.IsUsable, neighbour.IsConfirmed));
        Assert.False((neighbour with { Mac = null }).IsUsable);
    }

    [Theory]
    [InlineData("0a000000 1000", "netlink header cut short: 6 of 16 bytes")]
    [InlineData("0f000000 1000 0000 00000000 00000000", "netlink message claims 15 bytes, 16 are there")]
    [InlineData("11000000 1000 0000 00000000 00000000", "netlink message claims 17 bytes, 16 are there")]
    [InlineData("ffffffff 1000 0000 00000000 00000000", "netlink message claims 4294967295 bytes, 16 are there")]
    public void A_malformed_message_is_refused_with_the_place(string hex, string expected)
    {
        var error = Assert.Throws<NetlinkFormatException>(() =>
        {
            var reader = new NetlinkReader(Netlink.Hex(hex));
            reader.TryRead(out _);
        });

        Assert.Equal(expected, error.Message);
    }

    [Theory]
    [InlineData("", "RTM_NEWLINK: 0 bytes, where its header alone has 16")]
    [InlineData("00000100 07000000 43000100 000000", "RTM_NEWLINK: 15 bytes, where its header alone has 16")]
    [InlineData("00000100 07000000 43000100 00000000", "RTM_NEWLINK: device 7 has no name")]
    [InlineData("00000100 07000000 43000100 00000000 0800", "RTM_NEWLINK: attribute header cut short: 2 of 4 bytes")]
    [InlineData("00000100 07000000 43000100 00000000 0300 0300", "RTM_NEWLINK: attribute 3 claims 3 bytes, 4 are there")]
    [InlineData("00000100 07000000 43000100 00000000 4100 0300 61000000", "RTM_NEWLINK: attribute 3 claims 65 bytes, 8 are there")]
    [InlineData("00000100 07000000 43000100 00000000 0600 0400 dc050000", "RTM_NEWLINK: attribute 4 has 2 bytes, not 4 bytes")]
    [InlineData("00000100 07000000 43000100 00000000 0800 1200 09000100", "RTM_NEWLINK attribute 18: attribute 1 claims 9 bytes, 4 are there")]
    public void A_malformed_link_is_refused_with_the_place(string hex, string expected)
    {
        var error = Assert.Throws<NetlinkFormatException>(() => Link.Parse(new NetlinkBody(Nl.RTM_NEWLINK, Netlink.Hex(hex))));

        Assert.Equal(expected, error.Message);
    }

    [Theory]
    [InlineData("0700 0500 0a0000 00", "RTM_NEWROUTE: attribute 5 has 3 bytes, not an address of 4 or 16 bytes")]
    [InlineData("0800 1200 0200 0000", "RTM_NEWROUTE: RTA_VIA of 4 bytes")]
    [InlineData("0800 0900 08000000", "RTM_NEWROUTE: next hop cut short: 4 of 8 bytes")]
    [InlineData("0c00 0900 0700 0000 03000000", "RTM_NEWROUTE: next hop claims 7 bytes, 8 are there")]
    [InlineData("0c00 0900 ff00 0000 03000000", "RTM_NEWROUTE: next hop claims 255 bytes, 8 are there")]
    public void A_malformed_route_is_refused_with_the_place(string attributes, string expected)
    {
        var error = Assert.Throws<NetlinkFormatException>(
            () => Route.Parse(default, new NetlinkBody(Nl.RTM_NEWROUTE, Netlink.Join(Rt(type: 1), Netlink.Hex(attributes)))));

        Assert.Equal(expected, error.Message);
    }

    // Whatever the bytes: parsed, ignored or refused with a NetlinkFormatException; never another exception, never a hang.
    [Fact]
    public void Random_bytes_never_break_the_parsers()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        byte[][] good = [Netlink.Message(Nl.RTM_NEWLINK, 0, 1, GoodLink), Netlink.Message(Nl.RTM_NEWLINK, 0, 1, VlanLink(9, "v", 7, 5, "8100"))];
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = (byte[])good[round % good.Length].Clone();
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                var reader = new NetlinkReader(bytes.AsSpan(0, random.Next(bytes.Length + 1)));
                while (reader.TryRead(out var message))
                {
                    foreach (var type in new[] { Nl.RTM_NEWLINK, Nl.RTM_NEWADDR, Nl.RTM_NEWNEIGH, Nl.RTM_NEWROUTE, Nl.NLMSG_ERROR })
                    {
                        ParseAs(type, message);
                    }
                }
            }
            catch (NetlinkFormatException)
            {
                // The reader itself refused it.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed} round {round}: {e}");
            }
        }
    }

    internal static byte[] VlanLink(int index, string name, int parent, ushort id, string protocol) => Netlink.Join(
        Netlink.IfInfo(index),
        Netlink.Attribute(Nl.IFLA_IFNAME, name),
        Netlink.Attribute(Nl.IFLA_ADDRESS, 2, 0, 0, 0, 0, 9),
        Netlink.Attribute(Nl.IFLA_MTU, 1450),
        Netlink.Attribute(Nl.IFLA_LINK, (uint)parent),
        Netlink.Attribute(Nl.IFLA_LINKINFO, Netlink.Join(
            Netlink.Attribute(Nl.IFLA_INFO_KIND, "vlan"),
            Netlink.Attribute(Nl.IFLA_INFO_DATA, Netlink.Join(
                Netlink.Attribute(Nl.IFLA_VLAN_PROTOCOL, Netlink.Hex(protocol)), Netlink.Attribute(Nl.IFLA_VLAN_ID, BitConverter.GetBytes(id)))))));

    private static byte[] Rt(byte type) => [2, 16, 0, 0, 254, 3, 0, type, 0, 0, 0, 0];

    private static void ParseAs(ushort type, NetlinkMessage message)
    {
        try
        {
            var body = new NetlinkBody(type, message.Body);
            _ = type switch
            {
                Nl.RTM_NEWLINK => (object?)Link.Parse(body),
                Nl.RTM_NEWADDR => InterfaceAddress.Parse(body),
                Nl.RTM_NEWNEIGH => Neighbour.Parse(body),
                Nl.RTM_NEWROUTE => Route.Parse(default, body),
                _ => NetlinkRequests.ReadError(message),
            };
        }
        catch (NetlinkFormatException)
        {
            // Refused.
        }
    }
}
