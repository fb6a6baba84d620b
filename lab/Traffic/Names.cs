using System.Threading.Channels;
using SoftUnicast.Model;

namespace SoftUnicast.Traffic;

/// <summary>
/// Many clients that keep nothing: for each fetch one query for the name, and one HTTP request to the address of the answer. Lines on
/// standard input divide the time into phases: <c>mark NAME [PREFIX]</c> ends one, and its figures are said at once.
/// </summary>
internal sealed class Names
{
    private const string LastPhase = "end";
    private const int LongestPrefix = 16; // addresses are counted one by one
    private readonly Lock phases = new();
    private readonly NameFetcher fetcher;
    private readonly long fetchCount;
    private long begun;
    private long failed;
    private Phase phase = new();

    private Names(NameFetcher fetcher, long fetchCount) => (this.fetcher, this.fetchCount) = (fetcher, fetchCount);

    public static async Task<int> RunAsync(Options options, CancellationToken cancellation)
    {
        var count = options.Number("fetches", 0);
        var prefix = options.Text("prefix") is { } text ? ReadPrefix(text) : (IpPrefix?)null;
        var fetcher = new NameFetcher(
            options.EndPoint("dns"),
            new NamePicker(options.Target ?? throw new UsageException("a pattern of names is missing"), options.Number("names", 100_000), options.Real("zipf", 0)),
            options.PortList("ports"),
            TimeSpan.FromMilliseconds(options.Number("dns-timeout", 1000)), options.Number("dns-tries", 3), TimeSpan.FromMilliseconds(options.Number("timeout", 5000)));
        var names = new Names(fetcher, count == 0 ? long.MaxValue : count);

        // Without a number of fetches the end of the input is the end; a signal always is.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var marks = names.MarkAsync(ending, endsWithInput: count == 0);
        var clients = Enumerable.Range(0, options.Number("concurrency", 32)).Select(_ => names.FetchUntilAsync(ending.Token)).ToArray();
        await Task.WhenAll(clients);
        await ending.CancelAsync();
        await marks;
        names.Close(LastPhase, prefix);
        return names.failed == 0 ? 0 : 1;
    }

    private static IpPrefix ReadPrefix(string text) => IpPrefix.TryParse(text, out var prefix) && !prefix.IsIPv6 && prefix.Length >= 32 - LongestPrefix
        ? prefix
        : throw new UsageException($"'{text}' is no IPv4 prefix of a /16 or longer");

    private async Task FetchUntilAsync(CancellationToken ending)
    {
        using var client = fetcher.NewClient();
        while (!ending.IsCancellationRequested && Interlocked.Increment(ref begun) <= fetchCount)
        {
            var fetch = await client.FetchAsync(); // what has begun is not broken off: that would look like a failure
            lock (phases)
            {
                phase.Add(fetch);
                failed += fetch.Failure is null ? 0 : 1;
            }
        }
    }

    private void Close(string name, IpPrefix? prefix)
    {
        Phase closed;
        lock (phases)
        {
            (closed, phase) = (phase, new Phase());
        }

        ResultJson.Print(closed.Close(name, prefix));
    }

    private async Task MarkAsync(CancellationTokenSource ending, bool endsWithInput)
    {
        var lines = Channel.CreateUnbounded<string>();
        new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line)
            {
                lines.Writer.TryWrite(line);
            }

            lines.Writer.Complete();
        }) { IsBackground = true }.Start(); // a read of standard input cannot be cancelled

        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(ending.Token))
            {
                switch (line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    case ["mark", var name]:
                        Close(name, null);
                        break;
                    case ["mark", var name, var prefix]:
                        Close(name, ReadPrefix(prefix));
                        break;
                    default:
                        throw new UsageException($"'{line}' on standard input: 'mark NAME [PREFIX]' is known");
                }
            }

            if (endsWithInput)
            {
                await ending.CancelAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The fetches are done, or a signal came.
        }
        catch (UsageException)
        {
            await ending.CancelAsync();
            throw;
        }
    }
}
