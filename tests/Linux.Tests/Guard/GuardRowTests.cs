using SoftUnicast.Egress.Abi;
using SoftUnicast.Steering.Tests.Support;
using static SoftUnicast.Linux.Tests.Guard.GuardUnderTest;
using static SoftUnicast.Steering.Tests.Support.Build;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>Rows of packets that want to leave, and what the guard says of each.</summary>
public class GuardRowTests
{
    private const string Away = "198.51.100.9";
    private const byte UdpLite = 136;
    private static readonly Row[] Rows = [.. Links(), .. Headers(), .. Transports(), .. Echoes(), .. Errors()];

    private sealed record Row(string Name, GuardReason Reason, byte[] Frame);

    [Fact]
    public void The_guard_says_of_each_packet_what_its_row_says()
    {
        using var guard = new GuardUnderTest();
        var differences = new List<string>();
        foreach (var row in Rows)
        {
            var reason = guard.Judge(row.Frame);
            if (reason != row.Reason)
            {
                differences.Add($"{row.Name}: {reason}, not {row.Reason}");
            }
        }

        Assert.True(differences.Count == 0, $"{differences.Count} of {Rows.Length} rows differ\n{string.Join('\n', differences)}");
    }

    [Fact]
    public void Every_reason_has_a_row_that_makes_it() =>
        Assert.Empty(Enum.GetValues<GuardReason>().Except(Rows.Select(row => row.Reason)));

    [Fact]
    public void Row_names_are_unique() => Assert.Empty(Rows.GroupBy(row => row.Name).Where(group => group.Count() > 1).Select(group => group.Key));

    private static Row Says(GuardReason reason, string name, byte[] packet, params (ushort Type, ushort Vlan)[] tags) =>
        new(name, reason, Frame(packet, tags: tags));

    private static byte[] From(byte protocol, params byte[] payload) => new Ip(Shared, Away, protocol).Around(payload);

    private static IEnumerable<Row> Links()
    {
        var owned = From(6, Tcp(Owned, 443));
        var foreign = From(6, Tcp(Foreign, 443));
        yield return Says(GuardReason.Owned, "no tag, owned", owned);
        yield return Says(GuardReason.Foreign, "no tag, another server's", foreign);
        yield return Says(GuardReason.Owned, "one 802.1Q tag, owned", owned, (0x8100, 100));
        yield return Says(GuardReason.Foreign, "one 802.1Q tag, another server's", foreign, (0x8100, 100));
        yield return Says(GuardReason.Foreign, "one 802.1ad tag, another server's", foreign, (0x88a8, 100));
        yield return Says(GuardReason.Owned, "two tags, owned", owned, (0x88a8, 5), (0x8100, 100));
        yield return Says(GuardReason.Foreign, "two tags, another server's", foreign, (0x88a8, 5), (0x8100, 100));
        yield return Says(GuardReason.Unreadable, "three tags are not looked behind", owned, (0x88a8, 5), (0x8100, 100), (0x8100, 7));
        yield return new("cut inside the first tag", GuardReason.Unreadable, Frame(owned, tags: (0x8100, 100))[..17]);
        yield return new("cut inside the second tag", GuardReason.Unreadable, Frame(owned, tags: [(0x88a8, 5), (0x8100, 100)])[..21]);
        yield return new("cut inside the IPv4 header", GuardReason.Unreadable, Frame(owned, tags: (0x8100, 100))[..37]);
        yield return new("ARP passes", GuardReason.NotEgress, Frame(new byte[28], 0x0806));
        yield return new("IPv6 passes", GuardReason.NotEgress, Frame(new byte[60], 0x86dd));
        yield return new("tagged IPv6 passes", GuardReason.NotEgress, Frame(new byte[60], 0x86dd, tags: (0x8100, 100)));
        yield return new("a short frame of 802.3 passes", GuardReason.NotEgress, Frame([0x42, 0x42, 3], 3));
        yield return Says(GuardReason.NotEgress, "another source passes", new Ip("10.0.0.1", Away, 6).Around(Tcp(Foreign, 443)));
        yield return Says(GuardReason.NotEgress, "another source passes, whatever follows", new Ip("10.0.0.1", Shared, 99) { Version = 7 }.Around());
        yield return Says(GuardReason.NotEgress, "what goes to an egress address is not asked", new Ip("10.0.0.1", Shared, 6).Around(Tcp(443, Foreign)));
    }

    private static IEnumerable<Row> Headers()
    {
        var ip = new Ip(Shared, Away, 6);
        var owned = Tcp(Owned, 443, Ack, 1, 2, 3, 4);
        yield return Says(GuardReason.Unreadable, "IP version 5 (RFC 791 3.1)", (ip with { Version = 5 }).Around(owned));
        yield return Says(GuardReason.Unreadable, "IHL 4 (RFC 791 3.1)", (ip with { HeaderWords = 4 }).Around(owned));
        yield return Says(GuardReason.Unreadable, "IHL beyond the frame", (ip with { HeaderWords = 15 }).Around(owned));
        yield return Says(GuardReason.Owned, "IP options are skipped, owned", (ip with { Options = [1, 1, 1, 0] }).Around(owned));
        yield return Says(GuardReason.Foreign, "IP options are skipped, another server's", (ip with { Options = new byte[40] }).Around(Tcp(Foreign, 443)));
        yield return Says(GuardReason.Unreadable, "total length before the ports, though the frame has them", (ip with { TotalLength = 27 }).Around(owned));
        yield return Says(GuardReason.Owned, "total length behind the ports", (ip with { TotalLength = 28 }).Around(owned));
        yield return Says(GuardReason.Unreadable, "total length 0 is only for what is yet to be cut", (ip with { TotalLength = 0 }).Around(owned));
        yield return Says(GuardReason.Owned, "padding behind the total length", [.. ip.Around(owned), 0, 0, 0, 0]);
        yield return Says(GuardReason.Owned, "a first fragment has ports, owned", (ip with { MoreFragments = true }).Around(owned));
        yield return Says(GuardReason.Foreign, "a first fragment has ports, another server's", (ip with { MoreFragments = true }).Around(Tcp(Foreign, 443)));
        yield return Says(GuardReason.Fragment, "a later fragment has none (RFC 791 2.3)", (ip with { MoreFragments = true, FragmentOffset = 1 }).Around(owned));
        yield return Says(GuardReason.Fragment, "the last fragment, however short", (ip with { FragmentOffset = 0x1fff }).Around(1));
        yield return Says(GuardReason.NotEgress, "a later fragment of another source passes", new Ip("10.0.0.1", Away, 6) { FragmentOffset = 1 }.Around(owned));
        yield return Says(GuardReason.Unreadable, "an empty packet", ip.Around());
    }

    private static IEnumerable<Row> Transports()
    {
        foreach (var (name, protocol, owned, foreign, unowned) in new (string, byte, byte[], byte[], byte[])[]
        {
            ("TCP (RFC 9293 3.1)", 6, Tcp(Owned, Foreign), Tcp(Foreign, Owned), Tcp(Unowned, Owned)),
            ("UDP (RFC 768)", 17, Udp(Owned, Foreign), Udp(Foreign, Owned), Udp(Unowned, Owned)),
            ("UDP-Lite (RFC 3828)", UdpLite, Udp(Owned, Foreign), Udp(Foreign, Owned), Udp(Unowned, Owned)),
            ("SCTP (RFC 9260 3.1)", 132, Sctp(Owned, Foreign), Sctp(Foreign, Owned), Sctp(Unowned, Owned)),
        })
        {
            yield return Says(GuardReason.Owned, $"{name} by source port, owned", From(protocol, owned));
            yield return Says(GuardReason.Foreign, $"{name} by source port, another server's", From(protocol, foreign));
            yield return Says(GuardReason.Unowned, $"{name} by source port, nobody's", From(protocol, unowned));
            yield return Says(GuardReason.Unreadable, $"{name} cut at 7 bytes", From(protocol, owned[..7]));
        }

        yield return Says(GuardReason.Owned, "first port of the slice", From(17, Udp(2048, 53)));
        yield return Says(GuardReason.Owned, "last port of the slice", From(17, Udp(4095, 53)));
        yield return Says(GuardReason.Unowned, "the port before the slice", From(17, Udp(2047, 53)));
        yield return Says(GuardReason.Foreign, "the port behind the slice", From(17, Udp(4096, 53)));
        yield return Says(GuardReason.Unowned, "the same port of another address", new Ip("192.0.2.8", Away, 17).Around(Udp(Owned, 53)));
        yield return Says(GuardReason.Protocol, "DCCP", From(33, Udp(Owned, 53)));
        yield return Says(GuardReason.Protocol, "IPv4 in IPv4", From(4, From(6, Tcp(Owned, 443))));
        yield return Says(GuardReason.Protocol, "GRE", From(47, [.. GreHeader(null), .. From(6, Tcp(Owned, 443))]));
        yield return Says(GuardReason.Protocol, "ESP", From(50, Udp(Owned, 53)));
    }

    private static IEnumerable<Row> Echoes()
    {
        yield return Says(GuardReason.Owned, "echo request by identifier (RFC 6346), owned", From(1, Echo(8, Owned)));
        yield return Says(GuardReason.Foreign, "echo request by identifier, another server's", From(1, Echo(8, Foreign)));
        yield return Says(GuardReason.Unowned, "echo reply by identifier, nobody's", From(1, Echo(0, Unowned)));
        yield return Says(GuardReason.Owned, "echo reply by identifier, owned", From(1, Echo(0, Owned)));
        yield return Says(GuardReason.Unreadable, "ICMP cut at 7 bytes", From(1, Echo(8, Owned)[..7]));
        yield return Says(GuardReason.IcmpType, "timestamp request", From(1, Echo(13, Owned)));
        yield return Says(GuardReason.IcmpType, "redirect", From(1, Error(5, To(17, Udp(53, Owned)))));
        yield return Says(GuardReason.IcmpType, "source quench (RFC 6633: not sent)", From(1, Error(4, To(17, Udp(53, Owned)))));
    }

    private static byte[] To(byte protocol, params byte[] payload) => new Ip(Away, Shared, protocol).Around(payload);

    private static IEnumerable<Row> Errors()
    {
        foreach (var (name, protocol, owned, foreign) in new (string, byte, byte[], byte[])[]
        {
            ("TCP", 6, Tcp(443, Owned), Tcp(443, Foreign)),
            ("UDP", 17, Udp(53, Owned), Udp(53, Foreign)),
            ("UDP-Lite", UdpLite, Udp(53, Owned), Udp(53, Foreign)),
            ("SCTP", 132, Sctp(9, Owned), Sctp(9, Foreign)),
            ("an echo request", 1, Echo(8, Owned), Echo(8, Foreign)),
            ("an echo reply", 1, Echo(0, Owned), Echo(0, Foreign)),
        })
        {
            yield return Says(GuardReason.Owned, $"error about {name} that came to an owned port", From(1, Error(3, To(protocol, owned))));
            yield return Says(GuardReason.Foreign, $"error about {name} that came to another server's port", From(1, Error(3, To(protocol, foreign))));
        }

        var ip = new Ip(Away, Shared, 17);
        yield return Says(GuardReason.Owned, "time exceeded", From(1, Error(11, To(17, Udp(53, Owned)))));
        yield return Says(GuardReason.Owned, "parameter problem", From(1, Error(12, To(17, Udp(53, Owned)))));
        yield return Says(GuardReason.Owned, "the quoted header has options", From(1, Error(3, (ip with { Options = new byte[40] }).Around(Udp(53, Owned)))));
        yield return Says(GuardReason.Foreign, "the quoted header has options, another server's", From(1, Error(3, (ip with { Options = new byte[40] }).Around(Udp(53, Foreign)))));
        yield return Says(GuardReason.IcmpQuote, "the quoted packet came to another address", From(1, Error(3, new Ip(Away, "192.0.2.9", 17).Around(Udp(53, Owned)))));
        yield return Says(GuardReason.IcmpQuote, "the quoted packet went from here", From(1, Error(3, new Ip(Shared, Away, 17).Around(Udp(Owned, 53)))));
        yield return Says(GuardReason.IcmpQuote, "a later fragment is quoted", From(1, Error(3, (ip with { FragmentOffset = 3 }).Around(Udp(53, Owned)))));
        yield return Says(GuardReason.IcmpQuote, "a protocol without ports is quoted", From(1, Error(3, To(47, Udp(53, Owned)))));
        yield return Says(GuardReason.IcmpQuote, "an error is quoted (RFC 1122 3.2.2)", From(1, Error(3, To(1, Error(3, To(17, Udp(53, Owned)))))));
        yield return Says(GuardReason.IcmpQuote, "version 6 is quoted", From(1, Error(3, (ip with { Version = 6 }).Around(Udp(53, Owned)))));
        yield return Says(GuardReason.IcmpQuote, "nothing is quoted", From(1, Error(3)));
        yield return Says(GuardReason.IcmpQuote, "7 bytes behind the quoted header", From(1, Error(3, To(17, Udp(53, Owned)[..7]))));
        yield return Says(GuardReason.IcmpQuote, "the quote lies behind the total length", (new Ip(Shared, Away, 1) { TotalLength = 28 }).Around(Error(3, To(17, Udp(53, Owned)))));
    }
}
