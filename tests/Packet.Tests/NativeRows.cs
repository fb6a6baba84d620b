using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;
using static SoftUnicast.Packet.Tests.World;
using static SoftUnicast.Steering.Tests.Support.Build;

namespace SoftUnicast.Packet.Tests;

/// <summary>Packets that come without a tunnel.</summary>
internal static class NativeRows
{
    private const ushort CustomerTag = 0x8100;
    private const ushort ServiceTag = 0x88a8;

    /// <summary>The first of the slice of <see cref="NearGue"/>.</summary>
    private static readonly int GuePort = PortOf(NearGue);
    private static readonly byte[] Segment = Tcp(443, GuePort, Ack, 1, 2, 3, 4, 5);

    public static IEnumerable<Row> All() => [.. Links(), .. Sizes(), .. Transports(), .. Errors(), .. Openings(), .. Sending()];

    private static Row Passes(string name, Reason reason, byte[] frame, InterfaceRoles roles = InterfaceRoles.Both) =>
        new(name, frame, Verdict.Pass, reason, null, roles);

    private static Row Drops(string name, Reason reason, byte[] packet, InterfaceRoles roles = InterfaceRoles.Both) =>
        new(name, Frame(packet), Verdict.Drop, reason, null, roles);

    private static Row Steers(string name, byte[] packet, SteeringEndpoint? to = null) =>
        new(name, Frame(packet), Verdict.Steer, Reason.Steered, to ?? NearGue);

    private static byte[] ToClosed(byte protocol, params byte[] payload) => new Ip(Internet, Closed, protocol).Around(payload);

    private static IEnumerable<Row> Links()
    {
        var packet = ToClosed(6, Segment);
        yield return new("no tag", Frame(packet), Verdict.Steer, Reason.Steered, NearGue);
        yield return new("one 802.1Q tag is taken off", Frame(packet, tags: (CustomerTag, 100)), Verdict.Steer, Reason.Steered, NearGue);
        yield return new("one 802.1ad tag is taken off", Frame(packet, tags: (ServiceTag, 100)), Verdict.Steer, Reason.Steered, NearGue);
        yield return new("two tags are taken off", Frame(packet, tags: [(ServiceTag, 5), (CustomerTag, 100)]), Verdict.Steer, Reason.Steered, NearGue);
        yield return Passes("three tags are not ours", Reason.NotOurs, Frame(packet, tags: [(ServiceTag, 5), (CustomerTag, 100), (CustomerTag, 7)]));
        yield return Passes("cut inside the first tag", Reason.Unreadable, Frame(packet, tags: (CustomerTag, 100))[..16]);
        yield return Passes("cut inside the second tag", Reason.Unreadable, Frame(packet, tags: [(ServiceTag, 5), (CustomerTag, 100)])[..20]);
        yield return Passes("cut inside the IPv4 header", Reason.Unreadable, Frame(packet)[..33]);
        yield return Passes("ARP passes", Reason.NotOurs, Frame(new byte[28], 0x0806));
        yield return Passes("IPv6 passes", Reason.NotOurs, Frame(new byte[60], 0x86dd));
        yield return Passes("a frame to another station passes", Reason.NotOurs, Frame(packet, to: [0x02, 0, 0, 0, 0, 0x02]));
        yield return Passes("a broadcast passes", Reason.NotOurs, Frame(packet, to: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
        yield return Passes("an interface without a role passes all", Reason.NotOurs, Frame(packet), InterfaceRoles.None);
        yield return Passes("another address passes", Reason.NotOurs, Frame(new Ip(Internet, "8.8.8.8", 6).Around(Segment)));
        yield return Passes("a peer's address is no egress address", Reason.NotOurs, Frame(new Ip(Internet, Near, 6).Around(Segment)));
        yield return Drops("an egress address on a backbone interface", Reason.Role, packet, InterfaceRoles.Backbone);
        yield return new("an egress address on an internet interface", Frame(packet), Verdict.Steer, Reason.Steered, NearGue, InterfaceRoles.Internet);
    }

    private static IEnumerable<Row> Sizes()
    {
        var ip = new Ip(Internet, Closed, 6);
        yield return Steers("padding behind the total length travels along", [.. ip.Around(Segment), 0, 0, 0, 9, 9]);
        yield return Drops("IP version 5 (RFC 791 3.1)", Reason.Malformed, (ip with { Version = 5 }).Around(Segment));
        yield return Drops("IHL 4 (RFC 791 3.1)", Reason.Malformed, (ip with { HeaderWords = 4 }).Around(Segment));
        yield return Drops("IHL beyond the frame", Reason.Malformed, (ip with { HeaderWords = 15, TotalLength = 60 }).Around(Tcp(1, GuePort)));
        yield return Drops("total length below the header", Reason.Malformed, (ip with { TotalLength = 19 }).Around(Segment));
        yield return Drops("total length beyond the frame", Reason.Malformed, (ip with { TotalLength = 46 }).Around(Segment));
        yield return Steers("total length exactly the frame", (ip with { TotalLength = 45 }).Around(Segment));
        yield return Drops("total length cuts the TCP header, though the frame has it", Reason.Malformed, (ip with { TotalLength = 39 }).Around(Segment));
        yield return Steers("IP options are skipped (RFC 791 3.1)", (ip with { Options = [1, 1, 1, 1, 1, 1, 1, 0] }).Around(Segment));
        yield return Steers("40 bytes of IP options", (ip with { Options = new byte[40] }).Around(Segment));
        yield return Steers("a first fragment has ports", (ip with { MoreFragments = true }).Around(Segment));
        yield return Drops("a later fragment has none (RFC 791 2.3)", Reason.Fragment, (ip with { FragmentOffset = 1, MoreFragments = true }).Around(Segment));
        yield return Drops("the last fragment", Reason.Fragment, (ip with { FragmentOffset = 0x1fff }).Around(Segment));
        yield return Drops("an empty packet", Reason.Malformed, ip.Around());
    }

    private static IEnumerable<Row> Transports()
    {
        yield return Steers("TCP by destination port (RFC 9293 3.1)", ToClosed(6, Tcp(443, GuePort)));
        yield return Drops("TCP cut at 19 bytes", Reason.Malformed, ToClosed(6, Tcp(443, GuePort)[..19]));
        yield return Steers("UDP by destination port (RFC 768)", ToClosed(17, Udp(53, GuePort)));
        yield return Drops("UDP cut at 7 bytes", Reason.Malformed, ToClosed(17, Udp(53, GuePort)[..7]));
        yield return Steers("SCTP by destination port (RFC 9260 3.1)", ToClosed(132, Sctp(9, GuePort)));
        yield return Steers("SCTP without a chunk", ToClosed(132, Sctp(9, GuePort, null)));
        yield return Drops("SCTP cut at 11 bytes", Reason.Malformed, ToClosed(132, Sctp(9, GuePort)[..11]));
        yield return Steers("an echo reply by its identifier (RFC 5508 3.1)", ToClosed(1, Echo(0, GuePort, 1, 2)));
        yield return Drops("ICMP cut at 7 bytes", Reason.Malformed, ToClosed(1, Echo(0, GuePort)[..7]));
        yield return Drops("ICMP redirect", Reason.IcmpType, ToClosed(1, Error(5, new byte[28])));
        yield return Drops("ICMP timestamp", Reason.IcmpType, ToClosed(1, Echo(13, GuePort, new byte[12])));
        yield return Drops("GRE to an egress address", Reason.Protocol, ToClosed(47, GreHeader(null)));
        yield return Drops("UDP-Lite", Reason.Protocol, ToClosed(136, Udp(53, GuePort)));
        yield return Drops("the first port of slice 0", Reason.Unowned, ToClosed(6, Tcp(443, 0)));
        yield return Drops("the last port of slice 0", Reason.Unowned, ToClosed(6, Tcp(443, 2047)));
        yield return Passes("the first port of our slice", Reason.Delivered, Frame(ToClosed(6, Tcp(443, 2048))));
        yield return Passes("the last port of our slice", Reason.Delivered, Frame(ToClosed(6, Tcp(443, 4095)), tags: (CustomerTag, 100)));
        yield return Steers("the first port of the next slice", ToClosed(6, Tcp(443, 4096)));
        yield return Drops("an address of the /24 that nobody has", Reason.Unowned, new Ip(Internet, "192.0.2.8", 6).Around(Segment));
    }

    private static IEnumerable<Row> Errors()
    {
        var sent = new Ip(Closed, Internet, 6) { Ttl = 1 };
        foreach (var (type, what) in new[] { ((byte)3, "unreachable"), ((byte)11, "time exceeded"), ((byte)12, "parameter problem") })
        {
            yield return Steers($"ICMP {what} by the quoted source port (RFC 5508 4.2)", ToClosed(1, Error(type, sent.Around(Tcp(GuePort, 443)))));
        }

        yield return Steers("8 quoted bytes suffice (RFC 792)", ToClosed(1, Error(3, (sent with { TotalLength = 40 }).Around(Tcp(GuePort, 443)[..8]))));
        yield return Drops("7 quoted bytes do not", Reason.IcmpQuote, ToClosed(1, Error(3, (sent with { TotalLength = 40 }).Around(Tcp(GuePort, 443)[..7]))));
        yield return Steers("quoted IP options are skipped", ToClosed(1, Error(3, (sent with { Options = [7, 7, 4, 0, 0, 0, 0, 0] }).Around(Tcp(GuePort, 443)[..8]))));
        yield return Drops("quoted options without 8 bytes behind", Reason.IcmpQuote, ToClosed(1, Error(3, (sent with { Options = [7, 7, 4, 0, 0, 0, 0, 0] }).Around(Tcp(GuePort, 443)[..7]))));
        yield return Steers("options outside and inside", (new Ip(Internet, Closed, 1) { Options = new byte[12] }).Around(Error(11, (sent with { Options = new byte[40] }).Around(Udp(GuePort, 53)))));
        yield return Drops("19 quoted bytes", Reason.IcmpQuote, ToClosed(1, Error(3, sent.Around()[..19])));
        yield return Drops("no quote", Reason.IcmpQuote, ToClosed(1, Error(3)));
        yield return Drops("a quoted packet from another address (RFC 5508 4.2)", Reason.IcmpQuote, ToClosed(1, Error(3, (sent with { From = Open }).Around(Tcp(GuePort, 443)))));
        yield return Drops("a quoted later fragment", Reason.IcmpQuote, ToClosed(1, Error(3, (sent with { FragmentOffset = 185 }).Around(Tcp(GuePort, 443)))));
        yield return Steers("a quoted first fragment", ToClosed(1, Error(3, (sent with { MoreFragments = true }).Around(Tcp(GuePort, 443)))));
        yield return Drops("a quoted version 6", Reason.IcmpQuote, ToClosed(1, Error(3, (sent with { Version = 6 }).Around(Tcp(GuePort, 443)))));
        yield return Drops("a quoted IHL of 4", Reason.IcmpQuote, ToClosed(1, Error(3, (sent with { HeaderWords = 4 }).Around(Tcp(GuePort, 443)))));
        yield return Drops("a quoted ESP packet", Reason.IcmpQuote, ToClosed(1, Error(3, (sent with { Protocol = 50 }).Around(Tcp(GuePort, 443)))));
        yield return Steers("a quoted UDP packet", ToClosed(1, Error(3, (sent with { Protocol = 17 }).Around(Udp(GuePort, 53)))));
        yield return Steers("a quoted SCTP packet", ToClosed(1, Error(3, (sent with { Protocol = 132 }).Around(Sctp(GuePort, 9)))));
        yield return Steers("a quoted echo request by its identifier", ToClosed(1, Error(11, (sent with { Protocol = 1 }).Around(Echo(8, GuePort)))));
        yield return Steers("a quoted echo reply by its identifier", ToClosed(1, Error(11, (sent with { Protocol = 1 }).Around(Echo(0, GuePort)))));
        yield return Drops("a quoted ICMP error (RFC 1122 3.2.2)", Reason.IcmpQuote, ToClosed(1, Error(11, (sent with { Protocol = 1 }).Around(Error(3)))));
        yield return Passes("an error for our own slice", Reason.Delivered, Frame(ToClosed(1, Error(3, sent.Around(Tcp(Port(1), 443))))));
        yield return Drops("an error for nobody's slice", Reason.Unowned, ToClosed(1, Error(3, sent.Around(Tcp(80, 443)))));
    }

    private static IEnumerable<Row> Openings()
    {
        yield return Drops("a bare SYN is dropped (RFC 9293 3.5)", Reason.Opens, ToClosed(6, Tcp(443, GuePort, Syn)));
        yield return Drops("SYN with ECE and CWR is as bare (RFC 3168 6.1.1)", Reason.Opens, ToClosed(6, Tcp(443, GuePort, Syn | 0xc0)));
        yield return Drops("SYN and FIN too", Reason.Opens, ToClosed(6, Tcp(443, GuePort, Syn | 1)));
        yield return Steers("SYN and ACK answers one of ours", ToClosed(6, Tcp(443, GuePort, Syn | Ack)));
        yield return Steers("RST goes to the owner", ToClosed(6, Tcp(443, GuePort, 4)));
        yield return Drops("an SCTP INIT is dropped (RFC 9260 3.3.2)", Reason.Opens, ToClosed(132, Sctp(9, GuePort, Init)));
        yield return Drops("an SCTP INIT of which one byte is there", Reason.Opens, ToClosed(132, Sctp(9, GuePort, Init)[..13]));
        yield return Steers("an SCTP INIT ACK is not", ToClosed(132, Sctp(9, GuePort, 2)));
        yield return Drops("a bare SYN to our own slice is dropped too", Reason.Opens, ToClosed(6, Tcp(443, Port(1), Syn)));
        yield return Drops("an echo request is dropped", Reason.Opens, ToClosed(1, Echo(8, GuePort)));

        var open = new Ip(Internet, Open, 6);
        yield return Steers("a bare SYN, let in", open.Around(Tcp(443, GuePort, Syn)));
        yield return Passes("a bare SYN, let in, to our own slice", Reason.Delivered, Frame(open.Around(Tcp(443, Port(1), Syn))));
        yield return Drops("a bare SYN, let in, to nobody", Reason.Unowned, open.Around(Tcp(443, 80, Syn)));
        yield return Steers("an SCTP INIT, let in", (open with { Protocol = 132 }).Around(Sctp(9, GuePort, Init)));
        yield return Steers("an echo request, let in, by its identifier", (open with { Protocol = 1 }).Around(Echo(8, GuePort, 7, 7)));

        var answers = new Ip(Internet, Answers, 1) { Ttl = 3, Tos = 0x20 };
        var request = Echo(8, GuePort, 1, 2, 3);
        yield return Answered("an echo request is answered where it lands (RFC 1122 3.2.2.6)", answers.Around(request));
        yield return Answered("whoever owns its identifier", answers.Around(Echo(8, 80)));
        yield return Answered("an echo request with padding", [.. answers.Around(request), 0, 0, 0]);
        yield return new("an echo request with its tags", Frame(answers.Around(request), tags: [(ServiceTag, 5), (CustomerTag, 100)]), Verdict.Answer, Reason.EchoAnswered);
        yield return Answered("with an ICMP checksum of ffff", answers.Around([8, 0, 0xff, 0xff, .. Word(GuePort), 0, 1]));
        yield return Answered("with an IP checksum of 0001", (answers with { Checksum = 1 }).Around(request));
        yield return Drops("a fragmented echo request is not answered", Reason.Fragment, (answers with { MoreFragments = true }).Around(request));
        yield return Drops("one with IP options neither", Reason.Opens, (answers with { Options = new byte[4] }).Around(request));
        yield return Drops("nor a SYN to the pool that answers echo", Reason.Opens, (answers with { Protocol = 6 }).Around(Tcp(443, GuePort, Syn)));
    }

    private static Row Answered(string name, byte[] packet) => new(name, Frame(packet), Verdict.Answer, Reason.EchoAnswered);

    private static IEnumerable<Row> Sending()
    {
        foreach (var to in new[] { NearGue, NearGre, NearGreKey, NearIpip, Tagged, Elsewhere, FarGue, FarGre, FarGreKey, FarIpip })
        {
            yield return Steers($"into {to}", ToClosed(6, Tcp(443, PortOf(to), Ack, 9, 8, 7)), to);
            yield return new($"into {to}, out of two tags", Frame(ToClosed(17, Udp(53, PortOf(to), 9)), tags: [(ServiceTag, 5), (CustomerTag, 100)]), Verdict.Steer, Reason.Steered, to);
        }

        yield return Drops("no next hop", Reason.Unresolved, ToClosed(6, Tcp(443, PortOf(Unresolved))));
        var ip = new Ip(Internet, Closed, 6);
        yield return Steers("TTL 2 is enough (RFC 2003 3.1)", (ip with { Ttl = 2 }).Around(Segment));
        yield return Drops("TTL 1 is not", Reason.Ttl, (ip with { Ttl = 1 }).Around(Segment));
        yield return Drops("TTL 0 is not", Reason.Ttl, (ip with { Ttl = 0 }).Around(Segment));
        yield return Passes("TTL 1 is delivered here", Reason.Delivered, Frame((ip with { Ttl = 1 }).Around(Tcp(443, Port(1)))));
        foreach (var checksum in new ushort[] { 0x0001, 0xfeff, 0xfefe, 0xff00, 0xffff, 0xfe00 })
        {
            yield return Steers($"IP checksum {checksum:x4} with the TTL one lower (RFC 1624 3)", (ip with { Checksum = checksum }).Around(Segment));
        }

        yield return Steers("TOS and ECN are copied outside (RFC 6040 4.1)", (ip with { Tos = 0xbb }).Around(Segment));
        yield return Steers("exactly the MTU: 68 and 32 bytes", ToClosed(6, Tcp(443, PortOf(Narrow), Ack, new byte[28])), Narrow);
        yield return Drops("one byte more than the MTU", Reason.TooBig, ToClosed(6, Tcp(443, PortOf(Narrow), Ack, new byte[29])));
        yield return Steers("padding does not count for the MTU", [.. ToClosed(6, Tcp(443, PortOf(Narrow), Ack, new byte[28])), .. new byte[10]], Narrow);
        yield return Steers("8,000 bytes into a wide tunnel", ToClosed(6, Tcp(443, PortOf(Wide), Ack, new byte[8000 - 40])), Wide);
        yield return Steers("exactly 9,000 bytes outside", ToClosed(6, Tcp(443, PortOf(Wide), Ack, new byte[9000 - 32 - 40])), Wide);
        yield return Drops("9,001 bytes outside", Reason.TooBig, ToClosed(6, Tcp(443, PortOf(Wide), Ack, new byte[9001 - 32 - 40])));
        yield return Drops("a large frame whose total length is larger still", Reason.Malformed, (ip with { TotalLength = 8041 }).Around(Tcp(443, PortOf(Wide), Ack, new byte[8000])));
    }
}
