using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SoftUnicast.Traffic;

/// <summary>Numbered datagrams from one port of a slice to the echo; each must come back once, unaltered.</summary>
internal static class UdpProbe
{
    private const int HeaderBytes = 16;
    private static readonly TimeSpan LastAnswer = TimeSpan.FromSeconds(1);

    public static async Task<int> RunAsync(Options options, CancellationToken cancellation)
    {
        var source = options.Address("source");
        var ports = options.Ports("ports");
        var target = options.TargetEndPoint();
        var count = options.Number("count", 100);
        var rate = Math.Max(1, options.Number("rate", 200));
        var size = Math.Max(HeaderBytes, options.Number("size", 200));

        using var socket = SliceSocket.BindUdp(source, ports);
        var local = socket.LocalEndPoint!.ToString();
        var answers = new Answers(count, size);
        using var receiving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var receiver = answers.ReceiveAsync(socket, receiving.Token);
        string? error = null;
        var sent = 0;
        var clock = Stopwatch.StartNew();
        try
        {
            var datagram = new byte[size];
            for (; sent < count; sent++)
            {
                var due = TimeSpan.FromSeconds((double)sent / rate) - clock.Elapsed;
                if (due > TimeSpan.FromMilliseconds(1))
                {
                    await Task.Delay(due, cancellation);
                }

                BinaryPrimitives.WriteInt64BigEndian(datagram, sent);
                BinaryPrimitives.WriteInt64BigEndian(datagram.AsSpan(8), Stopwatch.GetTimestamp());
                Content.Fill(datagram.AsSpan(HeaderBytes), sent);
                await socket.SendToAsync(datagram, SocketFlags.None, target, cancellation);
            }
        }
        catch (SocketException failure)
        {
            error = failure.SocketErrorCode.ToString();
        }
        catch (OperationCanceledException)
        {
            // Ended early by a signal: what was sent so far is what counts.
        }

        receiving.CancelAfter(answers.Received == sent ? TimeSpan.Zero : LastAnswer);
        await Task.WhenAny(receiver, answers.AllOf(sent));
        await receiving.CancelAsync();
        await receiver;

        var lost = sent - answers.Received;
        var ok = error is null && lost == 0 && answers.Doubled == 0 && answers.Altered == 0;
        ResultJson.Print(new UdpResult(
            local, sent, answers.Received, lost, answers.Doubled, answers.Altered, answers.MedianMilliseconds(), answers.LongestGapMilliseconds, ok, error));
        return ok ? 0 : 1;
    }

    private sealed class Answers(int count, int size)
    {
        private readonly bool[] came = new bool[count];
        private readonly List<double> milliseconds = new(count);
        private readonly TaskCompletionSource complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long lastTimestamp;
        private int awaited = int.MaxValue;

        public int Received { get; private set; }

        public int Doubled { get; private set; }

        public int Altered { get; private set; }

        public double LongestGapMilliseconds { get; private set; }

        /// <summary>Completes when as many as were sent have come back.</summary>
        public Task AllOf(int sent)
        {
            Volatile.Write(ref awaited, sent);
            if (Received >= sent)
            {
                complete.TrySetResult();
            }

            return complete.Task;
        }

        public double MedianMilliseconds()
        {
            milliseconds.Sort();
            return milliseconds.Count == 0 ? 0 : Math.Round(milliseconds[milliseconds.Count / 2], 3);
        }

        public async Task ReceiveAsync(Socket socket, CancellationToken cancellation)
        {
            var buffer = new byte[size + 1];
            try
            {
                while (true)
                {
                    var answer = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellation);
                    Take(buffer.AsSpan(0, answer.ReceivedBytes));
                    if (Received >= Volatile.Read(ref awaited))
                    {
                        complete.TrySetResult();
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The time for answers is over.
            }
        }

        private void Take(ReadOnlySpan<byte> datagram)
        {
            var now = Stopwatch.GetTimestamp();
            var number = datagram.Length == size ? BinaryPrimitives.ReadInt64BigEndian(datagram) : -1;
            if (number < 0 || number >= count || Content.FirstDifference(datagram[HeaderBytes..], number) >= 0)
            {
                Altered++;
                return;
            }

            if (came[number])
            {
                Doubled++;
                return;
            }

            came[number] = true;
            Received++;
            milliseconds.Add(Stopwatch.GetElapsedTime(BinaryPrimitives.ReadInt64BigEndian(datagram[8..]), now).TotalMilliseconds);
            if (lastTimestamp != 0)
            {
                LongestGapMilliseconds = Math.Max(LongestGapMilliseconds, Math.Round(Stopwatch.GetElapsedTime(lastTimestamp, now).TotalMilliseconds, 1));
            }

            lastTimestamp = now;
        }
    }
}
