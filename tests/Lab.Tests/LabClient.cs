using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using SoftUnicast.Control;

namespace SoftUnicast.Lab.Tests;

/// <summary>This process as a client of a daemon: leases are its own.</summary>
public sealed class LabClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly NetworkStream stream;
    private readonly ControlClient client;

    private LabClient(NetworkStream stream)
    {
        this.stream = stream;
        client = new ControlClient(stream, TimeProvider.System);
    }

    public static async Task<LabClient> ConnectAsync(string server)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(EgressLab.Control(server)), TestContext.Current.CancellationToken);
        var made = new LabClient(new NetworkStream(socket, ownsSocket: true));
        await made.client.GreetingAsync(Patience, TestContext.Current.CancellationToken);
        return made;
    }

    /// <summary>The reply as JSON, an error's too.</summary>
    public async Task<JsonElement> AskAsync(string request)
    {
        var text = new StringBuilder();
        await foreach (var line in client.SendAsync($"json {request}", Patience, TestContext.Current.CancellationToken))
        {
            text.AppendLine(line.Text);
        }

        return JsonDocument.Parse(text.ToString()).RootElement;
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
