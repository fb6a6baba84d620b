using System.Buffers;
using System.Net.Sockets;
using System.Text;
using SoftUnicast.Model;
using SoftUnicast.Naming.Tests.Lab;
using static SoftUnicast.Naming.Tests.Lab.Servers;

namespace SoftUnicast.Naming.Tests;

/// <summary>The real PowerDNS with the generated configuration: zones in its bind backend, addresses by policy from ours.</summary>
public class RemoteBackendTests
{
    private static readonly IpPrefix Twenty = IpPrefix.Parse("198.18.0.0/20");
    private static readonly NamingState Here = new("ams");
    private static readonly NamingRules Plain = Rules.Of([Rules.Pool("p", "198.18.0.0/20", "2001:db8:4000::/44")], [], Rules.Policy("all", ["example.com"], ["p"]));

    [Fact]
    public async Task PowerDNS_answers_by_policy_what_its_zone_does_not_hold()
    {
        await using var lab = await NamingLab.CreateAsync("pdns_server");
        await using var remote = new RunningRemote(lab, NamingTable.Build(Plain, Here));
        using var client = await remote.StartPdnsAsync();

        var reply = client.Ask("www.shop.example.com");
        Assert.Equal((0, true), (reply.Rcode, reply.IsAuthoritative));
        var record = Assert.Single(reply.Answers);
        Assert.Equal(30u, record.Ttl);
        Assert.True(Twenty.Contains(record.Address!.Value), $"{record.Address}");
        Assert.True(IpPrefix.Parse("2001:db8:4000::/44").Contains(Assert.Single(client.Ask("a.example.com", DnsClient.Aaaa).Answers).Address!.Value));
        Assert.Equal(IpAddress.Parse("203.0.113.53"), Assert.Single(client.Ask("ns1.example.com").Answers).Address);
        Assert.Equal(DnsClient.Mx, Assert.Single(client.Ask("example.com", DnsClient.Mx).Answers).Type);
        reply = client.Ask("www.shop.example.com", DnsClient.Mx);
        Assert.Equal((0, 0), (reply.Rcode, reply.Answers.Length));
        Assert.True(Enumerable.Range(0, 50).Select(_ => client.Ask("www.example.com").Answers[0].Address).Distinct().Count() > 40);
    }

    [Fact]
    public async Task Names_with_a_record_in_the_zone_and_delegations_stay_the_zones()
    {
        await using var lab = await NamingLab.CreateAsync("pdns_server");
        await using var remote = new RunningRemote(lab, NamingTable.Build(Plain, Here));
        using var client = await remote.StartPdnsAsync();
        Assert.Equal(IpAddress.Parse("203.0.113.25"), Assert.Single(client.Ask("mail.example.com").Answers).Address);
        Assert.Empty(client.Ask("only-mx.example.com").Answers);
        var reply = client.Ask("www.delegated.example.com");
        Assert.Equal((0, false, 1), (reply.Answers.Length, reply.IsAuthoritative, reply.Authorities));
    }

    [Fact]
    public async Task Under_load_a_change_holds_for_the_next_query_and_nothing_is_lost_empty_or_outside_its_pool()
    {
        await using var lab = await NamingLab.CreateAsync("pdns_server", "dnsperf");
        var rules = Rules.Of([Rules.Pool("big", "198.18.0.0/20"), Rules.Pool("small", "198.19.0.0/24")], [],
            Rules.Policy("all", ["example.com"], ["big"], otherwise: "last", types: AddressTypes.A), Rules.Policy("last", null, ["small"]));
        NamingTable[] tables = [NamingTable.Build(rules, Here), NamingTable.Build(rules, Here with { Drained = ["big"] })];
        IpPrefix[] expected = [Twenty, IpPrefix.Parse("198.19.0.0/24")];
        await using var remote = new RunningRemote(lab, tables[0]);
        using var client = await remote.StartPdnsAsync();

        for (var changes = 0; changes <= 5;)
        {
            var load = lab.LoadAsync(AuthoritativePort, 4);
            while (!load.IsCompleted)
            {
                var now = ++changes % 2;
                remote.Table = tables[now];
                for (var i = 0; i < 20; i++)
                {
                    var address = Assert.Single(client.Ask($"n{i}.example.com").Answers).Address!.Value;
                    Assert.True(expected[now].Contains(address), $"change {changes}, query {i} after it: {address} is not of {expected[now]}");
                }
            }

            AssertAllAnswered(await load);
        }

        Assert.Equal((0, 0), (remote.Server.Counters.Malformed, remote.Server.Counters.Nothing));
    }

    [Fact]
    public async Task With_nothing_left_PowerDNS_says_SERVFAIL_and_answers_again_when_something_is()
    {
        await using var lab = await NamingLab.CreateAsync("pdns_server");
        await using var remote = new RunningRemote(lab, NamingTable.Build(Plain, Here with { Drained = ["p"] }));
        using var client = await remote.StartPdnsAsync();
        for (var i = 0; i < 3; i++)
        {
            var reply = client.Ask("x.example.com");
            Assert.Equal((2, 0), (reply.Rcode, reply.Answers.Length));
        }

        Assert.True(remote.Server.Counters.Nothing >= 3);
        remote.Table = NamingTable.Build(Plain, Here);
        Assert.True(Twenty.Contains(Assert.Single(client.Ask("x.example.com").Answers).Address!.Value));
    }

    [Theory]
    [InlineData("no JSON", "hello", "{\"result\":false,\"log\":[\"bad request: no JSON in line 1, byte 0\"]}")]
    [InlineData("cut off", "{\"method\":\"lookup\"", "{\"result\":false,\"log\":[\"bad request: no JSON in line 1, byte 18\"]}")]
    [InlineData("two objects", "{\"method\":\"initialize\"}{}", "{\"result\":false,\"log\":[\"bad request: no JSON in line 1, byte 23\"]}")]
    [InlineData("a list", "[]", "{\"result\":false,\"log\":[\"bad request: it is no object\"]}")]
    [InlineData("no method", "{}", "{\"result\":false,\"log\":[\"bad request: it has no method\"]}")]
    [InlineData("an unknown method", "{\"method\":\"look\"}", "{\"result\":false,\"log\":[\"bad request: it has a method that nobody knows\"]}")]
    [InlineData("a method that is no text", "{\"method\":1}", "{\"result\":false,\"log\":[\"bad request: method is a text\"]}")]
    [InlineData("parameters that are no object", "{\"method\":\"lookup\",\"parameters\":[]}", "{\"result\":false,\"log\":[\"bad request: parameters is an object\"]}")]
    [InlineData("no parameters", "{\"method\":\"lookup\"}", "{\"result\":false,\"log\":[\"bad request: lookup has no parameters\"]}")]
    [InlineData("no name", "{\"method\":\"lookup\",\"parameters\":{\"qtype\":\"A\"}}", "{\"result\":false,\"log\":[\"bad request: lookup has no qname\"]}")]
    [InlineData("no type", "{\"method\":\"lookup\",\"parameters\":{\"qname\":\"a.\"}}", "{\"result\":false,\"log\":[\"bad request: lookup has no qtype\"]}")]
    [InlineData("a name that is no text", "{\"method\":\"lookup\",\"parameters\":{\"qname\":1,\"qtype\":\"A\"}}", "{\"result\":false,\"log\":[\"bad request: qname is a text\"]}")]
    [InlineData("a name that is none", "{\"method\":\"lookup\",\"parameters\":{\"qname\":\"a..b\",\"qtype\":\"A\"}}", "{\"result\":false,\"log\":[\"bad request: qname is no domain name\"]}")]
    [InlineData("a control character", "{\"method\":\"lookup\",\"parameters\":{\"qname\":\"a\\u0000\",\"qtype\":\"A\"}}", "{\"result\":false,\"log\":[\"bad request: qname holds a control character\"]}")]
    [InlineData("a type that is no text", "{\"method\":\"lookup\",\"parameters\":{\"qname\":\"a.\",\"qtype\":1}}", "{\"result\":false,\"log\":[\"bad request: qtype is a text\"]}")]
    [InlineData("half a surrogate pair", "{\"method\":\"lookup\",\"parameters\":{\"qname\":\"\\ud800\",\"qtype\":\"A\"}}", "{\"result\":false,\"log\":[\"bad request: a text holds what is no UTF-8\"]}")]
    [InlineData("good: another type", "{\"method\":\"lookup\",\"parameters\":{\"qtype\":\"MX\",\"qname\":\"a.\"}}", "{\"result\":[]}")]
    [InlineData("good: a name of nobody", "{\"parameters\":{\"qtype\":\"ANY\",\"qname\":\"a.\"},\"method\":\"lookup\"}", "{\"result\":[]}")]
    [InlineData("good: the beginning", "{\"method\":\"initialize\",\"parameters\":{\"path\":\"/x\",\"timeout\":\"2000\"}}", "{\"result\":true}")]
    [InlineData("good: no zones here", "{\"method\":\"getAllDomains\",\"parameters\":{\"include_disabled\":true}}", "{\"result\":[]}")]
    [InlineData("good: nothing about them", "{\"method\":\"getAllDomainMetadata\",\"parameters\":{\"name\":\"a.\"}}", "{\"result\":{}}")]
    [InlineData("good: nothing to change", "{\"method\":\"startTransaction\",\"parameters\":{}}", "{\"result\":false}")]
    [InlineData(
        "good: an address, the name as it was asked for", "{\"method\":\"lookup\",\"parameters\":{\"qtype\":\"ANY\",\"qname\":\"A\\\\\\\"b.one.example.com.\"}}",
        "{\"result\":[{\"qtype\":\"A\",\"qname\":\"A\\\\\\\"b.one.example.com.\",\"content\":\"203.0.113.1\",\"ttl\":7},{\"qtype\":\"AAAA\",\"qname\":\"A\\\\\\\"b.one.example.com.\",\"content\":\"2001:db8::1\",\"ttl\":7}]}")]
    public void A_request_gets_one_line_and_a_bad_one_says_why(string what, string request, string expected)
    {
        var rules = Rules.Of([Rules.Pool("one", "203.0.113.1/32", "2001:db8::1/128")], [], Rules.Policy("one", ["one.example.com"], ["one"], NamingStrategy.One, ttl: 7));
        var reply = new ArrayBufferWriter<byte>();
        new RemoteBackend(() => NamingTable.Build(rules, Here)).Answer(Encoding.UTF8.GetBytes(request), reply);
        Assert.Equal((what, expected + "\n"), (what, Encoding.UTF8.GetString(reply.WrittenSpan)));
    }

    [Fact]
    public async Task Noise_on_the_socket_ends_nothing_but_its_own_connection_and_PowerDNS_is_answered_beside_it()
    {
        await using var lab = await NamingLab.CreateAsync("pdns_server");
        await using var remote = new RunningRemote(lab, NamingTable.Build(Plain, Here));
        using var client = await remote.StartPdnsAsync();
        var random = new Random(11);
        for (var i = 0; i < 60; i++)
        {
            using var noise = remote.Connect();
            var bytes = new byte[random.Next(1, 3000)];
            random.NextBytes(bytes);
            noise.Send(bytes);
            if (i % 3 == 0)
            {
                noise.Send("\n{\"method\":1}\n"u8);
                Assert.Contains("bad request", RunningRemote.ReadLine(noise), StringComparison.Ordinal);
            }
        }

        Assert.True(Twenty.Contains(Assert.Single(client.Ask("x.example.com").Answers).Address!.Value));
        Assert.True(remote.Server.Counters.Malformed >= 20);
    }

    [Fact]
    public async Task A_line_without_end_is_refused_with_its_connection()
    {
        await using var lab = await NamingLab.CreateAsync();
        await using var remote = new RunningRemote(lab, NamingTable.Build(Plain, Here));
        using var endless = remote.Connect();
        endless.Send(new byte[RemoteBackend.LongestRequest]);
        Assert.Equal("{\"result\":false,\"log\":[\"bad request: a line has at most 65536 bytes\"]}", RunningRemote.ReadLine(endless));
        Assert.Equal(0, endless.Receive(new byte[1]));
    }

    [Fact]
    public async Task Many_connections_are_answered_and_too_many_are_closed()
    {
        await using var lab = await NamingLab.CreateAsync();
        await using var remote = new RunningRemote(lab, NamingTable.Build(Plain, Here));
        var clients = Enumerable.Range(0, RunningRemote.MostConnections).Select(_ => remote.Connect()).ToArray();
        foreach (var one in clients)
        {
            one.Send("{\"method\":\"initialize\"}\n{\"method\":\"getAllDomains\"}\n"u8);
            Assert.Equal("{\"result\":true}", RunningRemote.ReadLine(one));
            Assert.Equal("{\"result\":[]}", RunningRemote.ReadLine(one));
        }

        using (var extra = remote.Connect())
        {
            Assert.Equal(0, extra.Receive(new byte[1]));
        }

        Assert.Equal((RunningRemote.MostConnections, 1), (remote.Server.Counters.Connections, remote.Server.Counters.Refused));
        foreach (var one in clients)
        {
            one.Dispose();
        }

        await NamingLab.UntilAsync(() => remote.Server.Counters.Connections == 0, () => $"an end of {remote.Server.Counters}");
        using var again = remote.Connect();
        again.Send("{\"method\":\"initialize\"}\n"u8);
        Assert.Equal("{\"result\":true}", RunningRemote.ReadLine(again));
    }
}

/// <summary>Our end of the socket, in this process, for a pdns in a lab: Unix sockets know no network namespace.</summary>
internal sealed class RunningRemote : IAsyncDisposable
{
    public const int MostConnections = 40;
    private readonly NamingLab lab;
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource stopping = new();
    private readonly Task running;

    public RunningRemote(NamingLab lab, NamingTable table)
    {
        this.lab = lab;
        Table = table;
        Path = lab.PathOf("remote.sock");
        listener.Bind(new UnixDomainSocketEndPoint(Path));
        listener.Listen(64);
        Server = new RemoteBackendServer(new RemoteBackend(() => Table), MostConnections);
        running = Server.RunAsync(listener.AcceptAsync, stopping.Token);
    }

    public string Path { get; }

    public NamingTable Table { get; set; }

    public RemoteBackendServer Server { get; }

    public Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
        socket.Connect(new UnixDomainSocketEndPoint(Path));
        return socket;
    }

    /// <summary>One line without its end; the socket's end ends it too.</summary>
    public static string ReadLine(Socket socket)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (socket.Receive(one) == 1 && one[0] != '\n')
        {
            line.Add(one[0]);
        }

        return Encoding.UTF8.GetString([.. line]);
    }

    public async Task<DnsClient> StartPdnsAsync(string zone = Zone)
    {
        lab.Write("example.com.zone", zone + "\n");
        lab.Write("named.conf", $"zone \"example.com\" {{ type master; file \"{lab.PathOf("example.com.zone")}\"; }};\n");
        var config = lab.PathOf("pdns");
        Directory.CreateDirectory(config);
        File.WriteAllText(System.IO.Path.Combine(config, "pdns.conf"), $"""
            local-address=127.0.0.1
            local-port={AuthoritativePort}
            socket-dir={config}
            security-poll-suffix=
            loglevel=5
            bind-config={lab.PathOf("named.conf")}
            {PdnsConfig.Generate(Path)}
            """);
        var pdns = lab.Start("pdns_server", $"--config-dir={config}");
        await lab.ReadyAsync(AuthoritativePort, pdns);
        return new DnsClient(lab, AuthoritativePort);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await running;
        listener.Dispose();
        stopping.Dispose();
    }
}
