using System.Text.RegularExpressions;

namespace SoftUnicast.Structure.Tests;

/// <summary>docs/counters.md and the reasons of bpf/abi.h are the same list.</summary>
public partial class CounterPageTests
{
    [Fact]
    public void Every_reason_has_one_line_and_every_line_a_reason()
    {
        var reasons = Reason().Matches(Tree.Read("bpf/abi.h")).Select(m => m.Groups[1].Value.ToLowerInvariant().Replace('_', '-'))
            .Where(r => r != "reasons").Order(StringComparer.Ordinal);
        var lines = Line().Matches(Tree.Read("docs/counters.md")).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal);

        Assert.Equal(reasons, lines);
    }

    [Fact]
    public void Every_line_stands_under_its_verdict()
    {
        var page = Tree.Read("docs/counters.md");
        var carried = page.IndexOf("## Carried", StringComparison.Ordinal);
        var dropped = page.IndexOf("## Dropped", StringComparison.Ordinal);
        foreach (Match line in Verdict().Matches(Tree.Read("bpf/abi.h")))
        {
            var name = line.Groups[1].Value.ToLowerInvariant().Replace('_', '-');
            var place = page.IndexOf($"| `{name}` |", StringComparison.Ordinal);
            var section = place < carried ? "pass" : place < dropped ? "carried" : "drop";
            var expected = line.Groups[2].Value is "pass" or "drop" ? line.Groups[2].Value : "carried";
            Assert.True(section == expected, $"{name} stands under {section}, abi.h says {line.Groups[2].Value}");
        }
    }

    [GeneratedRegex(@"^\tSU_([A-Z_]+) = \d+,[ \t]*/\* (?:pass|steer|decapsulate|transit|answer|drop):", RegexOptions.Multiline)]
    private static partial Regex Reason();

    [GeneratedRegex(@"^\tSU_([A-Z_]+) = \d+,[ \t]*/\* (pass|steer|decapsulate|transit|answer|drop):", RegexOptions.Multiline)]
    private static partial Regex Verdict();

    [GeneratedRegex(@"^\| `([a-z-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Line();
}
