using System.Text.RegularExpressions;
using SoftUnicast.Egress.Abi;

namespace SoftUnicast.Structure.Tests;

/// <summary>docs/counters.md and the reasons of bpf/abi.h are the same lists: the packet path's, and below them the guard's.</summary>
public partial class CounterPageTests
{
    private const string GuardHeading = "# The guard";

    public static TheoryData<string> Enums => ["su_reason", "su_guard_reason"];

    [Theory]
    [MemberData(nameof(Enums))]
    public void Every_reason_has_one_line_and_every_line_a_reason(string name)
    {
        var lines = Line().Matches(Page(name)).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal);

        Assert.Equal(Reasons(name).Select(r => r.Name).Order(StringComparer.Ordinal), lines);
    }

    [Theory]
    [MemberData(nameof(Enums))]
    public void Every_line_stands_under_its_verdict(string name)
    {
        var page = Page(name);
        var carried = page.IndexOf("## Carried", StringComparison.Ordinal);
        var dropped = page.IndexOf("## Dropped", StringComparison.Ordinal);
        foreach (var (reason, verdict) in Reasons(name))
        {
            var place = page.IndexOf($"| `{reason}` |", StringComparison.Ordinal);
            var section = place > dropped ? "drop" : carried >= 0 && place > carried ? "carried" : "pass";
            var expected = verdict is "pass" or "drop" ? verdict : "carried";
            Assert.True(section == expected, $"{reason} stands under {section}, abi.h says {verdict}");
        }
    }

    [Fact]
    public void The_guards_reasons_are_called_in_replies_what_the_page_calls_them() =>
        Assert.Equal(Reasons("su_guard_reason").Select(r => r.Name), Enum.GetValues<GuardReason>().Select(GuardReasons.Name));

    private static string Page(string name)
    {
        var page = Tree.Read("docs/counters.md");
        var guard = page.IndexOf($"\n{GuardHeading}\n", StringComparison.Ordinal);
        return name == "su_guard_reason" ? page[guard..] : page[..guard];
    }

    private static List<(string Name, string Verdict)> Reasons(string name)
    {
        var prefix = name == "su_guard_reason" ? "SU_GUARD_" : "SU_";
        var header = Tree.Read("bpf/abi.h");
        var start = header.IndexOf($"enum {name} {{", StringComparison.Ordinal);
        var body = header[start..header.IndexOf("\n};", start, StringComparison.Ordinal)];
        return [.. Member().Matches(body).Select(m => (m.Groups[1].Value[prefix.Length..].ToLowerInvariant().Replace('_', '-'), m.Groups[2].Value))];
    }

    [GeneratedRegex(@"^\t(SU_[A-Z_]+) = \d+,[ \t]*/\* (pass|steer|decapsulate|transit|answer|drop):", RegexOptions.Multiline)]
    private static partial Regex Member();

    [GeneratedRegex(@"^\| `([a-z-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Line();
}
