using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;
using static SoftUnicast.Packet.Tests.World;
using static SoftUnicast.Steering.Tests.Support.Build;

namespace SoftUnicast.Packet.Tests;

/// <summary>
/// Packets on either side of what <c>bpf/straight.h</c> takes for plain: the last that go the straight way, the first that go
/// through the layers. Rows of other files that are such an edge are not repeated.
/// </summary>
internal static class PlainRows
{
    private static readonly int GuePort = PortOf(NearGue);

    public static IEnumerable<Row> All() => [.. Native(), .. Inner(), .. Outer(), .. Congestion()];

    private static Row Steers(string name, byte[] packet, SteeringEndpoint? to = null) =>
        new(name, Frame(packet), Verdict.Steer, Reason.Steered, to ?? NearGue);

    private static Row Delivers(string name, byte[] packet) => new(name, Frame(packet), Verdict.Pass, Reason.Delivered);

    private static Row Drops(string name, Reason reason, byte[] packet) => new(name, Frame(packet), Verdict.Drop, reason);

    private static IEnumerable<Row> Native()
    {
        var tcp = new Ip(Internet, Closed, 6);
        var udp = new Ip(Internet, Closed, 17);
        for (var bytes = 11; bytes <= 12; bytes++)
        {
            yield return Steers($"plain: UDP with {bytes} bytes of data", udp.Around(Udp(53, GuePort, new byte[bytes])));
            yield return Delivers($"plain: UDP with {bytes} bytes of data, here", udp.Around(Udp(53, Port(1), new byte[bytes])));
        }

        yield return Steers("plain: UDP that promises less than TCP would need, padded", [.. udp.Around(Udp(53, GuePort)), .. new byte[12]]);
        yield return Drops("plain: TCP that promises one byte less than its header, padded", Reason.Malformed, [.. tcp.Around(Tcp(443, GuePort)[..19]), 0]);
        yield return Steers("plain: UDP to GUE's port of an egress address is no tunnel", udp.Around(Udp(53, 6080, new byte[60])), NearGue);
        yield return Steers("plain: TCP to GUE's port", tcp.Around(Tcp(443, 6080, Ack, new byte[60])), NearGue);
        yield return Steers("plain: may be fragmented", WithFlags(tcp.Around(Tcp(443, GuePort)), 0x00));
        yield return Steers("plain: must not be fragmented", WithFlags(tcp.Around(Tcp(443, GuePort)), 0x40));
        yield return Steers("plain: the reserved flag (RFC 3514)", WithFlags(tcp.Around(Tcp(443, GuePort)), 0x80));
        yield return Steers("plain: a first fragment of UDP", WithFlags(udp.Around(Udp(53, GuePort, new byte[16])), 0x20));
        yield return Delivers("plain: a first fragment, here", WithFlags(udp.Around(Udp(53, Port(1), new byte[16])), 0x20));
        yield return Delivers("plain: options, here", (tcp with { Options = new byte[4] }).Around(Tcp(443, Port(1))));
        yield return Drops("plain: a later fragment of UDP", Reason.Fragment, (udp with { FragmentOffset = 1 }).Around(Udp(53, GuePort, new byte[16])));
        yield return Drops("plain: nobody's slice", Reason.Unowned, tcp.Around(Tcp(443, 80)));
        yield return Steers("plain: a SYN that a UDP packet only seems to have", udp.Around(Udp(53, GuePort, 0, 0, 0, 0, 0, Syn, 0, 0, 0, 0, 0, 0)));
        yield return new("plain: for a peer, malformed, is not ours", Frame((tcp with { To = Near, TotalLength = 1000 }).Around(Tcp(443, 80))), Verdict.Pass, Reason.NotOurs);
        yield return new("plain: UDP for our endpoint", Frame((udp with { To = Own }).Around(Udp(53, 53, new byte[12]))), Verdict.Pass, Reason.NotOurs);
        yield return Drops("plain: UDP for our endpoint, one byte short", Reason.Malformed, (udp with { To = Own }).Around(Udp(53, 53, new byte[12]))[..^1]);
        yield return new("plain: TCP for our endpoint, one byte short", Frame((tcp with { To = Own }).Around(Tcp(443, 22, Ack, 1, 2))[..^1]), Verdict.Pass, Reason.NotOurs);
    }

    /// <summary>What lies in a GUE packet.</summary>
    private static IEnumerable<Row> Inner()
    {
        foreach (var (what, port, verdict, reason, to) in new[]
        {
            ("here", Port(1), Verdict.Decapsulate, Reason.Decapsulated, (SteeringEndpoint?)null),
            ("on", GuePort, Verdict.Transit, Reason.CarriedOn, NearGue),
        })
        {
            var tcp = new Ip(Internet, Closed, 6);
            var udp = new Ip(Internet, Closed, 17);
            Row Goes(string name, byte[] inner) => new($"plain in GUE, {what}: {name}", Frame(Gue(Far, Own, inner)), verdict, reason, to);
            yield return Goes("TCP", tcp.Around(Tcp(443, port)));
            yield return Goes("UDP with 11 bytes of data", udp.Around(Udp(53, port, new byte[11])));
            yield return Goes("UDP with 12 bytes of data", udp.Around(Udp(53, port, new byte[12])));
            yield return Goes("UDP that promises less, padded", [.. udp.Around(Udp(53, port)), .. new byte[12]]);
            yield return Goes("options", (tcp with { Options = new byte[4] }).Around(Tcp(443, port)));
            yield return Goes("a first fragment", WithFlags(tcp.Around(Tcp(443, port)), 0x20));
            yield return Goes("the reserved flag (RFC 3514)", WithFlags(tcp.Around(Tcp(443, port)), 0x80));
            yield return Goes("must not be fragmented", WithFlags(tcp.Around(Tcp(443, port)), 0x40));
            yield return Goes("SYN and ACK", tcp.Around(Tcp(443, port, Syn | Ack)));
            yield return Goes("a bare SYN, let in", (tcp with { To = Open }).Around(Tcp(443, port, Syn)));
            yield return Goes("SCTP", (tcp with { Protocol = 132 }).Around(Sctp(9, port)));
            yield return Goes("a TOS of its own", (tcp with { Tos = 0xb9 }).Around(Tcp(443, port)));
            yield return Goes("from the same address and port as the tunnel", (udp with { From = Far }).Around(Udp(50000, port, new byte[12])));
        }

        var segment = new Ip(Internet, Closed, 6).Around(Tcp(443, GuePort, Ack, 1, 2));
        yield return Drops("plain in GUE: one byte short", Reason.Malformed, Gue(Far, Own, segment)[..^1]);
        yield return Drops("plain in GUE: one byte more promised inside than outside", Reason.Malformed, Gue(Far, Own, (new Ip(Internet, Closed, 6) { TotalLength = 43 }).Around(Tcp(443, GuePort, Ack, 1, 2))));
        yield return new("plain in GUE: TTL 2, on", Frame(Gue(Far, Own, (new Ip(Internet, Closed, 6) { Ttl = 2 }).Around(Tcp(443, GuePort)))), Verdict.Transit, Reason.CarriedOn, NearGue);
    }

    /// <summary>The tunnel's own headers.</summary>
    private static IEnumerable<Row> Outer()
    {
        var inner = new Ip(Internet, Closed, 6).Around(Tcp(443, GuePort, Ack, 1, 2));
        Row Goes(string name, byte[] packet) => new($"plain GUE, {name}", Frame(packet), Verdict.Transit, Reason.CarriedOn, NearGue);
        yield return Goes("to the datacenter's endpoint", Gue(Far, OwnDatacenter, inner));
        yield return Goes("that must not be fragmented", WithFlags(Gue(Far, Own, inner), 0x40));
        yield return Goes("with the reserved flag (RFC 3514)", WithFlags(Gue(Far, Own, inner), 0x80));
        yield return Goes("its TTL used up", (new Ip(Far, Own, 17) { Ttl = 1 }).Around(Udp(50000, 6080, [0, 4, 0, 0, .. inner])));
        yield return Goes("with options", (new Ip(Far, Own, 17) { Options = new byte[4] }).Around(Udp(50000, 6080, [0, 4, 0, 0, .. inner])));
        yield return Goes("in a frame with padding", [.. Gue(Far, Own, inner), 0, 0, 0]);
        yield return Goes("longer than what is in it", Gue(Far, Own, [.. inner, 0, 0, 0]));
        yield return Drops("plain GUE, UDP length one short", Reason.Malformed, WithUdpLength(Gue(Far, Own, inner), 12 + inner.Length - 1));
        yield return Drops("plain GUE, UDP length one too many", Reason.Malformed, WithUdpLength(Gue(Far, Own, inner), 12 + inner.Length + 1));
        yield return Drops("plain GUE, a first fragment of it", Reason.Fragment, WithFlags(Gue(Far, Own, inner), 0x20));
        yield return Drops("plain GUE from nowhere", Reason.UnknownPeer, Gue("10.9.9.9", Own, inner));
        yield return new("plain GUE on an internet interface", Frame(Gue(Far, Own, inner)), Verdict.Drop, Reason.Role, null, InterfaceRoles.Internet);
        yield return new("plain GUE on a backbone interface", Frame(Gue(Far, Own, inner)), Verdict.Transit, Reason.CarriedOn, NearGue, InterfaceRoles.Backbone);
    }

    /// <summary>RFC 6040 4.2, figure 4, by GUE: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE.</summary>
    private static IEnumerable<Row> Congestion()
    {
        for (byte outside = 0; outside < 4; outside++)
        {
            for (byte inside = 0; inside < 4; inside++)
            {
                var lost = outside == 3 && inside == 0;
                byte[] In(int port) => (new Ip(Far, Own, 17) { Tos = (byte)(0xb8 | outside) })
                    .Around(Udp(50000, 6080, [0, 4, 0, 0, .. (new Ip(Internet, Closed, 6) { Tos = (byte)(0x28 | inside) }).Around(Tcp(443, port))]));
                yield return new(
                    $"plain GUE, ECN {outside} outside, {inside} inside, here",
                    Frame(In(Port(1))),
                    lost ? Verdict.Drop : Verdict.Decapsulate,
                    lost ? Reason.Ecn : Reason.Decapsulated);
                yield return new(
                    $"plain GUE, ECN {outside} outside, {inside} inside, on",
                    Frame(In(GuePort)),
                    lost ? Verdict.Drop : Verdict.Transit,
                    lost ? Reason.Ecn : Reason.CarriedOn,
                    lost ? null : NearGue);
            }
        }
    }

    private static byte[] WithFlags(byte[] packet, byte flags)
    {
        packet[6] = flags;
        return packet;
    }

    private static byte[] WithUdpLength(byte[] packet, int length)
    {
        Word(length).CopyTo(packet, 24);
        return packet;
    }
}
