using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SoftUnicast.Bench;

/// <summary>What <c>bench/run steer</c> found. Nanoseconds a packet are net of the no-op's.</summary>
internal sealed record SteerReport(
    double NoopNs, double FloorNs, double SteerNs, double DecapNs, double TransitNs, double PassNs,
    int VerifiedInstructions, double RewriteMs, double MoveUs) : IBenchReport
{
    private const double SteerGoal = 1.6;
    private const double DecapGoal = 1.6;
    private const double TransitGoal = 1.2;
    private const double PassGoalNs = 6;
    private const int InstructionsGoal = 2000;
    private const double RewriteGoalMs = 5;
    private const double MoveGoalUs = 1;

    public string ToJson() => JsonSerializer.Serialize(
        new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["floor_ns"] = Math.Round(FloorNs, 2),
            ["steer_ns"] = Math.Round(SteerNs, 2),
            ["decap_ns"] = Math.Round(DecapNs, 2),
            ["transit_ns"] = Math.Round(TransitNs, 2),
            ["pass_ns"] = Math.Round(PassNs, 2),
            ["verified_instructions"] = VerifiedInstructions,
            ["rewrite_2m_ms"] = Math.Round(RewriteMs, 3),
            ["move_us"] = Math.Round(MoveUs, 4),
        });

    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"a packet, in ns, net of the no-op's {NoopNs:F1} (155 rounds x 100,000, 10th percentile)");
        text.AppendLine("             net ns   floor    x floor   goal");
        Row(text, "floor", FloorNs, null);
        Row(text, "steer", SteerNs, SteerGoal);
        Row(text, "decap", DecapNs, DecapGoal);
        Row(text, "transit", TransitNs, TransitGoal);
        text.AppendLine(CultureInfo.InvariantCulture, $"{"pass",-11}{PassNs,8:F1}{FloorNs,8:F1}{PassNs / FloorNs,11:F2}   at most {PassGoalNs:F0} ns: {Met(PassNs <= PassGoalNs)}");
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"verified instructions  {VerifiedInstructions,8}   fewer than {InstructionsGoal}: {Met(VerifiedInstructions < InstructionsGoal)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"2 million slices anew  {RewriteMs,8:F2} ms   under {RewriteGoalMs:F0} ms: {Met(RewriteMs < RewriteGoalMs)}");
        text.Append(CultureInfo.InvariantCulture, $"one slice moved        {MoveUs,8:F3} us   under {MoveGoalUs:F0} us: {Met(MoveUs < MoveGoalUs)}");
        return text.ToString();
    }

    private static string Met(bool isMet) => isMet ? "met" : "MISSED";

    private void Row(StringBuilder text, string name, double ns, double? goal)
    {
        var ratio = ns / FloorNs;
        text.Append(CultureInfo.InvariantCulture, $"{name,-11}{ns,8:F1}{FloorNs,8:F1}{ratio,11:F2}");
        text.AppendLine(goal is { } most ? string.Create(CultureInfo.InvariantCulture, $"   at most {most:F1}: {Met(ratio <= most)}") : "");
    }
}
