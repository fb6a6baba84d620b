using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SoftUnicast.Model;

namespace SoftUnicast.Traffic;

/// <summary>
/// TCP connections that stay: the origin sends a number every 20 ms, this end sends each back. TCP loses nothing, so
/// what shows is silence (a gap), the end of the connection (a break), or a number out of sequence.
/// </summary>
internal static class Hold
{
    public static async Task<int> RunAsync(Options options, CancellationToken cancellation)
    {
        var source = options.Address("source");
        var ports = options.Ports("ports");
        var target = options.TargetEndPoint();
        var gap = TimeSpan.FromMilliseconds(options.Number("gap", 500));
        var connections = options.Number("connections", 1);

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ending.CancelAfter(TimeSpan.FromSeconds(options.Number("seconds", 3600)));
        var standing = new CountdownEvent(connections);
        var runs = Enumerable.Range(1, connections)
            .Select(number => HoldOneAsync(number, source, ports, target, gap, standing, ending.Token))
            .ToArray();
        var results = await Task.WhenAll(runs);
        foreach (var result in results)
        {
            ResultJson.Print(result);
        }

        return results.All(result => result.Ok) ? 0 : 1;
    }

    private static async Task<HoldResult> HoldOneAsync(
        int number, IPAddress source, PortRange ports, IPEndPoint target, TimeSpan gap, CountdownEvent standing, CancellationToken cancellation)
    {
        string? local = null;
        long expected = 0, longestGap = 0;
        string? error;
        var last = Stopwatch.GetTimestamp();
        try
        {
            using var socket = await SliceSocket.ConnectTcpAsync(source, ports, target, cancellation);
            local = socket.LocalEndPoint!.ToString()!;
            var message = new byte[8];
            var filled = 0;
            last = Stopwatch.GetTimestamp();
            while (true)
            {
                var count = await socket.ReceiveAsync(message.AsMemory(filled), cancellation);
                if (count == 0)
                {
                    error = "closed by the other end";
                    break;
                }

                filled += count;
                if (filled < message.Length)
                {
                    continue;
                }

                filled = 0;
                var silent = Stopwatch.GetElapsedTime(last);
                last = Stopwatch.GetTimestamp();
                longestGap = Math.Max(longestGap, (long)silent.TotalMilliseconds);
                if (silent >= gap)
                {
                    ResultJson.Print(new Gap(number, local, (long)silent.TotalMilliseconds));
                }

                if (BinaryPrimitives.ReadInt64BigEndian(message) != expected)
                {
                    error = "a number out of sequence: another connection's data";
                    break;
                }

                if (expected++ == 0 && standing.Signal())
                {
                    ResultJson.Print(new Holding(standing.InitialCount));
                }

                await socket.SendAsync(message, cancellation);
            }
        }
        catch (SocketException failure)
        {
            error = failure.SocketErrorCode.ToString();
        }
        catch (OperationCanceledException)
        {
            error = expected == 0 ? "nothing came" : null;
        }

        longestGap = Math.Max(longestGap, (long)Stopwatch.GetElapsedTime(last).TotalMilliseconds);
        return new HoldResult(number, local, expected, longestGap, error is null, error);
    }
}
