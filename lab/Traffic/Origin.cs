using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SoftUnicast.Traffic;

/// <summary>The server on the Internet: HTTP (GET /N answers N bytes), UDP echo, hold connections. Prints whom it saw.</summary>
internal static class Origin
{
    private const int LongestRequest = 2048;
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HoldInterval = TimeSpan.FromMilliseconds(20);

    public static async Task<int> RunAsync(Options options, CancellationToken cancellation)
    {
        var address = options.Address("address");
        using var http = Listen(address, options.Number("http-port", 80));
        using var hold = Listen(address, options.Number("hold-port", 9));
        using var udp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 22 };
        udp.Bind(new IPEndPoint(address, options.Number("udp-port", 7)));
        ResultJson.Print(new Seen("listening", address.ToString(), null));
        try
        {
            await await Task.WhenAny(
                AcceptAsync(http, AnswerAsync, cancellation),
                AcceptAsync(hold, SequenceAsync, cancellation),
                EchoAsync(udp, cancellation));
        }
        catch (OperationCanceledException)
        {
            // Asked to end.
        }

        return 0;
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(512);
        return socket;
    }

    private static async Task AcceptAsync(Socket listener, Func<Socket, CancellationToken, Task> serve, CancellationToken cancellation)
    {
        while (true)
        {
            var socket = await listener.AcceptAsync(cancellation);
            _ = ServeAsync(socket, serve, cancellation);
        }
    }

    private static async Task ServeAsync(Socket socket, Func<Socket, CancellationToken, Task> serve, CancellationToken cancellation)
    {
        var peer = "?";
        try
        {
            peer = socket.RemoteEndPoint!.ToString()!;
            socket.NoDelay = true;
            await serve(socket, cancellation);
        }
        catch (SocketException failure)
        {
            ResultJson.Print(new Seen("broken", peer, failure.SocketErrorCode.ToString()));
        }
        catch (OperationCanceledException)
        {
            ResultJson.Print(new Seen("abandoned", peer, null));
        }
        finally
        {
            socket.Dispose();
        }
    }

    private static async Task AnswerAsync(Socket socket, CancellationToken cancellation)
    {
        var peer = socket.RemoteEndPoint!.ToString()!;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(RequestTime);
        var request = new byte[LongestRequest];
        var filled = 0;
        while (request.AsSpan(0, filled).IndexOf("\r\n\r\n"u8) < 0)
        {
            var count = await socket.ReceiveAsync(request.AsMemory(filled), timeout.Token);
            if (count == 0)
            {
                return;
            }

            filled += count;
        }

        var line = Encoding.ASCII.GetString(request, 0, request.AsSpan().IndexOf("\r\n"u8));
        ResultJson.Print(new Seen("http", peer, line));
        var words = line.Split(' ');
        if (words is not ["GET", ['/', .. var size], _] || !long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var byteCount))
        {
            await socket.SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), cancellation);
        }
        else
        {
            var head = string.Create(
                CultureInfo.InvariantCulture,
                $"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {byteCount}\r\nX-Seen: {peer}\r\nConnection: close\r\n\r\n");
            await socket.SendAsync(Encoding.ASCII.GetBytes(head), cancellation);
            var buffer = new byte[1 << 16];
            for (long offset = 0; offset < byteCount;)
            {
                var part = buffer.AsMemory(0, (int)Math.Min(buffer.Length, byteCount - offset));
                Content.Fill(part.Span, offset);
                for (var sent = 0; sent < part.Length;)
                {
                    sent += await socket.SendAsync(part[sent..], cancellation);
                }

                offset += part.Length;
            }
        }

        // This end closes first: TIME_WAIT stays here and takes no port of the slice.
        socket.Shutdown(SocketShutdown.Send);
        while (await socket.ReceiveAsync(request, timeout.Token) > 0)
        {
        }
    }

    private static async Task SequenceAsync(Socket socket, CancellationToken cancellation)
    {
        var peer = socket.RemoteEndPoint!.ToString()!;
        ResultJson.Print(new Seen("hold", peer, null));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var echo = CheckEchoAsync(socket, ended.Token);
        var message = new byte[8];
        using var timer = new PeriodicTimer(HoldInterval);
        for (long number = 0; !echo.IsCompleted; number++)
        {
            BinaryPrimitives.WriteInt64BigEndian(message, number);
            await socket.SendAsync(message, cancellation);
            await timer.WaitForNextTickAsync(cancellation);
        }

        ResultJson.Print(new Seen("hold-ended", peer, await echo));
    }

    // What went wrong, or null if the other end closed in good order.
    private static async Task<string?> CheckEchoAsync(Socket socket, CancellationToken cancellation)
    {
        var message = new byte[8];
        for (long expected = 0; ; expected++)
        {
            for (var filled = 0; filled < message.Length;)
            {
                var count = await socket.ReceiveAsync(message.AsMemory(filled), cancellation);
                if (count == 0)
                {
                    return null;
                }

                filled += count;
            }

            if (BinaryPrimitives.ReadInt64BigEndian(message) != expected)
            {
                return string.Create(CultureInfo.InvariantCulture, $"expected {expected}");
            }
        }
    }

    private static async Task EchoAsync(Socket socket, CancellationToken cancellation)
    {
        var seen = new ConcurrentDictionary<EndPoint, bool>();
        var buffer = new byte[1 << 16];
        while (true)
        {
            var datagram = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellation);
            if (seen.Count < 100_000 && seen.TryAdd(datagram.RemoteEndPoint, true))
            {
                ResultJson.Print(new Seen("udp", datagram.RemoteEndPoint.ToString()!, null));
            }

            try
            {
                await socket.SendToAsync(buffer.AsMemory(0, datagram.ReceivedBytes), SocketFlags.None, datagram.RemoteEndPoint, cancellation);
            }
            catch (SocketException failure)
            {
                ResultJson.Print(new Seen("udp-unsent", datagram.RemoteEndPoint.ToString()!, failure.SocketErrorCode.ToString()));
            }
        }
    }
}
