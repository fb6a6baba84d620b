using System.Net.Sockets;
using System.Runtime.InteropServices;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Client.Tests.Support;

/// <summary>The real control server on a socket in a folder of its own.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private const int SOL_SOCKET = 1;
    private const int SO_PEERCRED = 17;
    private readonly CancellationTokenSource stopping = new();
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string folder = Directory.CreateTempSubdirectory("softunicast-client-").FullName;
    private readonly Task accepting;

    public TestDaemon(IControlHandler handler, AccessLevel access = AccessLevel.Full)
    {
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen(64);
        accepting = Task.Run(() => AcceptAsync(new ControlServer(handler, "0.1.0", new ControlLimits(), TimeProvider.System), access));
    }

    public string SocketPath => Path.Combine(folder, "control.sock");

    public LeaseOptions Options => new() { SocketPath = SocketPath };

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Dispose();
        await accepting;
        stopping.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task AcceptAsync(ControlServer server, AccessLevel access)
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync(stopping.Token);
                clients.Add(ServeAsync(server, client, access));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(ControlServer server, Socket client, AccessLevel access)
    {
        var credentials = new int[3];
        client.GetRawSocketOption(SOL_SOCKET, SO_PEERCRED, MemoryMarshal.AsBytes(credentials.AsSpan()));
        await using var stream = new NetworkStream(client, ownsSocket: true);
        try
        {
            await server.ServeAsync(stream, access, new ControlPeer(credentials[0], (uint)credentials[1], (uint)credentials[2]), stopping.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client left, or the test is over.
        }
    }
}
