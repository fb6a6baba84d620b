using System.Globalization;
using System.Text;
using SoftUnicast.Traffic;

namespace SoftUnicast.Bench;

/// <summary>What clients saw while names moved to fewer and fewer addresses.</summary>
/// <param name="Phases">In their order, with the changes between them and the end.</param>
internal sealed record ShrinkReport(IReadOnlyList<PhaseResult> Phases) : IAgilityPart
{
    private const string UniformPhase = "/20";

    public IEnumerable<KeyValuePair<string, object?>> Figures =>
    [
        new("failed_requests", Failed),
        new("requests", Asked),
        new("chi2_p", Phases.Single(p => p.Phase == UniformPhase).Load!.P),
        new("phases", Measured.ToDictionary(p => p.Phase, p => new Dictionary<string, object?>
        {
            ["fetches_per_second"] = p.FetchesPerSecond,
            ["resolve_p50_ms"] = p.ResolveP50Ms,
            ["resolve_p99_ms"] = p.ResolveP99Ms,
            ["fetch_p50_ms"] = p.FetchP50Ms,
            ["fetch_p99_ms"] = p.FetchP99Ms,
            ["fetches"] = p.Fetches,
            ["failed"] = p.Failed,
            ["dns_retransmissions"] = p.DnsRetransmissions,
            ["addresses"] = p.Addresses,
            ["outside"] = p.Load!.Outside,
            ["chi2"] = p.Load.ChiSquared is { } chi ? Math.Round(chi, 1) : null,
            ["degrees_of_freedom"] = p.Load.DegreesOfFreedom,
            ["p"] = p.Load.P,
            ["max_to_mean"] = p.Load.MaxToMean,
        })),
    ];

    // In the changes too, and in what came before and after.
    private int Failed => Phases.Sum(p => p.Failed);

    private int Asked => Failed + Phases.Sum(p => p.Fetches);

    private IEnumerable<PhaseResult> Measured => Phases.Where(p => p.Load is not null);

    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine("100,000 names        fetches/s   resolve p99   fetch p99 ms   failed   addresses   max/mean   chi2 of equal shares");
        foreach (var phase in Measured)
        {
            text.Append(CultureInfo.InvariantCulture, $"{phase.Phase,-18}{phase.FetchesPerSecond,12:F0}{phase.ResolveP99Ms,14:F2}{phase.FetchP99Ms,15:F2}{phase.Failed,9}{phase.Addresses,12}{phase.Load!.MaxToMean,11:F2}   ");
            text.AppendLine(phase.Load.P is { } p
                ? string.Create(CultureInfo.InvariantCulture, $"{phase.Load.ChiSquared:F0} of {phase.Load.DegreesOfFreedom}, p = {p:G3}{Together(phase.Load)}")
                : "one address");
        }

        var load = Phases.Single(p => p.Phase == UniformPhase).Servers;
        text.AppendLine(CultureInfo.InvariantCulture, $"servers in phase {UniformPhase}: {string.Join(", ", load.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value}")))}");
        text.Append(CultureInfo.InvariantCulture, $"failed, the changes between the phases included: {Failed} of {Asked}; none: {AgilityReport.Verdict(Failed == 0)}");
        foreach (var (kind, failure) in Phases.SelectMany(p => p.Failures.Select(f => (Kind: $"{p.Phase}: {f.Key}", f.Value))))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  {kind} {failure.Count}, the first: {failure.First}");
        }

        return text.ToString();
    }

    private static string Together(LoadResult load) => load.AddressesTogether == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({load.AddressesTogether} addresses as one)");
}
