using System.Text.RegularExpressions;

namespace SoftUnicast.Egress.Tests;

/// <summary>docs/attribution.md names every field and event that is written, and shows records as they are.</summary>
public sealed partial class DocumentTests
{
    private static readonly string Root = FindRoot();
    private static readonly string Page = File.ReadAllText(Path.Combine(Root, "docs", "attribution.md"));

    [Fact]
    public void Every_field_and_event_stands_in_the_page()
    {
        var writer = File.ReadAllText(Path.Combine(Root, "src", "Egress", "Attribution", "LogRecordWriter.cs"));
        var words = Field().Matches(writer).Select(m => m.Groups[1].Value)
            .Concat(Constant().Matches(File.ReadAllText(Path.Combine(Root, "src", "Egress", "Attribution", "LogRecord.cs"))).Select(m => m.Groups[1].Value))
            .Concat(Constant().Matches(File.ReadAllText(Path.Combine(Root, "src", "Egress", "Life", "SliceEffect.cs"))).Select(m => m.Groups[1].Value))
            .Concat(["released", "revoked", "ended"])
            .Distinct().ToList();

        Assert.Contains("waits_out", words);
        Assert.Contains("drain-cancelled", words);
        Assert.All(words, word => Assert.Contains($"`{word}`", Page, StringComparison.Ordinal));
    }

    [Fact]
    public void The_records_shown_are_the_ones_that_the_tests_hold_the_writer_to()
    {
        var test = File.ReadAllText(Path.Combine(Root, "tests", "Egress.Tests", "Attribution", "LogTests.cs"));
        var shown = Page.Split('\n').Where(l => l.StartsWith("{\"seq\"", StringComparison.Ordinal)).ToList();

        Assert.Equal(2, shown.Count);
        Assert.All(shown, line => Assert.Contains(line[..line.IndexOf('…')], test, StringComparison.Ordinal));
    }

    [GeneratedRegex("(?:json\\.Write\\w+|WriteObjects|WriteTexts|WriteIfAny)\\(\"([a-z_]+)\"")]
    private static partial Regex Field();

    [GeneratedRegex("public const string \\w+ = \"([a-z-]+)\"")]
    private static partial Regex Constant();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SoftUnicast.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("SoftUnicast.sln is in no folder above the tests");
    }
}
