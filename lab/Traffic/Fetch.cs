using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SoftUnicast.Traffic;

/// <summary>One HTTP request (RFC 9112) from a slice; the body is compared byte for byte.</summary>
internal static class Fetch
{
    private const int LongestHead = 4096;

    public static async Task<int> RunAsync(Options options, CancellationToken cancellation)
    {
        var source = options.Address("source");
        var ports = options.Ports("ports");
        var byteCount = options.Number("bytes", 1 << 20);
        if (!Uri.TryCreate(options.Target, UriKind.Absolute, out var url) || !IPAddress.TryParse(url.Host, out var host))
        {
            throw new UsageException("a target http://ADDRESS/ is missing");
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(TimeSpan.FromSeconds(options.Number("timeout", 20)));
        var clock = Stopwatch.StartNew();
        string? local = null, seen = null, error;
        long received = 0;
        try
        {
            using var socket = await SliceSocket.ConnectTcpAsync(source, ports, new IPEndPoint(host, url.Port), timeout.Token);
            local = socket.LocalEndPoint!.ToString();
            var request = string.Create(CultureInfo.InvariantCulture, $"GET /{byteCount} HTTP/1.1\r\nHost: {url.Authority}\r\nConnection: close\r\n\r\n");
            await socket.SendAsync(Encoding.ASCII.GetBytes(request), timeout.Token);
            (seen, received, error) = await ReceiveAsync(socket, byteCount, timeout.Token);
        }
        catch (SocketException failure)
        {
            error = failure.SocketErrorCode.ToString();
        }
        catch (OperationCanceledException)
        {
            error = "no answer in time";
        }

        if (error is null && seen != local)
        {
            error = $"left from {local}, the origin saw {seen}";
        }

        ResultJson.Print(new FetchResult(local, seen, received, clock.ElapsedMilliseconds, error is null, error));
        return error is null ? 0 : 1;
    }

    private static async Task<(string? Seen, long Bytes, string? Error)> ReceiveAsync(Socket socket, long byteCount, CancellationToken cancellation)
    {
        var buffer = new byte[1 << 16];
        var filled = 0;
        int headBytes;
        while ((headBytes = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(filled, LongestHead - filled), cancellation);
            if (count == 0)
            {
                return (null, 0, "closed before an answer came");
            }

            filled += count;
        }

        var head = Encoding.ASCII.GetString(buffer, 0, headBytes).Split("\r\n");
        var seen = Array.Find(head, line => line.StartsWith("X-Seen: ", StringComparison.Ordinal))?["X-Seen: ".Length..];
        if (!head[0].StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
        {
            return (seen, 0, head[0]);
        }

        long offset = 0;
        var body = buffer.AsMemory(headBytes + 4, filled - headBytes - 4);
        while (true)
        {
            var difference = Content.FirstDifference(body.Span, offset);
            if (difference >= 0)
            {
                return (seen, difference, string.Create(CultureInfo.InvariantCulture, $"byte {difference} is wrong"));
            }

            offset += body.Length;
            var count = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
            if (count == 0)
            {
                return (seen, offset, offset == byteCount ? null : string.Create(CultureInfo.InvariantCulture, $"{offset} of {byteCount} bytes"));
            }

            body = buffer.AsMemory(0, count);
        }
    }
}
