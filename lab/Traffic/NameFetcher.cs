using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Traffic;

/// <summary>What all clients of <see cref="Names"/> do alike.</summary>
/// <param name="DnsTimeout">Until a query is sent again.</param>
/// <param name="DnsTries">So often at most.</param>
/// <param name="Timeout">To connect, and again to be answered.</param>
internal sealed record NameFetcher(IPEndPoint Dns, NamePicker Names, int[] Ports, TimeSpan DnsTimeout, int DnsTries, TimeSpan Timeout)
{
    public NameClient NewClient() => new(this);
}

/// <summary>One client: a query, then a request, one after the other.</summary>
internal sealed class NameClient : IDisposable
{
    private const int LongestAnswer = 4096;
    private const int ServFail = 2;
    private readonly NameFetcher how;
    private readonly Socket dns;
    private readonly byte[] query = new byte[DnsMessage.LongestBytes];
    private readonly byte[] buffer = new byte[LongestAnswer];
    private CancellationTokenSource timeout = new();

    public NameClient(NameFetcher how)
    {
        this.how = how;
        dns = new Socket(how.Dns.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        dns.Connect(how.Dns);
    }

    public async Task<NameFetch> FetchAsync()
    {
        var start = Stopwatch.GetTimestamp();
        var (address, retransmissions, failure, error) = await ResolveAsync(how.Names.Next(Random.Shared));
        var resolved = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (failure is not null)
        {
            return new NameFetch(default, retransmissions, resolved, 0, null, failure, error);
        }

        start = Stopwatch.GetTimestamp();
        (var server, failure, error) = await GetAsync(address, how.Ports[Random.Shared.Next(how.Ports.Length)]);
        return new NameFetch(address, retransmissions, resolved, Stopwatch.GetElapsedTime(start).TotalMilliseconds, server, failure, error);
    }

    public void Dispose()
    {
        dns.Dispose();
        timeout.Dispose();
    }

    private async Task<(IpAddress Address, int Retransmissions, FetchFailure? Failure, string? Error)> ResolveAsync(string name)
    {
        var length = DnsMessage.WriteQuery(query, (ushort)Random.Shared.Next(1 << 16), name);
        string? refused = null;
        for (var attempt = 0; attempt < how.DnsTries; attempt++)
        {
            var limit = Within(how.DnsTimeout);
            try
            {
                await dns.SendAsync(query.AsMemory(0, length), limit);
                while (true)
                {
                    var count = await dns.ReceiveAsync(buffer, limit);
                    var outcome = DnsMessage.ReadAnswer(buffer.AsSpan(0, count), query.AsSpan(0, length), out var address, out var code);
                    if (outcome != DnsOutcome.Foreign)
                    {
                        return (address, attempt, Failure(outcome, code), outcome == DnsOutcome.Address ? null : $"{name}: {outcome}, response code {code}");
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Lost: the next attempt.
            }
            catch (SocketException nobody)
            {
                refused = $"; {nobody.Message}";
            }
        }

        return (default, how.DnsTries - 1, FetchFailure.DnsTimeout, string.Create(CultureInfo.InvariantCulture, $"{name}: no answer to {how.DnsTries} queries{refused}"));
    }

    private static FetchFailure? Failure(DnsOutcome outcome, int code) => outcome switch
    {
        DnsOutcome.Address => null,
        DnsOutcome.Empty => FetchFailure.DnsEmpty,
        DnsOutcome.Refused => code == ServFail ? FetchFailure.DnsServerFailure : FetchFailure.DnsRefused,
        _ => FetchFailure.DnsMalformed,
    };

    private async Task<(string? Server, FetchFailure? Failure, string? Error)> GetAsync(IpAddress address, int port)
    {
        var to = new IPEndPoint(address.ToIPAddress(), port);
        using var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var failure = FetchFailure.ConnectTimeout;
        var limit = Within(how.Timeout);
        try
        {
            await socket.ConnectAsync(to, limit);
            failure = FetchFailure.AnswerTimeout;
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n"), limit);
            var filled = 0;
            while (filled < buffer.Length && await socket.ReceiveAsync(buffer.AsMemory(filled), limit) is > 0 and var count)
            {
                filled += count;
            }

            return Read(Encoding.ASCII.GetString(buffer, 0, filled), to);
        }
        catch (SocketException e)
        {
            return (null, Failure(e.SocketErrorCode, failure), $"{to}: {e.Message}");
        }
        catch (OperationCanceledException)
        {
            return (null, failure, string.Create(CultureInfo.InvariantCulture, $"{to}: nothing in {how.Timeout.TotalSeconds} s"));
        }
    }

    private static FetchFailure Failure(SocketError error, FetchFailure stage) => error switch
    {
        SocketError.ConnectionRefused => FetchFailure.ConnectRefused,
        SocketError.ConnectionReset => FetchFailure.Reset,
        SocketError.TimedOut => stage,
        _ => FetchFailure.ConnectFailed,
    };

    private static (string? Server, FetchFailure? Failure, string? Error) Read(string answer, IPEndPoint asked)
    {
        var bodyAt = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        var words = bodyAt < 4 ? [] : answer[bodyAt..].TrimEnd('\n').Split(' ');
        return answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) && words is [var server, var local] && local == asked.ToString()
            ? (server, null, null)
            : (null, FetchFailure.BadAnswer, $"{asked} answered '{answer}'");
    }

    private CancellationToken Within(TimeSpan time)
    {
        if (!timeout.TryReset())
        {
            timeout.Dispose();
            timeout = new CancellationTokenSource();
        }

        timeout.CancelAfter(time);
        return timeout.Token;
    }
}
