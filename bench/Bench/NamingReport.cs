using System.Globalization;
using System.Text;

namespace SoftUnicast.Bench;

/// <summary>What answers by policy cost: medians over the rounds. Latencies are at half the queries that the arm answers at most.</summary>
/// <param name="DnsQps">Queries a second that dnsdist answers by policy.</param>
/// <param name="DnsQpsRemote">The same through PowerDNS's remote backend.</param>
/// <param name="DnsQpsBindBackend">Static records of PowerDNS's bind backend, caches off.</param>
/// <param name="DnsdistRatio">Median over the rounds of dnsdist against the bind backend in the same round.</param>
/// <param name="RemoteRatio">The same of the remote backend.</param>
/// <param name="DnsP99Ms">99th percentile of dnsdist's latency; milliseconds.</param>
/// <param name="DnsProcessorUs">Processor time that dnsdist takes for a query, microseconds: what others do on the machine changes it less than it does rates.</param>
/// <param name="DnsProcessorUsRemote">Of PowerDNS and of our end of its remote backend.</param>
/// <param name="NamingMib20M">What policies for twenty million names take, in this process and in dnsdist, whichever is more; MiB.</param>
/// <param name="FailedQueries">Queries that nobody answered, and answers that were no success.</param>
internal sealed record NamingReport(
    double DnsQps, double DnsQpsRemote, double DnsQpsBindBackend, double DnsdistRatio, double RemoteRatio,
    double DnsP99Ms, double DnsP99MsRemote, double DnsP99MsBindBackend,
    double DnsProcessorUs, double DnsProcessorUsRemote, double DnsProcessorUsBindBackend, double NamingMib20M, long FailedQueries) : IAgilityPart
{
    private const double DnsdistGoal = 1.0;
    private const double RemoteGoal = 0.25;
    private const double MibGoal = 64;

    public IEnumerable<KeyValuePair<string, object?>> Figures =>
    [
        new("dns_qps", Math.Round(DnsQps)),
        new("dns_qps_remote", Math.Round(DnsQpsRemote)),
        new("dns_qps_bind_backend", Math.Round(DnsQpsBindBackend)),
        new("dns_ratio", Math.Round(DnsdistRatio, 3)),
        new("dns_ratio_remote", Math.Round(RemoteRatio, 3)),
        new("dns_p99_ms", Math.Round(DnsP99Ms, 3)),
        new("dns_p99_ms_remote", Math.Round(DnsP99MsRemote, 3)),
        new("dns_p99_ms_bind_backend", Math.Round(DnsP99MsBindBackend, 3)),
        new("dns_cpu_us", Math.Round(DnsProcessorUs, 2)),
        new("dns_cpu_us_remote", Math.Round(DnsProcessorUsRemote, 2)),
        new("dns_cpu_us_bind_backend", Math.Round(DnsProcessorUsBindBackend, 2)),
        new("naming_mib_20m", Math.Round(NamingMib20M, 1)),
        new("dns_failed_queries", FailedQueries),
    ];

    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine("100,000 names            queries/s   p99 ms   cpu us   of bind backend   goal");
        Row("dnsdist, by policy", DnsQps, DnsP99Ms, DnsProcessorUs, DnsdistRatio, DnsdistGoal);
        Row("PowerDNS, by policy", DnsQpsRemote, DnsP99MsRemote, DnsProcessorUsRemote, RemoteRatio, RemoteGoal);
        Row("PowerDNS, bind backend", DnsQpsBindBackend, DnsP99MsBindBackend, DnsProcessorUsBindBackend, null, 0);
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"20 million names by policy: {NamingMib20M:F1} MiB; less than {MibGoal}: {AgilityReport.Verdict(NamingMib20M < MibGoal)}");
        text.Append(CultureInfo.InvariantCulture, $"queries without a good answer: {FailedQueries}");
        return text.ToString();

        void Row(string name, double rate, double p99, double processorUs, double? ratio, double goal)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name,-22}{rate,12:F0}{p99,9:F2}{processorUs,9:F2}");
            text.AppendLine(ratio is { } r ? string.Create(CultureInfo.InvariantCulture, $"{r,18:F3}   {AgilityReport.AtLeast(goal, r)}") : "");
        }
    }
}
