using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace SoftUnicast.Traffic.Tests;

/// <summary>The service and its clients, as programs, on loopback.</summary>
public class NamesTests
{
    private const string Pattern = "a{n}.cdn.example.com";
    private const string Patient = "20000"; // milliseconds: a busy machine is slow, but answers

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.9")]
    [InlineData("::", "127.0.0.9")]
    [InlineData("::", "::1")]
    public async Task A_service_names_itself_and_where_it_was_asked(string listens, string asked)
    {
        using var service = TrafficProgram.Start("serve", "--address", listens, "--name", "s1");
        var to = new IPEndPoint(IPAddress.Parse(asked), await PortAsync(service));

        var answer = await AskAsync(to, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith($"\r\nConnection: close\r\n\r\ns1 {to}\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_is_kept_for_as_many_requests_as_were_said()
    {
        using var service = TrafficProgram.Start("serve", "--requests", "2");
        var to = new IPEndPoint(IPAddress.Loopback, await PortAsync(service));

        var answer = await AskAsync(to, string.Concat(Enumerable.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3)));

        Assert.Equal(2, answer.Split("HTTP/1.1 200 OK").Length - 1);
        Assert.Equal(1, answer.Split("Connection: close").Length - 1);
    }

    [Fact]
    public async Task What_is_no_GET_is_refused()
    {
        using var service = TrafficProgram.Start("serve");

        Assert.StartsWith("HTTP/1.1 405 ", await AskAsync(new IPEndPoint(IPAddress.Loopback, await PortAsync(service)), "PUT / HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_serves_the_sockets_that_it_was_passed()
    {
        const string manager = """
            import fcntl, os, socket, sys
            sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
            aside = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 50) for s in sockets]
            for number, fd in enumerate(aside):
                os.dup2(fd, 3 + number)
            os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()))
            os.execv(sys.argv[1], [sys.argv[1], "serve", "--name", "passed"])
            """;
        using var service = TrafficProgram.StartBy("python3", "-c", manager, TrafficProgram.Path);

        var sockets = (await service.NextAsync()).GetProperty("sockets").EnumerateArray().Select(s => IPEndPoint.Parse(s.GetString()!)).ToList();

        Assert.Equal(2, sockets.Count);
        foreach (var socket in sockets)
        {
            Assert.EndsWith($"\r\n\r\npassed {socket}\n", await AskAsync(socket, "GET / HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Fetches_are_counted_by_phase_with_how_even_the_addresses_were_used()
    {
        using var service = TrafficProgram.Start("serve", "--name", "s1");
        var port = await PortAsync(service);
        using var dns = new NameServer(number => $"127.0.9.{number % 16}");
        using var names = TrafficProgram.Start("names", "--dns", dns.EndPoint, "--ports", $"{port}", "--fetches", "320", "--prefix", "127.0.9.0/28", "--dns-timeout", Patient, "--timeout", Patient, Pattern);

        var phase = await names.NextAsync();

        Assert.Equal("end", phase.GetProperty("phase").GetString());
        Assert.Equal((320, 0, 16), (Count(phase, "fetches"), Count(phase, "failed"), Count(phase, "addresses")));
        Assert.Equal(320, Count(phase.GetProperty("servers"), "s1"));
        var load = phase.GetProperty("load");
        Assert.Equal((0, 15, 1), (Count(load, "outside"), Count(load, "degreesOfFreedom"), Count(load, "addressesTogether")));
        Assert.Equal((0.0, 1.0, 1.0), (load.GetProperty("chiSquared").GetDouble(), load.GetProperty("p").GetDouble(), load.GetProperty("maxToMean").GetDouble()));
        Assert.Equal((0, ""), await names.EndAsync());
    }

    [Fact]
    public async Task A_mark_ends_a_phase_and_the_end_of_the_input_ends_the_run()
    {
        using var service = TrafficProgram.Start("serve");
        var port = await PortAsync(service);
        using var dns = new NameServer(_ => "127.0.9.1");
        using var names = TrafficProgram.Start("names", "--dns", dns.EndPoint, "--ports", $"{port}", "--zipf", "1", "--dns-timeout", Patient, "--timeout", Patient, Pattern);

        await names.TellAsync("mark first");
        var first = await names.NextAsync();
        JsonElement second;
        do
        {
            await names.TellAsync("mark second 127.0.9.0/31");
            second = await names.NextAsync();
        }
        while (Count(second, "fetches") < 20);
        var (status, errors) = await names.EndAsync();

        Assert.Equal(("first", JsonValueKind.Null), (first.GetProperty("phase").GetString(), first.GetProperty("load").ValueKind));
        Assert.Equal(2.0, second.GetProperty("load").GetProperty("maxToMean").GetDouble());
        Assert.Equal((0, ""), (status, errors));
    }

    [Theory]
    [InlineData("127.0.9.1", 0, "connectRefused")]
    [InlineData(null, 0, "dnsEmpty")]
    [InlineData("127.0.9.1", 2, "dnsServerFailure")]
    [InlineData("127.0.9.1", 3, "dnsRefused")]
    [InlineData("", 0, "dnsTimeout")]
    public async Task A_failure_is_counted_by_its_kind_with_what_was_said_of_the_first(string? answer, int responseCode, string kind)
    {
        using var reserved = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        reserved.Bind(new IPEndPoint(IPAddress.Any, 0)); // nobody listens there
        using var dns = new NameServer(_ => answer, (byte)responseCode);
        using var names = TrafficProgram.Start(
            "names", "--dns", dns.EndPoint, "--ports", $"{((IPEndPoint)reserved.LocalEndPoint!).Port}", "--fetches", "2", "--concurrency", "1",
            "--dns-timeout", kind == "dnsTimeout" ? "50" : Patient, "--dns-tries", "3", Pattern);

        var phase = await names.NextAsync();

        var (name, failure) = phase.GetProperty("failures").EnumerateObject().Select(f => (f.Name, f.Value)).Single();
        Assert.Equal((kind, 2, 2, 0), (name, Count(failure, "count"), Count(phase, "failed"), Count(phase, "fetches")));
        Assert.NotEmpty(failure.GetProperty("first").GetString()!);
        Assert.Equal(kind == "dnsTimeout" ? 4 : 0, Count(phase, "dnsRetransmissions"));
        Assert.Equal(1, (await names.EndAsync()).Status);
    }

    [Fact]
    public async Task A_lost_query_is_sent_again_and_is_no_failure()
    {
        using var service = TrafficProgram.Start("serve");
        var port = await PortAsync(service);
        using var dns = new NameServer(number => number == 0 ? "" : "127.0.9.1");
        using var names = TrafficProgram.Start("names", "--dns", dns.EndPoint, "--ports", $"{port}", "--fetches", "1", "--dns-timeout", "200", "--dns-tries", "100", Pattern);

        var phase = await names.NextAsync();

        Assert.Equal((1, 0), (Count(phase, "fetches"), Count(phase, "failed")));
        Assert.NotEqual(0, Count(phase, "dnsRetransmissions"));
    }

    [Fact]
    public async Task An_answer_of_somebody_else_is_a_bad_answer()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, 0));
        listener.Listen();
        var answering = Task.Run(
            async () =>
            {
                using var socket = await listener.AcceptAsync(TestContext.Current.CancellationToken);
                await socket.ReceiveAsync(new byte[1024], TestContext.Current.CancellationToken);
                await socket.SendAsync("HTTP/1.1 200 OK\r\n\r\ns1 127.0.9.2:80\n"u8.ToArray(), TestContext.Current.CancellationToken);
            },
            TestContext.Current.CancellationToken);
        using var dns = new NameServer(_ => "127.0.9.1");
        using var names = TrafficProgram.Start("names", "--dns", dns.EndPoint, "--ports", $"{((IPEndPoint)listener.LocalEndPoint!).Port}", "--fetches", "1", Pattern);

        var phase = await names.NextAsync();

        await answering;
        Assert.Contains("127.0.9.2:80", phase.GetProperty("failures").GetProperty("badAnswer").GetProperty("first").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mark")]
    [InlineData("mark a 10.0.0.0/8")]
    [InlineData("stop")]
    public async Task A_line_that_is_no_mark_ends_the_run(string line)
    {
        using var dns = new NameServer(_ => null);
        using var names = TrafficProgram.Start("names", "--dns", dns.EndPoint, "--ports", "80", Pattern);

        await names.TellAsync(line);
        var (status, errors) = await names.EndAsync();

        Assert.Equal(2, status);
        Assert.Contains(line.Split(' ')[^1], errors, StringComparison.Ordinal);
    }

    private static int Count(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private static async Task<int> PortAsync(TrafficProgram service)
    {
        var listening = (await service.NextAsync()).GetProperty("sockets")[0].GetString()!;
        return int.Parse(listening[(listening.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
    }

    private static async Task<string> AskAsync(IPEndPoint to, string request)
    {
        using var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(to, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var answer = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
        return await answer.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
