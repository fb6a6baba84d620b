using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Control;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Cli;

/// <summary>Why there is no connection.</summary>
/// <param name="status">What the process ends with.</param>
internal sealed class ConnectException(string message, int status) : Exception(message)
{
    public int Status { get; } = status;
}

/// <summary>A connection to the daemon, greeted.</summary>
internal sealed class Connection : IDisposable
{
    private readonly NetworkStream stream;
    private readonly ControlClient client;

    private Connection(NetworkStream stream, ControlClient client, ReplyLine greeting)
    {
        this.stream = stream;
        this.client = client;
        Greeting = greeting;
    }

    public ReplyLine Greeting { get; }

    /// <summary>Between replies the daemon says nothing: if it did, it hung up.</summary>
    public bool IsStale => client.HasMore || stream.Socket.Poll(TimeSpan.Zero, SelectMode.SelectRead);

    /// <exception cref="ConnectException">Nobody is there, or not for us.</exception>
    public static async Task<Connection> OpenAsync(string path, TimeSpan patience, CancellationToken cancellation)
    {
        var stream = new NetworkStream(await ConnectAsync(path, cancellation).ConfigureAwait(false), ownsSocket: true);
        try
        {
            var client = new ControlClient(stream, TimeProvider.System);
            var greeting = await client.GreetingAsync(patience, cancellation).ConfigureAwait(false);
            if (greeting.Number != (int)ReplyCode.Ready)
            {
                throw new ConnectException($"{path}: {greeting.Text}", ReplyCodes.ExitStatusOf(greeting.Number) is 0 ? ExitStatus.RunTime : ReplyCodes.ExitStatusOf(greeting.Number));
            }

            return new Connection(stream, client, greeting);
        }
        catch (TimeoutException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new ConnectException($"{path}: the daemon does not answer; it hangs or is overloaded", ExitStatus.DaemonDown);
        }
        catch (ControlProtocolException e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new ConnectException($"{path}: {e.Message}", ExitStatus.RunTime);
        }
        catch (IOException e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new ConnectException($"{path}: {e.Message}", ExitStatus.DaemonDown);
        }
        catch (ConnectException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends descriptors with the beginning of the next request (unix(7), SCM_RIGHTS).</summary>
    /// <param name="beginning">At least one character: descriptors travel with bytes.</param>
    /// <exception cref="Linux.Host.SystemCallException">The daemon hung up.</exception>
    public void SendDescriptors(string beginning, IReadOnlyList<SafeHandle> descriptors) =>
        Linux.Host.SocketPassing.Send(stream.Socket, Encoding.UTF8.GetBytes(beginning), [.. descriptors]);

    public IAsyncEnumerable<ReplyLine> SendAsync(string request, TimeSpan patience, CancellationToken cancellation) =>
        client.SendAsync(request, patience, cancellation);

    public void Dispose() => stream.Dispose();

    private static async Task<Socket> ConnectAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw e.SocketErrorCode == SocketError.AccessDenied
                ? new ConnectException($"{path}: permission denied; be root or in the socket's group, or use -r for what only reads", ExitStatus.NotPermitted)
                : new ConnectException($"{path}: the daemon is down: {Reason(e)}", ExitStatus.DaemonDown);
        }
        catch (ArgumentException)
        {
            socket.Dispose();
            throw new UsageException($"'{path}' cannot be the path of a socket: it is empty or too long");
        }
    }

    // The runtime has no word of its own for a missing socket file.
    private static string Reason(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressNotAvailable => "no such socket",
        SocketError.ConnectionRefused => "nobody listens there",
        _ => e.Message,
    };
}
