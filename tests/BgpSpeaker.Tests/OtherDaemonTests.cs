using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using SoftUnicast.BgpSpeaker.Tests.Lab;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>Something answers on the socket, but it is not a gobgpd that we can speak with. Needs neither root nor gobgpd.</summary>
public sealed class OtherDaemonTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("subgp-other-");

    private string Socket => Path.Combine(folder.FullName, "g.sock");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_gobgpd_with_another_interface_is_unsupported_and_the_next_step_is_named()
    {
        // As GoBGP 4 answers: the service has another name there.
        await using var server = await ServeAsync(response =>
        {
            response.ContentType = "application/grpc";
            response.Headers["grpc-status"] = "12";
            response.Headers["grpc-message"] = "unknown service apipb.GobgpApi";
        });
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(Socket, 1));
        speaker.Speaker.Announce(Announcements.None with { Datacenter = [Owned("192.0.2.1:2048-4095", "10.1.1.1")] });
        await speaker.UntilAsync(s => s is { Gobgp: GobgpState.Unsupported, Pending: not null }, "it is unsupported, and what waits for it is counted");
        Assert.Equal(
            ($"what answers on {Socket} does not offer the control interface of GoBGP 3: GetBgp: unknown service apipb.GobgpApi", "install GoBGP 3.10 or a later 3.x", 1),
            (speaker.Status.Problem, speaker.Status.NextStep, speaker.Status.Pending));
    }

    [Theory]
    [InlineData(404, "text/html")]
    [InlineData(200, "text/html")]
    public async Task A_web_server_is_no_gobgpd(int status, string type)
    {
        await using var server = await ServeAsync(response =>
        {
            response.StatusCode = status;
            response.ContentType = type;
        });
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(Socket, 1));
        await speaker.UntilAsync(s => s.Gobgp == GobgpState.Unsupported || s.Problem?.StartsWith("gobgpd cannot be asked", StringComparison.Ordinal) == true, "it is named");
        Assert.NotNull(speaker.Status.NextStep);
    }

    [Fact]
    public async Task What_speaks_no_HTTP_at_all_is_no_gobgpd()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Socket));
        listener.Listen(100);
        var greeting = GreetAsync();
        async Task GreetAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await listener.AcceptAsync(TestContext.Current.CancellationToken);
                    await client.SendAsync("220 mail.example ESMTP\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The listener is closed.
            }
        }

        await using (var speaker = new RunningSpeaker(RunningSpeaker.Options(Socket, 1)))
        {
            await speaker.UntilAsync(s => s.Problem?.StartsWith("gobgpd cannot be asked", StringComparison.Ordinal) == true, "it is named");
            Assert.Equal(GobgpState.Absent, speaker.Status.Gobgp);
        }

        listener.Dispose();
        await greeting;
    }

    private async Task<WebApplication> ServeAsync(Action<HttpResponse> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Socket, l => l.Protocols = HttpProtocols.Http2));
        var server = builder.Build();
        server.Run(context =>
        {
            answer(context.Response);
            return Task.CompletedTask;
        });
        await server.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }
}
