using System.Globalization;
using System.Text;

namespace SoftUnicast.Bench;

/// <summary>
/// Rates, as parts of another rate of the same run; by the count of bindings, for one destination, and with 10,000 for 4,096 destinations
/// at random as well.
/// </summary>
/// <param name="TcpRatio">TCP connections a second, of plain listeners' (1.00: as fast).</param>
/// <param name="UdpRatio">64-byte UDP packets a second, of plain sockets'.</param>
/// <param name="TcpVsFloor">Of what a program reaches that only hands over one socket.</param>
/// <param name="UdpVsFloor">The same for UDP.</param>
/// <param name="TcpControl">Plain listeners against plain listeners: how true the figures are. One destination; 4,096.</param>
/// <param name="UdpControl">The same for UDP.</param>
/// <param name="Nanoseconds">What one connection or packet takes, by arm.</param>
internal sealed record DispatchReport(
    IReadOnlyDictionary<string, double> TcpRatio, IReadOnlyDictionary<string, double> UdpRatio,
    IReadOnlyDictionary<string, double> TcpVsFloor, IReadOnlyDictionary<string, double> UdpVsFloor,
    (double One, double Many) TcpControl, (double One, double Many) UdpControl,
    IReadOnlyDictionary<string, double> Nanoseconds) : IAgilityPart
{
    /// <summary>10,000 bindings and 4,096 destinations at random.</summary>
    public const string Random = "10000_random_destinations";

    private const double TcpGoal = 0.97;
    private const double UdpGoal = 0.93;
    private const double FloorGoal = 0.98;
    private const double FlatGoal = 0.98; // of the rate with one binding; the same margin

    public IEnumerable<KeyValuePair<string, object?>> Figures =>
    [
        new("tcp_ratio", Rounded(TcpRatio)),
        new("udp_ratio", Rounded(UdpRatio)),
        new("tcp_vs_floor", Rounded(TcpVsFloor)),
        new("udp_vs_floor", Rounded(UdpVsFloor)),
        new("tcp_control", new[] { Math.Round(TcpControl.One, 3), Math.Round(TcpControl.Many, 3) }),
        new("udp_control", new[] { Math.Round(UdpControl.One, 3), Math.Round(UdpControl.Many, 3) }),
    ];

    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine("bindings             1      100    10000   10000 *   goal                   flat: of 1 binding's");
        foreach (var (name, row, goal) in new[] { ("tcp of plain", TcpRatio, TcpGoal), ("udp of plain", UdpRatio, UdpGoal), ("tcp of floor", TcpVsFloor, FloorGoal), ("udp of floor", UdpVsFloor, FloorGoal) })
        {
            var flat = row.Values.Min() / row["1"];
            text.Append(CultureInfo.InvariantCulture, $"{name,-14}{row["1"],8:F3} {row["100"],8:F3} {row["10000"],8:F3}  {row[Random],8:F3}   ");
            text.AppendLine(CultureInfo.InvariantCulture, $"{AgilityReport.AtLeast(goal, row.Values.Min()),-22} {flat:F3}, {AgilityReport.AtLeast(FlatGoal, flat)}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"plain of plain: tcp {TcpControl.One:F3}, * {TcpControl.Many:F3}; udp {UdpControl.One:F3}, * {UdpControl.Many:F3}");
        text.AppendLine("* 4,096 destinations at random; the others one destination.");
        text.AppendJoin(", ", Nanoseconds.Select(n => string.Create(CultureInfo.InvariantCulture, $"{n.Key} {n.Value:F0} ns")));
        return text.ToString();
    }

    private static Dictionary<string, double> Rounded(IReadOnlyDictionary<string, double> figures) => figures.ToDictionary(f => f.Key, f => Math.Round(f.Value, 3));
}
