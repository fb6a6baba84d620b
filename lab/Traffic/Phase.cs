using System.Diagnostics;
using SoftUnicast.Model;

namespace SoftUnicast.Traffic;

/// <summary>How a fetch by name can fail.</summary>
internal enum FetchFailure
{
    /// <summary>No answer, after all retransmissions.</summary>
    DnsTimeout,
    DnsServerFailure,

    /// <summary>Another response code than success or SERVFAIL.</summary>
    DnsRefused,
    DnsEmpty,
    DnsMalformed,
    ConnectRefused,
    ConnectTimeout,
    ConnectFailed,
    Reset,
    AnswerTimeout,

    /// <summary>No HTTP 200, or an answer that does not name the address and port that were asked.</summary>
    BadAnswer,
}

/// <summary>One fetch by name.</summary>
/// <param name="Retransmissions">Of its query.</param>
/// <param name="Server">Who answered; null: nobody.</param>
/// <param name="Failure">Null: all well.</param>
internal sealed record NameFetch(
    IpAddress Address, int Retransmissions, double ResolveMilliseconds, double FetchMilliseconds, string? Server, FetchFailure? Failure, string? Error);

/// <summary>Fetches between two marks.</summary>
internal sealed class Phase
{
    private readonly long start = Stopwatch.GetTimestamp();
    private readonly Dictionary<IpAddress, int> addresses = [];
    private readonly SortedDictionary<string, int> servers = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, FailureResult> failures = new(StringComparer.Ordinal);
    private readonly List<double> resolves = [];
    private readonly List<double> fetches = [];
    private long retransmissions;

    public void Add(NameFetch fetch)
    {
        retransmissions += fetch.Retransmissions;
        if (fetch.Failure is { } failure)
        {
            var name = System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(failure.ToString());
            var former = failures.GetValueOrDefault(name);
            failures[name] = new FailureResult((former?.Count ?? 0) + 1, former?.First ?? fetch.Error ?? "");
            return;
        }

        addresses[fetch.Address] = addresses.GetValueOrDefault(fetch.Address) + 1;
        servers[fetch.Server!] = servers.GetValueOrDefault(fetch.Server!) + 1;
        resolves.Add(fetch.ResolveMilliseconds);
        fetches.Add(fetch.FetchMilliseconds);
    }

    /// <param name="prefix">Whose addresses should have had equal shares; null: not asked.</param>
    public PhaseResult Close(string name, IpPrefix? prefix)
    {
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new PhaseResult(
            name, Math.Round(seconds, 3), fetches.Count, Math.Round(fetches.Count / seconds, 1), failures.Values.Sum(f => f.Count), failures, retransmissions,
            Percentile(resolves, 0.5), Percentile(resolves, 0.99), Percentile(fetches, 0.5), Percentile(fetches, 0.99),
            addresses.Count, servers, prefix is { } p ? LoadOf(p) : null);
    }

    private LoadResult LoadOf(IpPrefix prefix)
    {
        var counts = new int[(int)prefix.AddressCount];
        var inside = 0;
        foreach (var (address, count) in addresses.Where(a => prefix.Contains(a.Key)))
        {
            counts[(int)(address.Value - prefix.Network.Value)] = count;
            inside += count;
        }

        var chi = ChiSquared.AgainstEqualShares(counts);
        var mean = (double)inside / counts.Length;
        return new LoadResult(
            prefix.ToString(), fetches.Count - inside, chi?.Statistic, chi?.DegreesOfFreedom, chi?.CellsTogether, chi?.PValue, inside == 0 ? 0 : Math.Round(counts.Max() / mean, 2));
    }

    private static double Percentile(List<double> values, double part)
    {
        values.Sort();
        return values.Count == 0 ? 0 : Math.Round(values[(int)(values.Count * part)], 3);
    }
}
