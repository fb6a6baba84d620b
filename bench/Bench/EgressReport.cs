using System.Globalization;
using System.Text;
using System.Text.Json;
using SoftUnicast.Linux.Bpf;

namespace SoftUnicast.Bench;

/// <summary>The port chooser with a slice filled to some percent. Rates in connections a second, times of connect(2) in microseconds.</summary>
/// <param name="ExecRatio">Through exec, against a program that lets the kernel choose in its slice: median of the rounds.</param>
/// <param name="ControlRatio">The second way against itself.</param>
internal sealed record EgressLevel(
    double ExecRate, double RangeRate, double ExecRatio, double ControlRatio,
    double ExecP50Us, double ExecP99Us, double KernelP50Us, double KernelP99Us);

/// <summary>What <c>bench/run egress</c> found.</summary>
/// <param name="Levels">By percent of the slice that is in use.</param>
internal sealed record EgressReport(IReadOnlyDictionary<int, EgressLevel> Levels, GuardFigures Guard, WhoFigures Who) : IBenchReport
{
    private const double ExecGoal = 0.95;
    private const double GuardGoal = 0.95;
    private const double WhoGoalMs = 100;
    private static readonly int[] TimedPercents = [10, 50, 90, 99];

    public string ToJson() => JsonSerializer.Serialize(
        new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["exec_vs_range"] = Math.Round(Levels[0].ExecRatio, 3),
            ["exec_vs_range_90"] = Math.Round(Levels[90].ExecRatio, 3),
            ["control"] = Math.Round(Levels[0].ControlRatio, 3),
            ["connect_us_p50"] = ByPercent(level => level.ExecP50Us),
            ["connect_us_p99"] = ByPercent(level => level.ExecP99Us),
            ["kernel_us_p99"] = ByPercent(level => level.KernelP99Us),
            ["guard_ns"] = Math.Round(Guard.GuardNs, 1),
            ["guard_way"] = Name(Guard.Way),
            ["guard_udp_ratio"] = Math.Round(Guard.GuardUdpRatio, 3),
            ["nft_udp_ratio"] = Math.Round(Guard.NftUdpRatio, 3),
            ["guard_control"] = Math.Round(Guard.ControlRatio, 3),
            ["who_ms"] = Math.Round(Who.WhoMs, 1),
        });

    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine("connections a second on one CPU, medians: through exec, beside IP_LOCAL_PORT_RANGE and that against itself");
        text.AppendLine("slice in use    exec/s   range/s   exec:range   control   goal");
        foreach (var (percent, level) in Levels.OrderBy(l => l.Key))
        {
            text.Append(CultureInfo.InvariantCulture, $"{percent,11} %{level.ExecRate,10:F0}{level.RangeRate,10:F0}{level.ExecRatio,13:F3}{level.ControlRatio,10:F3}");
            text.AppendLine(percent is 0 or 90 ? $"   at least {ExecGoal:F2}: {Met(level.ExecRatio >= ExecGoal)}" : "");
        }

        text.AppendLine();
        text.AppendLine("connect(2), in us");
        text.AppendLine("slice in use  exec p50  exec p99   range p50   range p99");
        foreach (var percent in TimedPercents)
        {
            var level = Levels[percent];
            text.AppendLine(CultureInfo.InvariantCulture, $"{percent,11} %{level.ExecP50Us,9:F1}{level.ExecP99Us,10:F1}{level.KernelP50Us,12:F1}{level.KernelP99Us,12:F1}");
        }

        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"guard              {Guard.GuardNs,8:F1} ns a packet beyond an empty program");
        text.AppendLine(CultureInfo.InvariantCulture, $"64-byte UDP        {Guard.GuardUdpRatio,8:F3} x with the guard by {Name(Guard.Way)}, control {Guard.ControlRatio:F3}   at least {GuardGoal:F2}: {Met(Guard.GuardUdpRatio >= GuardGoal)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"                   {Guard.NftUdpRatio,8:F3} x with the same rule in nft   less than the guard's: {Met(Guard.NftUdpRatio < Guard.GuardUdpRatio)}");
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"who had a port     {Who.WhoMs,8:F1} ms p99, {Who.Files} files, {Who.Records:N0} records, {Who.Bytes >> 20} MiB   under {WhoGoalMs:F0} ms: {Met(Who.WhoMs < WhoGoalMs)}");
        return text.ToString().TrimEnd();
    }

    private static string Met(bool isMet) => isMet ? "met" : "MISSED";

    private static string Name(GuardWay way) => way == GuardWay.Tcx ? "tcx" : "clsact";

    private Dictionary<string, double> ByPercent(Func<EgressLevel, double> figure) => TimedPercents.ToDictionary(
        percent => percent.ToString(CultureInfo.InvariantCulture), percent => Math.Round(figure(Levels[percent]), 1));
}
