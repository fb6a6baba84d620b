using SoftUnicast.Control.Commands;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Tests.Commands;

public sealed class ParserTests
{
    public static TheoryData<string, object> Good => new()
    {
        { "show status", new ShowStatus() },
        { "SHOW Status", new ShowStatus() },
        { "\tshow   status  ", new ShowStatus() },
        { "sh st", new ShowStatus() },
        { "s st", new ShowStatus() },
        { "sh sl", new ShowSlices(null, null) },
        { "sh slices", new ShowSlices(null, null) },
        { "sh sl pool us-general", new ShowSlices("us-general", null) },
        { "sh sl s ams-1 p us-general", new ShowSlices("us-general", "ams-1") },
        { "show slice for 192.0.2.1:5000", new ShowSliceFor(IpAddress.Parse("192.0.2.1"), 5000) },
        { "sh sl f [2001:db8::1]:5000", new ShowSliceFor(IpAddress.Parse("2001:db8::1"), 5000) },
        { "show bgp", new ShowBgp() },
        { "sh pr", new ShowPrefixes() },
        { "sh t", new ShowTunnels() },
        { "sh dr", new ShowDrops() },
        { "sh di", new ShowDispatch() },
        { "sh bi la www", new ShowBindings(Label.Parse("www")) },
        { "bi www t 192.0.2.7 443", new Bind(Binding.TryParse("www", "tcp", "192.0.2.7/32", "443", out _)!) },
        { "unb www udp 2001:db8::/32 any", new Unbind(Binding.TryParse("www", "udp", "2001:db8::/32", "any", out _)!) },
        { "reg www exact replace", new Register(Label.Parse("www"), true, true) },
        { "unr www cookie 17", new Unregister(Label.Parse("www"), 17) },
        { "sh h", new ShowHost() },
        { "sh po", new ShowPools() },
        { "sh l", new ShowLeases() },
        { "sh g", new ShowGuard() },
        { "enroll 4711 pool us-general", new Enroll(4711, SliceChoice.OfPool("us-general"), null) },
        { "enroll 4711 pool us-general path /system.slice/a.service", new Enroll(4711, SliceChoice.OfPool("us-general"), "/system.slice/a.service") },
        { "enroll 4711 tag country=US path /a", new Enroll(4711, SliceChoice.Tagged(new Tag("country", "US")), "/a") },
        { "leave 4711", new Leave(4711) },
        { "lease pool us-general", new Lease(SliceChoice.OfPool("us-general"), LeaseKind.Range) },
        { "lease tag country=US product=cdn", new Lease(SliceChoice.Tagged(new Tag("country", "US"), new Tag("product", "cdn")), LeaseKind.Range) },
        { "lease tag country=US product=cdn kind explicit", new Lease(SliceChoice.Tagged(new Tag("country", "US"), new Tag("product", "cdn")), LeaseKind.Explicit) },
        { "lease p us-general k e", new Lease(SliceChoice.OfPool("us-general"), LeaseKind.Explicit) },
        { "renew 17", new Renew("17") },
        { "release 17", new Release("17") },
        { "hold 17 to 203.0.113.9:53", new Hold("17", IpAddress.Parse("203.0.113.9"), 53) },
        { "bound 17-3", new Bound("17-3") },
        { "drain slice 192.0.2.1:2048", new Drain(DrainScope.Slice, IpAddress.Parse("192.0.2.1"), 2048, false) },
        { "drain address 192.0.2.1", new Drain(DrainScope.Address, IpAddress.Parse("192.0.2.1"), null, false) },
        { "drain server", new Drain(DrainScope.Server, null, null, false) },
        { "undrain slice 192.0.2.1:2048", new Drain(DrainScope.Slice, IpAddress.Parse("192.0.2.1"), 2048, true) },
        { "undrain server", new Drain(DrainScope.Server, null, null, true) },
        { "who 192.0.2.7:5123", new Who(IpAddress.Parse("192.0.2.7"), 5123, null) },
        { "who 192.0.2.7:5123 2026-11-22T12:00:00Z", new Who(IpAddress.Parse("192.0.2.7"), 5123, new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero)) },
        { "who 192.0.2.7:5123 at 2026-11-22T13:00:00.5+01:00", new Who(IpAddress.Parse("192.0.2.7"), 5123, new DateTimeOffset(2026, 11, 22, 12, 0, 0, 500, TimeSpan.Zero)) },
        { "exec --pool us-general -- curl", new LocalCommand("exec") },
        { "unit-dropin proxy.service", new LocalCommand("unit-dropin") },
        { "verify-log /var/lib/softunicast/attribution", new LocalCommand("verify-log") },
        { "show naming", new ShowNaming() },
        { "sh n", new ShowNaming() },
        { "sh a", new ShowAgility() },
        { "trace query www.example.com", new TraceQuery("www.example.com", AddressTypes.A) },
        { "tr q *.Example_1.com. a", new TraceQuery("*.Example_1.com.", AddressTypes.A) },
        { "trace query www.example.com aaaa", new TraceQuery("www.example.com", AddressTypes.Aaaa) },
        { "trace query www.example.com aa", new TraceQuery("www.example.com", AddressTypes.Aaaa) },
        { "agility move cdn to one", new AgilityMove("cdn", "one") },
        { "ag m cdn t one", new AgilityMove("cdn", "one") },
        { "agility end cdn", new AgilityEnd("cdn") },
        { "agility drain twenty", new AgilityDrain("twenty", false) },
        { "agility undrain twenty", new AgilityDrain("twenty", true) },
        { "naming dnsdist-config /etc/x.yaml", new LocalCommand("naming") },
        { "down", new Down(false) },
        { "d n", new Down(true) },
        { "help", new Help("") },
        { "help show sl", new Help("show sl ") },
        { "show ?", new Help("show ") },
        { "show sl?", new Help("show sl") },
        { "?", new Help("") },
        { "quit", new Quit() },
        { "exit", new Quit() },
        { "plan --fleet fleet.yaml", new LocalCommand("plan") },
        { "check", new LocalCommand("check") },
        { "trace packet hex 0200 00000001 on eth0", new TracePacket(new RawFrame([2, 0, 0, 0, 0, 1]), "eth0") },
        { "tr p u from 203.0.113.9 to 192.0.2.1:53", Sketch(TraceProtocol.Udp, "203.0.113.9", 443, "192.0.2.1", 53) },
        { "trace packet tcp from 203.0.113.9:80 to 192.0.2.1:5000", Sketch(TraceProtocol.Tcp, "203.0.113.9", 80, "192.0.2.1", 5000) },
        { "trace packet tcp from 203.0.113.9:80 to 192.0.2.1:5000 on eth0", Sketch(TraceProtocol.Tcp, "203.0.113.9", 80, "192.0.2.1", 5000) with { Interface = "eth0" } },
        { "trace packet echo-request from 2001:db8::9 to [2001:db8::1]:7", Sketch(TraceProtocol.EchoRequest, "2001:db8::9", 0, "2001:db8::1", 7) },
    };

    [Theory]
    [MemberData(nameof(Good), DisableDiscoveryEnumeration = true)]
    public void A_line_means_one_command(string line, object command) =>
        Assert.Equal(command, Assert.IsType<Parsed>(CommandParser.Parse(line)).Command);

    [Fact]
    public void Options_of_a_traced_packet_stand_in_any_order()
    {
        var parsed = (TracePacket)Assert.IsType<Parsed>(CommandParser.Parse(
            "trace packet tcp from 203.0.113.9:80 to 192.0.2.1:5000 ttl 1 syn through gre from 10.1.1.2 to 10.1.1.1 length 1500 key 7 vlan 9 tos 0x03 fragment 8 more")).Command;
        Assert.Equal(
            new PacketSketch(TraceProtocol.Tcp, IpAddress.Parse("203.0.113.9"), 80, IpAddress.Parse("192.0.2.1"), 5000)
            {
                Syn = true,
                Ttl = 1,
                LengthBytes = 1500,
                VlanId = 9,
                Tos = 3,
                FragmentOffsetBytes = 8,
                MoreFragments = true,
                Tunnel = new TunnelSketch(new Encapsulation(EncapsulationKind.Gre, 7), IpAddress.Parse("10.1.1.2"), IpAddress.Parse("10.1.1.1")),
            },
            parsed.Packet);
    }

    // Columns count from 1, as people see them.
    [Theory]
    [InlineData("show stats", 9001, 6, 5, "unknown word 'stats'", "did you mean 'status'?")]
    [InlineData("shwo status", 9001, 1, 4, "unknown word 'shwo'", "did you mean 'show'?")]
    [InlineData("  frobnicate", 9001, 3, 10, "unknown word 'frobnicate'", "expected: show, who, trace, enroll, leave, lease, renew, release, hold, bound, drain, undrain, bind, unbind, register, unregister, agility, down, plan, check, exec, unit-dropin, verify-log, naming, help, quit, exit")]
    [InlineData("show status now", 9001, 13, 3, "the command is complete before 'now'", null)]
    [InlineData("sh s", 9002, 4, 1, "'s' stands for several words", "it may be: status, slices")]
    [InlineData("trace packet e from 203.0.113.9 to 192.0.2.1:5", 9002, 14, 1, "'e' stands for several words", "it may be: echo-request, echo-reply")]
    [InlineData("show", 9003, 6, 1, "the command ends too early", "expected: status, bgp, prefixes, slices, slice, tunnels, drops, host, pools, leases, guard, bindings, dispatch, naming, agility")]
    [InlineData("show slice", 9003, 12, 1, "the command ends too early", "expected: for")]
    [InlineData("show slice for", 9003, 16, 1, "the command ends too early", "expected: ADDRESS:PORT")]
    [InlineData("show slices pool", 9003, 18, 1, "the command ends too early", "expected: POOL")]
    [InlineData("", 9003, 1, 1, "the line is empty", "'?' lists the commands")]
    [InlineData("show slice for 192.0.2.1", 9004, 16, 9, "'192.0.2.1' is not ADDRESS:PORT, like 192.0.2.7:5123 or [2001:db8::7]:5123", null)]
    [InlineData("show slice for 192.0.2.1:65536", 9004, 16, 15, "'192.0.2.1:65536' is not ADDRESS:PORT, like 192.0.2.7:5123 or [2001:db8::7]:5123", null)]
    [InlineData("show slice for 2001:db8::1:5000", 9004, 16, 16, "'2001:db8::1:5000' is not ADDRESS:PORT, like 192.0.2.7:5123 or [2001:db8::7]:5123", null)]
    [InlineData("show slice for 192.0.2.256:1", 9004, 16, 13, "'192.0.2.256:1' is not ADDRESS:PORT, like 192.0.2.7:5123 or [2001:db8::7]:5123", null)]
    [InlineData("enroll x pool us-general", 9004, 8, 1, "'x' is not a number from 1 to 9223372036854775807", null)]
    [InlineData("enroll 4711 pool us-general path a", 9004, 34, 1, "'a' is not a path from the root of the cgroup tree, like /system.slice/proxy.service", null)]
    [InlineData("lease tag country", 9004, 11, 7, "'country' is not KEY=VALUE, like country=US", null)]
    [InlineData("lease tag country=", 9004, 11, 8, "'country=' is not KEY=VALUE, like country=US", null)]
    [InlineData("lease tag country=US kind", 9003, 27, 1, "the command ends too early", "expected: range, explicit")]
    [InlineData("lease tag country=US x", 9001, 22, 1, "unknown word 'x'", "expected: KEY=VALUE..., kind")]
    [InlineData("renew", 9003, 7, 1, "the command ends too early", "expected: LEASE")]
    [InlineData("re 17", 9002, 1, 2, "'re' stands for several words", "it may be: renew, release, register")]
    [InlineData("renew 1/7", 9004, 7, 3, "'1/7' is not the name of a lease or of a hold", null)]
    [InlineData("drain", 9003, 7, 1, "the command ends too early", "expected: slice, address, server")]
    [InlineData("agility", 9003, 9, 1, "the command ends too early", "expected: move, end, drain, undrain")]
    [InlineData("agility move cdn", 9003, 18, 1, "the command ends too early", "expected: to")]
    [InlineData("agility move cdn twenty", 9001, 18, 6, "unknown word 'twenty'", "expected: to")]
    [InlineData("agility end c/n", 9004, 13, 3, "'c/n' is not a name", null)]
    [InlineData("agility drain twenty/four", 9004, 15, 11, "'twenty/four' is not a name", null)]
    [InlineData("trace query", 9003, 13, 1, "the command ends too early", "expected: NAME")]
    [InlineData("trace query www..com", 9004, 13, 8, "'www..com' is not a domain name, like www.example.com: labels of 1 to 63 letters, digits, '-' and '_', at most 253 characters", null)]
    [InlineData("trace query .", 9004, 13, 1, "'.' is not a domain name, like www.example.com: labels of 1 to 63 letters, digits, '-' and '_', at most 253 characters", null)]
    [InlineData("trace query www.example.com mx", 9001, 29, 2, "unknown word 'mx'", "expected: a, aaaa")]
    [InlineData("trace query www.example.com a aaaa", 9001, 31, 4, "the command is complete before 'aaaa'", null)]
    [InlineData("who 192.0.2.7:5123 at 2026-11-22", 9004, 23, 10, "'2026-11-22' is not a time, like 2026-11-22T12:00:00Z", null)]
    [InlineData("who 192.0.2.7:5123 at 2026-11-22T12:00:00", 9004, 23, 19, "'2026-11-22T12:00:00' is not a time, like 2026-11-22T12:00:00Z", null)]
    [InlineData("show slices pool a pool b", 9001, 20, 4, "unknown word 'pool'", "expected: server")]
    [InlineData("show slices pool us/general", 9004, 18, 10, "'us/general' is not a name", null)]
    [InlineData("trace packet hex 020", 9004, 18, 3, "'020' is not bytes in hexadecimal, two digits each", null)]
    [InlineData("trace packet udp from 203.0.113.9 to 192.0.2.1:5 syn", 9004, 50, 3, "only TCP and SCTP open connections", null)]
    [InlineData("trace packet udp from 203.0.113.9 to [2001:db8::1]:5", 9004, 38, 15, "both addresses must be IPv4, or both IPv6", null)]
    [InlineData("trace packet udp from 203.0.113.9 to 192.0.2.1:5 length 27", 9004, 57, 2, "such a packet has at least 28 bytes", null)]
    [InlineData("trace packet udp from 203.0.113.9 to 192.0.2.1:5 ttl 256", 9004, 54, 3, "'256' is not a number from 0 to 255", null)]
    [InlineData("trace packet udp from 203.0.113.9 to 192.0.2.1:5 fragment 9", 9004, 59, 1, "a fragment's offset is a multiple of 8", null)]
    [InlineData("trace packet udp from 203.0.113.9 to 192.0.2.1:5 key 9", 9004, 54, 1, "a key goes with 'through gre'", null)]
    [InlineData("bind -a tcp 192.0.2.0/24 80", 9004, 6, 2, "'-a' is not a label: 1 to 55 letters, digits, '-', '_' and '.', the first a letter or a digit", null)]
    [InlineData("bind a sctp 192.0.2.0/24 80", 9001, 8, 4, "unknown word 'sctp'", "did you mean 'tcp'?")]
    [InlineData("bind a tcp 192.0.2.1/24 80", 9004, 12, 12, "'192.0.2.1/24' has bits set behind its length: 192.0.2.0/24 is the prefix, 192.0.2.1 the address", null)]
    [InlineData("bind a tcp 192.0.2/24 80", 9004, 12, 10, "'192.0.2/24' is neither a prefix nor an address", null)]
    [InlineData("bind a tcp 192.0.2.0/24 0", 9004, 25, 1, "'0' is neither a port, nor a range like 8000-8100, nor 'any'; ports are 1 to 65535", null)]
    [InlineData("unregister a cookie x", 9004, 21, 1, "'x' is not a number from 1 to 9223372036854775807", null)]
    [InlineData("trace packet udp from 203.0.113.9 to 192.0.2.1:5 type 3", 9004, 55, 1, "only an icmp-error has a type to choose", null)]
    public void A_line_that_means_nothing_is_refused_with_its_place(string line, int code, int column, int length, string message, string? hint)
    {
        var error = Assert.IsType<ParseError>(CommandParser.Parse(line));
        Assert.Equal((code, column, length, message, hint), ((int)error.Code, error.Column + 1, error.Length, error.Message, error.Hint));
    }

    [Fact]
    public void The_caret_stands_below_the_word()
    {
        var error = Assert.IsType<ParseError>(CommandParser.Parse("show\tstats"));
        Assert.Equal(["show stats", "     ^^^^^"], error.Marked());
    }

    [Fact]
    public void Only_verbs_need_full_access()
    {
        var verbs = new[]
        {
            "down", "down now", "enroll 1 pool a", "leave 1", "lease pool a", "renew 1", "release 1", "hold 1 to 192.0.2.1:5", "bound 1",
            "drain server", "undrain server", "agility move a to b", "agility end a", "agility drain a", "agility undrain a",
        };
        Assert.All(verbs, v => Assert.Equal(AccessLevel.Full, ((Parsed)CommandParser.Parse(v)).Command.Needs));
        Assert.All(["bind a tcp 192.0.2.0/24 80", "unbind a udp 192.0.2.1 any"], v => Assert.Equal(AccessLevel.Full, ((Parsed)CommandParser.Parse(v)).Command.Needs));
        Assert.All(["register a", "register a exact replace", "unregister a", "unregister a cookie 5"],
            v => Assert.Equal(AccessLevel.Register, ((Parsed)CommandParser.Parse(v)).Command.Needs));
        var nouns = new[] { "show bindings", "show bindings label a", "show dispatch", "show status", "show slices", "show pools", "show leases", "show guard", "who 192.0.2.1:5", "trace packet hex 00", "help", "quit", "show naming", "show agility", "trace query a" };
        Assert.All(nouns, n => Assert.Equal(AccessLevel.ReadOnly, ((Parsed)CommandParser.Parse(n)).Command.Needs));
    }

    [Fact]
    public void No_line_makes_the_parser_throw()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        string[] words = [.. CommandParser.Manual().SelectMany(m => m.Usage.Split(' ', '[', ']', '|')), "192.0.2.1:5000", "10.0.0.1", "[::1]:5", "7", "00ff", "é", "?", "-1", "0x", "[", "]:", ":"];
        for (var i = 0; i < 20_000; i++)
        {
            var line = string.Join(' ', Enumerable.Range(0, random.Next(12)).Select(_ => words[random.Next(words.Length)] is var w && random.Next(3) == 0 ? w[..random.Next(w.Length + 1)] : w));
            try
            {
                _ = CommandParser.Parse(line);
                _ = Completion.Of(line);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, line '{line}': {e}");
            }
        }
    }

    [Fact]
    public void A_long_line_is_parsed_in_a_bounded_number_of_steps()
    {
        var line = "trace packet hex " + string.Concat(Enumerable.Repeat("0 ", 2000));
        Assert.IsType<ParseError>(CommandParser.Parse(line));
        var frame = (TracePacket)Assert.IsType<Parsed>(CommandParser.Parse("trace packet hex " + string.Concat(Enumerable.Repeat("ab ", 1359)))).Command;
        Assert.Equal(1359, frame.Packet.FrameFor(default).Length);
    }

    private static TracePacket Sketch(TraceProtocol protocol, string from, ushort fromPort, string to, ushort toPort) =>
        new(new PacketSketch(protocol, IpAddress.Parse(from), fromPort, IpAddress.Parse(to), toPort), null);
}
