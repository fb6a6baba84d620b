using System.Diagnostics;
using System.Net.Sockets;
using Grpc.Core;
using SoftUnicast.BgpSpeaker.Tests.Lab;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>Every kind of gRPC call against a real gobgpd, and every way it fails.</summary>
public sealed class GobgpClientTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unary_calls_answer_and_an_error_comes_with_the_daemons_words()
    {
        await using var lab = await BgpLab.CreateAsync();
        var (daemon, client) = await StartAsync(lab);
        using var _ = client;
        Assert.Equal(0u, (await client.GetBgpAsync(Cancellation)).Global.Asn);

        // Trailers only: the error stands in the response's headers.
        var error = await Assert.ThrowsAsync<GobgpException>(() => client.AddPathAsync(Path("192.0.2.0/24"), Cancellation));
        Assert.Equal((GobgpFailure.Failed, "AddPath: bgp server hasn't started yet"), (error.Failure, error.Message));

        await client.StartBgpAsync(Global(), Cancellation);
        Assert.Equal((Asn, "10.9.0.1"), ((await client.GetBgpAsync(Cancellation)).Global.Asn, (await client.GetBgpAsync(Cancellation)).Global.RouterId));
        await client.AddPathAsync(Path("192.0.2.0/24"), Cancellation);
        Assert.Equal(["18c00002"], await ListAsync(client, Family.IPv4Unicast));
    }

    [Fact]
    public async Task Streams_in_both_directions_and_an_empty_one()
    {
        await using var lab = await BgpLab.CreateAsync();
        var (daemon, client) = await StartAsync(lab);
        using var _ = client;
        await client.StartBgpAsync(Global(), Cancellation);
        Assert.Empty(await ListAsync(client, Family.IPv4FlowSpec));

        var slices = Enumerable.Range(0, 3000).Select(i => new AddressPorts(IpAddress.FromUInt32(0xc0000200u + ((uint)i / 31)), SliceSize.Create(2048).PortsOf(1 + (i % 31)))).ToList();
        Assert.Equal(3000, await client.AddPathsAsync(slices.Select(s => Slice(s, withdraw: false)), Cancellation));
        Assert.Equal(3000, (await ListAsync(client, Family.IPv4FlowSpec)).Count);
        await client.AddPathsAsync(slices.Skip(1).Select(s => Slice(s, withdraw: true)), Cancellation);
        Assert.Equal([Convert.ToHexStringLower(FlowSpecWriter.Write(OwnershipMatch.Of(OwnershipKind.Slice, slices[0]).ToNlri()))], await ListAsync(client, Family.IPv4FlowSpec));
    }

    [Fact]
    public async Task A_stream_that_the_daemon_refuses_ends_with_its_reason()
    {
        await using var lab = await BgpLab.CreateAsync();
        var (daemon, client) = await StartAsync(lab);
        using var _ = client;
        await client.StartBgpAsync(Global(), Cancellation);
        var bad = Path("192.0.2.0/24");
        bad.PattrsBinary.Clear();
        var error = await Assert.ThrowsAsync<GobgpException>(() => client.AddPathsAsync(Enumerable.Repeat(bad, 5000), Cancellation));
        Assert.Equal((GobgpFailure.Failed, "AddPathStream: nexthop not found"), (error.Failure, error.Message));
    }

    [Fact]
    public async Task A_watch_says_when_it_is_registered_ends_on_cancellation_and_fails_with_the_daemon()
    {
        await using var lab = await BgpLab.CreateAsync();
        var (daemon, client) = await StartAsync(lab);
        using var _ = client;
        await client.StartBgpAsync(Global(), Cancellation);

        using var stop = new CancellationTokenSource();
        await using (var watch = client.WatchAsync(stop.Token).GetAsyncEnumerator(Cancellation))
        {
            Assert.True(await watch.MoveNextAsync());
            Assert.Equal(2, watch.Current.Peer.Type);
            var next = watch.MoveNextAsync();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        }

        await using (var watch = client.WatchAsync(Cancellation).GetAsyncEnumerator(Cancellation))
        {
            Assert.True(await watch.MoveNextAsync());
            var next = watch.MoveNextAsync();
            await daemon.KillAsync();
            Assert.Equal(GobgpFailure.Failed, (await Assert.ThrowsAsync<GobgpException>(async () => await next)).Failure);
        }
    }

    [Fact]
    public async Task A_stopped_daemon_runs_into_the_deadline_and_a_cancelled_call_does_not_wait_for_it()
    {
        await using var lab = await BgpLab.CreateAsync();
        var (daemon, client) = await StartAsync(lab, TimeSpan.FromMilliseconds(300));
        using var _ = client;
        await AnswersAsync(client);
        await daemon.SignalAsync("STOP");
        Assert.Equal(GobgpFailure.Hung, (await Assert.ThrowsAsync<GobgpException>(() => client.GetBgpAsync(Cancellation))).Failure);
        using var stop = new CancellationTokenSource();
        var call = client.ListPeersAsync(false, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await daemon.SignalAsync("CONT");
        await AnswersAsync(client);
    }

    [Fact]
    public async Task A_missing_socket_and_a_stale_one_are_told_apart()
    {
        var folder = Directory.CreateTempSubdirectory("subgp-sockets-");
        try
        {
            using var absent = new GobgpClient(System.IO.Path.Combine(folder.FullName, "none.sock"), TimeSpan.FromSeconds(2));
            Assert.Equal(GobgpFailure.Absent, (await Assert.ThrowsAsync<GobgpException>(() => absent.GetBgpAsync(Cancellation))).Failure);

            var stale = System.IO.Path.Combine(folder.FullName, "stale.sock");
            using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            {
                socket.Bind(new UnixDomainSocketEndPoint(stale));
            }

            using var refused = new GobgpClient(stale, TimeSpan.FromSeconds(2));
            if (File.Exists(stale))
            {
                Assert.Equal(GobgpFailure.Refused, (await Assert.ThrowsAsync<GobgpException>(() => refused.GetBgpAsync(Cancellation))).Failure);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_service_that_the_daemon_does_not_have_is_unsupported()
    {
        await using var lab = await BgpLab.CreateAsync();
        var (daemon, client) = await StartAsync(lab);
        using var _ = client;
        // What GoBGP 4 answers to a client of GoBGP 3, here asked the other way round.
        var method = new Method<Api.GetBgpRequest, Api.GetBgpResponse>(MethodType.Unary, "api.GoBgpService", "GetBgp",
            Marshallers.Create(m => Google.Protobuf.MessageExtensions.ToByteArray(m), Api.GetBgpRequest.Parser.ParseFrom),
            Marshallers.Create(m => Google.Protobuf.MessageExtensions.ToByteArray(m), Api.GetBgpResponse.Parser.ParseFrom));
        var error = await Assert.ThrowsAsync<GobgpException>(() => client.CallAsync(method, new Api.GetBgpRequest(), Cancellation));
        Assert.Equal((GobgpFailure.Unsupported, "GetBgp: unknown service api.GoBgpService"), (error.Failure, error.Message));
    }

    [Fact]
    public async Task Thirty_thousand_routes_go_in_by_stream()
    {
        await using var lab = await BgpLab.CreateAsync();
        var (daemon, client) = await StartAsync(lab, TimeSpan.FromSeconds(10));
        using var _ = client;
        await client.StartBgpAsync(Global(), Cancellation);
        var paths = Enumerable.Range(0, 30_000)
            .Select(i => Slice(new AddressPorts(IpAddress.FromUInt32(0xc0000000u + ((uint)i / 31)), SliceSize.Create(2048).PortsOf(1 + (i % 31))), withdraw: false)).ToList();
        var watch = Stopwatch.StartNew();
        await client.AddPathsAsync(paths, Cancellation);
        TestContext.Current.TestOutputHelper?.WriteLine($"{paths.Count} routes in {watch.ElapsedMilliseconds} ms: {paths.Count / watch.Elapsed.TotalSeconds:F0}/s");
        Assert.Equal(30_000, (await ListAsync(client, Family.IPv4FlowSpec)).Distinct().Count());
    }

    private static async Task<(GobgpDaemon Daemon, GobgpClient Client)> StartAsync(BgpLab lab, TimeSpan? deadline = null)
    {
        var daemon = lab.Own(new GobgpDaemon(lab, "g"));
        await daemon.StartAsync();
        return (daemon, new GobgpClient(daemon.Socket, deadline ?? TimeSpan.FromSeconds(5)));
    }

    private static Api.Global Global() => new() { Asn = Asn, RouterId = "10.9.0.1", ListenPort = -1 };

    private static async Task<List<string>> ListAsync(GobgpClient client, Family family)
    {
        var list = new List<string>();
        await foreach (var path in client.ListPathsAsync(family, Cancellation))
        {
            list.Add(Convert.ToHexStringLower(path.NlriBinary.Span));
        }

        return list;
    }

    private static Api.Path Path(string prefix) =>
        Installer.ToApi(RouteName.Of(Family.IPv4Unicast, UnicastNlri.Write(IpPrefix.Parse(prefix))), Scheme.Unicast(Asn, Scope.Internet), withdraw: false);

    private static Api.Path Slice(AddressPorts ports, bool withdraw) => Installer.ToApi(
        RouteName.Of(Family.IPv4FlowSpec, FlowSpecWriter.Write(OwnershipMatch.Of(OwnershipKind.Slice, ports).ToNlri())),
        Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.1.1"), default), withdraw);

    private static Task AnswersAsync(GobgpClient client) => BgpLab.UntilAsync(async () =>
    {
        try
        {
            return (await client.GetBgpAsync(Cancellation)).Global is not null;
        }
        catch (GobgpException)
        {
            return false;
        }
    }, "gobgpd answers");
}
