using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SoftUnicast.Bench;

/// <summary>
/// Rates, as parts of another rate of the same run; by the count of bindings. With 10,000 they are for 4,096 destinations at random,
/// with fewer for one destination.
/// </summary>
/// <param name="TcpRatio">TCP connections a second, of plain listeners' (1.00: as fast).</param>
/// <param name="UdpRatio">64-byte UDP packets a second, of plain sockets'.</param>
/// <param name="TcpVsFloor">Of what a program reaches that only hands over one socket.</param>
/// <param name="UdpVsFloor">The same for UDP.</param>
/// <param name="TcpControl">Plain listeners against plain listeners: how true the figures are. One destination; 4,096.</param>
/// <param name="UdpControl">The same for UDP.</param>
/// <param name="TcpOneDestination">10,000 bindings and one destination: of plain, of the floor.</param>
/// <param name="UdpOneDestination">The same for UDP.</param>
/// <param name="Nanoseconds">What one connection or packet takes, by arm.</param>
internal sealed record DispatchReport(
    IReadOnlyDictionary<string, double> TcpRatio, IReadOnlyDictionary<string, double> UdpRatio,
    IReadOnlyDictionary<string, double> TcpVsFloor, IReadOnlyDictionary<string, double> UdpVsFloor,
    (double One, double Many) TcpControl, (double One, double Many) UdpControl,
    (double Plain, double Floor) TcpOneDestination, (double Plain, double Floor) UdpOneDestination,
    IReadOnlyDictionary<string, double> Nanoseconds) : IBenchReport
{
    public string ToJson() => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["tcp_ratio"] = Rounded(TcpRatio),
        ["udp_ratio"] = Rounded(UdpRatio),
        ["tcp_vs_floor"] = Rounded(TcpVsFloor),
        ["udp_vs_floor"] = Rounded(UdpVsFloor),
    });

    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine("bindings              1      100    10000 *  10000    control one, many");
        foreach (var (name, row, one, control) in new[]
        {
            ("tcp of plain", TcpRatio, TcpOneDestination.Plain, ((double One, double Many)?)TcpControl),
            ("udp of plain", UdpRatio, UdpOneDestination.Plain, UdpControl),
            ("tcp of floor", TcpVsFloor, TcpOneDestination.Floor, null),
            ("udp of floor", UdpVsFloor, UdpOneDestination.Floor, null),
        })
        {
            text.Append(CultureInfo.InvariantCulture, $"{name,-16}  {row["1"],6:F3}   {row["100"],6:F3}   {row["10000"],6:F3}   {one,6:F3}");
            text.AppendLine(control is { } c ? string.Create(CultureInfo.InvariantCulture, $"    {c.One:F3}, {c.Many:F3}") : "");
        }

        text.AppendLine("* 4,096 destinations at random; the others one destination. Goals: 0.97 tcp and 0.93 udp of plain, 0.98 of the floor.");
        text.AppendJoin(", ", Nanoseconds.Select(n => string.Create(CultureInfo.InvariantCulture, $"{n.Key} {n.Value:F0} ns")));
        return text.ToString();
    }

    private static Dictionary<string, double> Rounded(IReadOnlyDictionary<string, double> figures) => figures.ToDictionary(f => f.Key, f => Math.Round(f.Value, 3));
}
