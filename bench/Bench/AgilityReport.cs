using System.Globalization;
using System.Text.Json;

namespace SoftUnicast.Bench;

/// <summary>What <c>bench/run agility</c> found, part by part.</summary>
/// <param name="IsShort">A short run: the figures are not steady.</param>
/// <param name="LoadBefore">Of the machine, processes that run or wait, over the minute before; with what others did on it.</param>
/// <param name="LoadAfter">Over the last minute of the run, the bench's own among it.</param>
internal sealed record AgilityReport(IReadOnlyList<IAgilityPart> Parts, bool IsShort, double LoadBefore, double LoadAfter) : IBenchReport
{
    public string ToJson() => JsonSerializer.Serialize(new Dictionary<string, object?>(Parts.SelectMany(p => p.Figures))
    {
        ["load_average"] = new[] { LoadBefore, LoadAfter },
    });

    public string ToText() => string.Join("\n\n", Parts.Select(p => p.ToText()).Append(string.Create(
        CultureInfo.InvariantCulture,
        $"load average {LoadBefore:F2} before, {LoadAfter:F2} at the end, on {Environment.ProcessorCount} cores{(IsShort ? "; a short run, which shows that all of it works and no more" : "")}")));

    /// <summary>A goal and whether it is met, for a row of <see cref="IAgilityPart.ToText"/>.</summary>
    public static string AtLeast(double goal, double least) => string.Create(CultureInfo.InvariantCulture, $"at least {goal:F2}: {Verdict(least >= goal)}");

    public static string Verdict(bool isMet) => isMet ? "met" : "MISSED";
}
