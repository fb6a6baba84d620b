using System.Net.Sockets;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Cli.Tests.Support;

/// <summary>A small daemon on a socket in a folder of its own: it answers with the sample replies, or as it is told.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Task accepting;

    private TestDaemon(string folder, Func<NetworkStream, CancellationToken, Task> serve)
    {
        Folder = folder;
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen();
        accepting = Task.Run(() => AcceptAsync(serve));
    }

    public string Folder { get; }

    public string SocketPath => Path.Combine(Folder, "control.sock");

    public static TestDaemon Start(AccessLevel access = AccessLevel.Full, SampleHandler? handler = null) =>
        new(NewFolder(), (stream, stopping) =>
            new ControlServer(handler ?? new SampleHandler(), "0.1.0", new ControlLimits(), TimeProvider.System).ServeAsync(stream, access, default, stopping));

    /// <summary>Something on the socket that is no daemon, or a sick one.</summary>
    public static TestDaemon Start(Func<NetworkStream, CancellationToken, Task> serve) => new(NewFolder(), serve);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Dispose();
        await accepting;
        stopping.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static string NewFolder() => Directory.CreateTempSubdirectory("softunicast-cli-").FullName;

    private async Task AcceptAsync(Func<NetworkStream, CancellationToken, Task> serve)
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync(stopping.Token);
                clients.Add(Task.Run(async () =>
                {
                    await using var stream = new NetworkStream(client, ownsSocket: true);
                    try
                    {
                        await serve(stream, stopping.Token);
                    }
                    catch (Exception e) when (e is IOException or OperationCanceledException)
                    {
                        // The client left, or the test is over.
                    }
                }));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(clients);
        }
    }
}
