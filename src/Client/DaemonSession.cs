using System.Net.Sockets;
using System.Text.Json;
using SoftUnicast.Control;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Client;

/// <summary>One connection to the daemon, for a few requests.</summary>
internal sealed class DaemonSession : IDisposable
{
    private const int FirstError = 8000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly NetworkStream stream;
    private readonly ControlClient client;

    private DaemonSession(NetworkStream stream)
    {
        this.stream = stream;
        client = new ControlClient(stream, TimeProvider.System);
    }

    /// <exception cref="DaemonUnreachableException">Nobody is there, or not for us.</exception>
    /// <exception cref="SliceException">The daemon refuses.</exception>
    public static async Task<DaemonSession> OpenAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new DaemonUnreachableException(e.SocketErrorCode == SocketError.AccessDenied
                ? $"{path}: permission denied; be in the group of that socket"
                : $"{path}: the SoftUnicast daemon is down: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var session = new DaemonSession(new NetworkStream(socket, ownsSocket: true));
        try
        {
            var greeting = await session.client.GreetingAsync(Patience, cancellation).ConfigureAwait(false);
            return greeting.Number == (int)ReplyCode.Ready
                ? session
                : throw new SliceException((ReplyCode)greeting.Number, $"{path}: {greeting.Text}");
        }
        catch (TimeoutException e)
        {
            session.Dispose();
            throw new DaemonUnreachableException($"{path}: the SoftUnicast daemon does not answer", e);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <exception cref="SliceException">The daemon refuses.</exception>
    public async Task<T> AskAsync<T>(string request, CancellationToken cancellation)
        where T : ControlReply
    {
        var lines = new List<string>();
        var number = 0;
        try
        {
            await foreach (var line in client.SendAsync($"json {request}", Patience, cancellation).ConfigureAwait(false))
            {
                number = line.Number;
                lines.Add(line.Text);
            }
        }
        catch (TimeoutException e)
        {
            throw new DaemonUnreachableException("the SoftUnicast daemon does not answer", e);
        }

        var json = string.Join('\n', lines);
        return number < FirstError ? ReplyJson.Read<T>(json) : throw Refusal((ReplyCode)number, json);
    }

    public void Dispose() => stream.Dispose();

    // What closes the connection comes as text, also after 'json'.
    private static SliceException Refusal(ReplyCode code, string reply)
    {
        var message = reply;
        try
        {
            using var error = JsonDocument.Parse(reply);
            message = error.RootElement.GetProperty("error").GetString()!;
            if (error.RootElement.GetProperty("hint").GetString() is { } hint)
            {
                message = $"{message}; {hint}";
            }
        }
        catch (JsonException)
        {
        }

        return code is ReplyCode.LeaseRevoked or ReplyCode.LeaseUnknown ? new LeaseRevokedException(code, message) : new SliceException(code, message);
    }
}
