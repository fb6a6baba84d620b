using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;
using static SoftUnicast.Packet.Tests.World;
using static SoftUnicast.Steering.Tests.Support.Build;

namespace SoftUnicast.Packet.Tests;

/// <summary>Packets that come out of tunnels.</summary>
internal static class TunnelRows
{
    private static readonly byte[] ForUs = Inner(Port(1));

    public static IEnumerable<Row> All() => [.. Headers(), .. Peers(), .. Gates(), .. Insides(), .. Ranks(), .. InAndOut(), .. Congestion()];

    private static byte[] Inner(int port, byte tos = 0, byte ttl = 60) => (new Ip(Internet, Closed, 6) { Tos = tos, Ttl = ttl }).Around(Tcp(443, port, Ack, 1, 2, 3));

    private static Row Decapsulates(string name, byte[] packet) => new(name, Frame(packet), Verdict.Decapsulate, Reason.Decapsulated);

    private static Row Drops(string name, Reason reason, byte[] packet, InterfaceRoles roles = InterfaceRoles.Both) =>
        new(name, Frame(packet), Verdict.Drop, reason, null, roles);

    private static Row Passes(string name, byte[] packet, InterfaceRoles roles = InterfaceRoles.Both) =>
        new(name, Frame(packet), Verdict.Pass, Reason.NotOurs, null, roles);

    /// <summary>Every tunnel header that 10.1.1.1 takes off.</summary>
    private static IEnumerable<(string Name, Func<byte[], byte[]> Wrap)> Tunnels(string from) =>
    [
        ("GUE", inner => Gue(from, Own, inner)),
        ("GRE", inner => Gre(from, Own, null, inner)),
        ("GRE with its key", inner => Gre(from, Own, Key, inner)),
        ("IPIP", inner => Ipip(from, Own, inner)),
    ];

    private static IEnumerable<Row> Headers()
    {
        var udp = new Ip(Near, Own, 17);
        var gre = new Ip(Near, Own, 47);
        yield return Decapsulates("GUE, variant 0, no options (draft-ietf-intarea-gue 3)", Gue(Near, Own, ForUs));
        yield return Drops("GUE variant 1", Reason.TunnelHeader, udp.Around(Udp(50000, 6080, [0x40, 4, 0, 0, .. ForUs])));
        yield return Drops("a GUE control message", Reason.TunnelHeader, udp.Around(Udp(50000, 6080, [0x20, 4, 0, 0, .. ForUs])));
        yield return Drops("GUE with a header length", Reason.TunnelHeader, udp.Around(Udp(50000, 6080, [0x01, 4, 0, 0, 0, 0, 0, 0, .. ForUs])));
        yield return Drops("GUE with another protocol inside", Reason.TunnelHeader, udp.Around(Udp(50000, 6080, [0, 41, 0, 0, .. ForUs])));
        yield return Drops("GUE flags", Reason.TunnelHeader, udp.Around(Udp(50000, 6080, [0, 4, 0, 1, .. ForUs])));
        yield return Drops("3 bytes of GUE", Reason.Malformed, udp.Around(Udp(50000, 6080, [0, 4, 0])));
        yield return Decapsulates("whatever the UDP checksum is (RFC 6935)", udp.Around([.. Word(50000), .. Word(6080), .. Word(12 + ForUs.Length), 0, 0, 0, 4, 0, 0, .. ForUs]));
        yield return Drops("UDP length one short", Reason.Malformed, udp.Around([.. Word(50000), .. Word(6080), .. Word(11 + ForUs.Length), 0, 0, 0, 4, 0, 0, .. ForUs]));
        yield return Drops("UDP length one too many", Reason.Malformed, udp.Around([.. Word(50000), .. Word(6080), .. Word(13 + ForUs.Length), 0, 0, 0, 4, 0, 0, .. ForUs]));
        yield return Drops("7 bytes of UDP", Reason.Malformed, udp.Around(Udp(50000, 6080)[..7]));
        yield return Decapsulates("options in the outer header", (udp with { Options = new byte[8] }).Around(Udp(50000, 6080, [0, 4, 0, 0, .. ForUs])));

        yield return Decapsulates("GRE (RFC 2784 2.1)", Gre(Near, Own, null, ForUs));
        yield return Decapsulates("GRE with the key agreed (RFC 2890 2.1)", Gre(Near, Own, Key, ForUs));
        yield return Drops("GRE with another key", Reason.TunnelKey, Gre(Near, Own, Key + 1, ForUs));
        yield return Drops("a GRE checksum", Reason.TunnelHeader, gre.Around([0x80, 0, 8, 0, 0, 0, 0, 0, .. ForUs]));
        yield return Drops("a GRE sequence number", Reason.TunnelHeader, gre.Around([0x10, 0, 8, 0, 0, 0, 0, 0, .. ForUs]));
        yield return Drops("GRE version 1 (RFC 2637)", Reason.TunnelHeader, gre.Around([0x20, 1, 8, 0, 1, 2, 3, 4, .. ForUs]));
        yield return Drops("Ethernet over GRE", Reason.TunnelHeader, gre.Around([0, 0, 0x65, 0x58, .. ForUs]));
        yield return Drops("3 bytes of GRE", Reason.Malformed, gre.Around(0, 0, 8));
        yield return Drops("a GRE key of 3 bytes", Reason.Malformed, gre.Around(0x20, 0, 8, 0, 1, 2, 3));
        yield return Drops("a GRE key of 3 bytes in a padded frame", Reason.Malformed, [.. gre.Around(0x20, 0, 8, 0, 1, 2, 3), 4, 0, 0]);
        yield return Decapsulates("IPIP (RFC 2003 3)", Ipip(Near, Own, ForUs));
        yield return Decapsulates("IPIP with padding", [.. Ipip(Near, Own, ForUs), 0, 0, 0]);
        yield return new("GUE in a frame with tags, which stay", Frame(Gue(Near, Own, ForUs), tags: [(0x88a8, 5), (0x8100, 7)]), Verdict.Decapsulate, Reason.Decapsulated);
    }

    private static IEnumerable<Row> Peers()
    {
        foreach (var stranger in new[] { "10.9.9.9", "10.1.1.3", Internet, Closed })
        {
            foreach (var (name, wrap) in Tunnels(stranger))
            {
                yield return Drops($"{name} from {stranger}, no peer", Reason.UnknownPeer, wrap(ForUs));
            }
        }

        foreach (var peer in new[] { Near, Far })
        {
            foreach (var (name, wrap) in Tunnels(peer))
            {
                yield return Decapsulates($"{name} from peer {peer}", wrap(ForUs));
            }
        }

        yield return Drops("the peer is looked at before the tunnel header", Reason.UnknownPeer, Gre(Internet, Own, Key + 1, ForUs));
    }

    private static IEnumerable<Row> Gates()
    {
        foreach (var (name, wrap) in Tunnels(Near))
        {
            yield return Drops($"{name} on an internet interface", Reason.Role, wrap(ForUs), InterfaceRoles.Internet);
            yield return new($"{name} on a backbone interface", Frame(wrap(ForUs)), Verdict.Decapsulate, Reason.Decapsulated, null, InterfaceRoles.Backbone);
        }

        yield return Decapsulates("GUE to the datacenter's endpoint", Gue(Far, OwnDatacenter, ForUs));
        yield return Passes("GRE to an endpoint that takes GUE only", Gre(Far, OwnDatacenter, null, ForUs));
        yield return Passes("IPIP to an endpoint that takes GUE only", Ipip(Far, OwnDatacenter, ForUs));
        yield return Passes("SSH to our endpoint", new Ip(Far, Own, 6).Around(Tcp(50000, 22, Syn)));
        yield return Passes("another UDP port of our endpoint", new Ip(Far, Own, 17).Around(Udp(50000, 6081, [0, 4, 0, 0, .. ForUs])));
        yield return Passes("a later fragment of UDP: of what, nobody knows", (new Ip(Far, Own, 17) { FragmentOffset = 100 }).Around(Udp(50000, 6080)));
        yield return Passes("a first fragment of other UDP", (new Ip(Far, Own, 17) { MoreFragments = true }).Around(Udp(50000, 6081)));
        yield return Drops("a first fragment of GUE", Reason.Fragment, (new Ip(Far, Own, 17) { MoreFragments = true }).Around(Udp(50000, 6080, [0, 4, 0, 0, .. ForUs])));
        yield return Drops("a first fragment of GRE", Reason.Fragment, (new Ip(Far, Own, 47) { MoreFragments = true }).Around([.. GreHeader(null), .. ForUs]));
        yield return Drops("a later fragment of GRE", Reason.Fragment, (new Ip(Far, Own, 47) { FragmentOffset = 3 }).Around([.. GreHeader(null), .. ForUs]));
        yield return Drops("a later fragment of IPIP", Reason.Fragment, (new Ip(Far, Own, 4) { FragmentOffset = 3 }).Around(ForUs));
        yield return Drops("an outer IHL of 4", Reason.Malformed, (new Ip(Far, Own, 4) { HeaderWords = 4 }).Around(ForUs));
        yield return Drops("an outer version of 6", Reason.Malformed, (new Ip(Far, Own, 4) { Version = 6 }).Around(ForUs));
        yield return Drops("an outer total length beyond the frame", Reason.Malformed, (new Ip(Far, Own, 4) { TotalLength = 21 + ForUs.Length }).Around(ForUs));
        yield return Passes("ICMP to our endpoint, malformed", (new Ip(Far, Own, 1) { HeaderWords = 4 }).Around(Echo(8, 1)));
    }

    private static IEnumerable<Row> Insides()
    {
        foreach (var (name, wrap) in Tunnels(Far))
        {
            var segment = Tcp(443, Port(1), Ack);
            var ip = new Ip(Internet, Closed, 6);
            yield return Drops($"{name}: for no egress address", Reason.InnerNotEgress, wrap(new Ip(Internet, "8.8.8.8", 6).Around(segment)));
            yield return Drops($"{name}: for a tunnel endpoint (RFC 2784 3.1)", Reason.InnerNotEgress, wrap(Gue(Far, Own, ForUs)));
            yield return Drops($"{name}: for a peer's address", Reason.InnerNotEgress, wrap(new Ip(Internet, Near, 6).Around(segment)));
            yield return Drops($"{name}: nothing inside", Reason.Malformed, wrap([]));
            yield return Drops($"{name}: 19 bytes inside", Reason.Malformed, wrap(ip.Around()[..19]));
            yield return Drops($"{name}: 19 bytes inside, and padding", Reason.Malformed, [.. wrap(ip.Around()[..19]), 9, 9, 9]);
            yield return Drops($"{name}: inner version 6", Reason.Malformed, wrap((ip with { Version = 6 }).Around(segment)));
            yield return Drops($"{name}: inner IHL 3", Reason.Malformed, wrap((ip with { HeaderWords = 3 }).Around(segment)));
            yield return Drops($"{name}: inner total length beyond the outer one", Reason.Malformed, [.. wrap((ip with { TotalLength = 42 }).Around(segment)), 9, 9, 9]);
            yield return Decapsulates($"{name}: inner total length below the outer one", wrap([.. ip.Around(segment), 1, 2, 3]));
            yield return Drops($"{name}: TCP header cut", Reason.Malformed, wrap((ip with { TotalLength = 39 }).Around(segment)));
            yield return Drops($"{name}: a later fragment inside", Reason.Fragment, wrap((ip with { FragmentOffset = 1 }).Around(segment)));
            yield return Drops($"{name}: ESP inside", Reason.Protocol, wrap((ip with { Protocol = 50 }).Around(segment)));
            yield return Drops($"{name}: ICMP redirect inside", Reason.IcmpType, wrap((ip with { Protocol = 1 }).Around(Error(5, new byte[28]))));
            yield return Drops($"{name}: a quote from elsewhere", Reason.IcmpQuote, wrap((ip with { Protocol = 1 }).Around(Error(3, new Ip(Open, Internet, 6).Around(Tcp(Port(1), 443))))));
            yield return Decapsulates($"{name}: an ICMP error with quoted options", wrap((ip with { Protocol = 1, Options = new byte[4] }).Around(Error(3, (new Ip(Closed, Internet, 17) { Options = new byte[8] }).Around(Udp(Port(1), 53))))));
            yield return Drops($"{name}: nobody's slice", Reason.Unowned, wrap(ip.Around(Tcp(443, 80))));
            yield return Drops($"{name}: a bare SYN", Reason.Opens, wrap(ip.Around(Tcp(443, Port(1), Syn))));
            yield return Decapsulates($"{name}: a bare SYN, let in", wrap((ip with { To = Open }).Around(Tcp(443, Port(1), Syn))));
            yield return Decapsulates($"{name}: an echo request, let in", wrap((ip with { To = Open, Protocol = 1 }).Around(Echo(8, Port(1)))));
            yield return Drops($"{name}: an echo request that should have been answered where it landed", Reason.Opens, wrap((ip with { To = Answers, Protocol = 1 }).Around(Echo(8, Port(1)))));
            yield return Decapsulates($"{name}: the TTL is not touched on delivery", wrap((ip with { Ttl = 1 }).Around(segment)));
        }
    }

    private static IEnumerable<Row> Ranks()
    {
        foreach (var (name, wrap) in Tunnels(Near))
        {
            yield return Drops($"{name} from this datacenter does not go on in it", Reason.Rank, wrap(Inner(PortOf(NearGue))));
            yield return Drops($"{name} from this datacenter does not go to another", Reason.Rank, wrap(Inner(PortOf(FarGue))));
        }

        foreach (var (name, wrap) in Tunnels(Far))
        {
            yield return Drops($"{name} from another datacenter does not go back over the backbone", Reason.Rank, wrap(Inner(PortOf(FarGue))));
            yield return Drops($"{name}, in transit: no next hop", Reason.Unresolved, wrap(Inner(PortOf(Unresolved))));
            yield return Drops($"{name}, in transit: TTL 1", Reason.Ttl, wrap(Inner(PortOf(NearGue), ttl: 1)));
            yield return Drops($"{name}, in transit: larger than the MTU", Reason.TooBig, wrap(new Ip(Internet, Closed, 6).Around(Tcp(443, PortOf(Narrow), Ack, new byte[29]))));
            yield return new($"{name}, in transit: exactly the MTU", Frame(wrap(new Ip(Internet, Closed, 6).Around(Tcp(443, PortOf(Narrow), Ack, new byte[28])))), Verdict.Transit, Reason.CarriedOn, Narrow);
        }
    }

    /// <summary>Every header in, every header out: as long, shorter, longer; with tags on either side.</summary>
    private static IEnumerable<Row> InAndOut()
    {
        (ushort, ushort)[][] tags = [[], [(0x8100, 9)], [(0x88a8, 5), (0x8100, 9)]];
        foreach (var (name, wrap) in Tunnels(Far))
        {
            foreach (var to in new[] { NearGue, NearGre, NearGreKey, NearIpip, Tagged, Elsewhere })
            {
                for (var count = 0; count < tags.Length; count++)
                {
                    yield return new($"{name} in, {count} tags, on to {to}", Frame([.. wrap(Inner(PortOf(to), 0x12)), 0, 0], tags: tags[count]), Verdict.Transit, Reason.CarriedOn, to);
                }
            }

            var inner = new Ip(Internet, Closed, 1);
            yield return new($"{name} in, an echo reply on", Frame(wrap(inner.Around(Echo(0, PortOf(NearGue))))), Verdict.Transit, Reason.CarriedOn, NearGue);
            yield return new($"{name} in, 6,000 bytes on", Frame(wrap((inner with { Protocol = 17 }).Around(Udp(53, PortOf(Wide), new byte[6000])))), Verdict.Transit, Reason.CarriedOn, Wide);
            yield return new($"{name} in, an outer header with options, on", Frame((new Ip(Far, Own, 4) { Options = new byte[12] }).Around(Inner(PortOf(NearGue)))), Verdict.Transit, Reason.CarriedOn, NearGue);
        }
    }

    /// <summary>RFC 6040 4.2, figure 4: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE.</summary>
    private static IEnumerable<Row> Congestion()
    {
        for (byte outside = 0; outside < 4; outside++)
        {
            for (byte inside = 0; inside < 4; inside++)
            {
                var outer = new Ip(Far, Own, 4) { Tos = (byte)(0xb8 | outside) };
                var lost = outside == 3 && inside == 0;
                yield return new(
                    $"RFC 6040 4.2: {outside} outside, {inside} inside, delivered",
                    Frame(outer.Around(Inner(Port(1), (byte)(0x28 | inside)))),
                    lost ? Verdict.Drop : Verdict.Decapsulate,
                    lost ? Reason.Ecn : Reason.Decapsulated);
                yield return new(
                    $"RFC 6040 4.2: {outside} outside, {inside} inside, carried on",
                    Frame(outer.Around(Inner(PortOf(NearGue), (byte)(0x28 | inside)))),
                    lost ? Verdict.Drop : Verdict.Transit,
                    lost ? Reason.Ecn : Reason.CarriedOn,
                    lost ? null : NearGue);
            }
        }
    }
}
