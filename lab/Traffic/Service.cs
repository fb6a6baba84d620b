using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SoftUnicast.Traffic;

/// <summary>An HTTP service (RFC 9112, as little of it as GET needs) that tells who was asked, and at which address and port.</summary>
internal static class Service
{
    private const int LongestRequest = 2048;
    private const int Backlog = 4096;
    private const int FirstPassed = 3; // SD_LISTEN_FDS_START
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(Options options, CancellationToken cancellation)
    {
        var name = options.Text("name") ?? Environment.MachineName;
        var requests = options.Number("requests", 1);
        var passed = Passed();
        var sockets = passed.Count > 0 ? passed : [Listen(options.Address("address", IPAddress.Any), options.Number("port", 0))];
        ResultJson.Print(new Listening(name, [.. sockets.Select(s => s.LocalEndPoint!.ToString()!)]));
        try
        {
            await await Task.WhenAny(sockets.Select(s => AcceptAsync(s, name, requests, cancellation)));
        }
        catch (OperationCanceledException)
        {
            // Asked to end.
        }

        sockets.ForEach(s => s.Dispose());
        return 0;
    }

    // sd_listen_fds(3)
    private static List<Socket> Passed()
    {
        var isForUs = Environment.GetEnvironmentVariable("LISTEN_PID") == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return isForUs && int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), CultureInfo.InvariantCulture, out var count)
            ? [.. Enumerable.Range(FirstPassed, count).Select(fd => new Socket(new SafeSocketHandle(fd, ownsHandle: true)))]
            : [];
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = true;
        }

        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(Backlog);
        return socket;
    }

    private static async Task AcceptAsync(Socket listener, string name, int requests, CancellationToken cancellation)
    {
        while (true)
        {
            var socket = await listener.AcceptAsync(cancellation);
            _ = ServeAsync(socket, name, requests, cancellation);
        }
    }

    private static async Task ServeAsync(Socket socket, string name, int requests, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(RequestTime);
        try
        {
            socket.NoDelay = true;
            var local = (IPEndPoint)socket.LocalEndPoint!;
            var body = $"{name} {(local.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(local.Address.MapToIPv4(), local.Port) : local)}\n";
            await AnswerAsync(socket, body, requests, timeout.Token);

            // This end closes first: TIME_WAIT stays here.
            socket.Shutdown(SocketShutdown.Send);
            var rest = new byte[LongestRequest];
            while (await socket.ReceiveAsync(rest, timeout.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // The client is gone; it knows why.
        }
        catch (OperationCanceledException)
        {
            // Silent for too long, or the service ends.
        }
        finally
        {
            socket.Dispose();
        }
    }

    private static async Task AnswerAsync(Socket socket, string body, int requests, CancellationToken cancellation)
    {
        var request = new byte[LongestRequest];
        var filled = 0;
        for (var left = requests - 1; left >= 0; left--)
        {
            int headBytes;
            while ((headBytes = request.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) + 4) < 4)
            {
                var count = await socket.ReceiveAsync(request.AsMemory(filled), cancellation);
                if (count == 0)
                {
                    return;
                }

                filled += count;
            }

            var head = Encoding.ASCII.GetString(request, 0, headBytes);
            var isLast = left == 0 || head.Contains("\r\nConnection: close\r\n", StringComparison.OrdinalIgnoreCase);
            var (status, content) = head.StartsWith("GET ", StringComparison.Ordinal) ? ("200 OK", body) : ("405 Method Not Allowed", "");
            var answer = string.Create(
                CultureInfo.InvariantCulture,
                $"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {content.Length}\r\n{(isLast ? "Connection: close\r\n" : "")}\r\n{content}");
            await socket.SendAsync(Encoding.ASCII.GetBytes(answer), cancellation);
            if (isLast)
            {
                return;
            }

            request.AsSpan(headBytes, filled - headBytes).CopyTo(request);
            filled -= headBytes;
        }
    }
}
