using System.Globalization;
using System.Text;

namespace SoftUnicast.Config.Tests;

public class LimitTests
{
    [Fact]
    public void A_file_of_more_than_one_mebibyte_is_refused_unread()
    {
        var text = Files.GoodText("fleet-small.yaml") + "#" + new string('x', 1 << 20);
        Assert.Equal("f.yaml: error: the file is larger than 1 MiB\n", DiagnosticText.Render(FleetYaml.Read("f.yaml", text).Diagnostics));
        Assert.Equal("f.yaml: error: the file is larger than 1 MiB\n", DiagnosticText.Render(FleetYaml.Read("f.yaml", Encoding.UTF8.GetBytes(text)).Diagnostics));
        Assert.Equal("s.yaml: error: the file is larger than 1 MiB\n", DiagnosticText.Render(ServerYaml.Read("s.yaml", text).Diagnostics));
    }

    [Fact]
    public void The_limit_counts_bytes_not_characters()
    {
        var text = Files.GoodText("fleet-small.yaml") + "# " + new string('ø', 600_000);
        Assert.Equal("f.yaml: error: the file is larger than 1 MiB\n", DiagnosticText.Render(FleetYaml.Read("f.yaml", text).Diagnostics));
    }

    [Fact]
    public void A_file_of_one_mebibyte_is_read()
    {
        var text = Files.GoodText("fleet-small.yaml");
        Assert.Empty(FleetYaml.Read("f.yaml", text + "#" + new string('x', (1 << 20) - text.Length - 1)).Diagnostics);
    }

    [Fact]
    public void An_assignment_may_be_larger_but_not_larger_than_sixty_four_mebibytes()
    {
        var text = Files.GoodText("assignment-small.yaml");
        Assert.Empty(AssignmentYaml.Read("a.yaml", text + "#" + new string('x', 2 << 20)).Diagnostics);
        var result = AssignmentYaml.Read("a.yaml", text + "#" + new string('x', 64 << 20));
        Assert.Equal("a.yaml: error: the file is larger than 64 MiB\n", DiagnosticText.Render(result.Diagnostics));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_an_error_at_its_place()
    {
        var diagnostic = Assert.Single(FleetYaml.Read("f.yaml", "fleet: a\ud83d\n").Diagnostics);
        Assert.Equal((1, 9, "half a surrogate pair, U+D83D"), (diagnostic.Line, diagnostic.Column, diagnostic.Message));
    }

    [Fact]
    public void Characters_beyond_the_basic_plane_may_stand_in_comments() =>
        Assert.Empty(FleetYaml.Read("f.yaml", "# Amsterdam \U0001F6B2, Köln, 東京\n" + Files.GoodText("fleet-small.yaml")).Diagnostics);

    [Fact]
    public void An_invisible_character_beyond_the_basic_plane_is_an_error() =>
        Assert.Equal("a control or invisible character, U+E0041", FleetYaml.Read("f.yaml", "# \U000E0041\n").Diagnostics[0].Message);

    [Fact]
    public void After_a_thousand_errors_the_rest_is_counted()
    {
        var text = "fleet: { as: 1 }\n" + string.Concat(Enumerable.Range(0, 3000).Select(i => string.Create(CultureInfo.InvariantCulture, $"key{i}: x\n")));
        var result = FleetYaml.Read("f.yaml", text);
        Assert.Null(result.Value);
        Assert.Equal(1001, result.Diagnostics.Length);
        Assert.Equal("f.yaml: error: 2003 more errors not shown\n", DiagnosticText.Render(result.Diagnostics[^1]));
    }

    /// <summary>Texts that cost a careless reader time or memory out of proportion. A reader that took the bait would not come back.</summary>
    public static TheoryData<string, string> Bombs()
    {
        const int length = (1 << 20) - 100;
        var rows = new TheoryData<string, string>
        {
            { "lists in lists", new string('[', length) },
            { "maps in maps", new string('{', length) },
            { "lists in lists, a line each", Repeat("[\n", length) },
            { "block lists in block lists", Repeat("- ", length) },
            { "keys without values", Repeat("? ", length) },
            { "tabs", Repeat("\t\n", length) },
            { "NUL", new string('\0', length) },
            { "anchors", Repeat("- &a b\n", length) },
            { "aliases", "a: &a b\nc:\n" + Repeat("- *a\n", length - 20) },
            { "one long text", "a: " + new string('x', length) },
            { "one long quoted text", "a: \"" + new string('x', length - 10) + "\"" },
            { "one key again and again", Repeat("a: b\n", length) },
            { "unknown keys on one line", "{ " + Numbered(i => $"k{i}: v, ", length - 10) + " }" },
            { "documents", Repeat("---\n", length) },
            { "wrong names", "fleet: { as: 1 }\ndatacenters: {}\nservers:\n" + Numbered(i => $"  s{i}: {{ datacenter: d{i}, endpoint: 1 }}\n", length - 60) + "pools: {}\n" },
        };
        var doubling = new StringBuilder("a0: &a0 [x, x]\n");
        for (var i = 1; i < 60; i++)
        {
            doubling.Append(CultureInfo.InvariantCulture, $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n");
        }

        rows.Add("a billion laughs", doubling.ToString());
        return rows;
    }

    [Theory]
    [MemberData(nameof(Bombs))]
    public void A_bomb_is_refused(string what, string text)
    {
        Assert.NotEmpty(what);
        var result = FleetYaml.Read("f.yaml", text);
        Assert.Null(result.Value);
        Assert.InRange(result.Diagnostics.Length, 1, 1010);
        Assert.All(result.Diagnostics, d => Assert.True((d.Excerpt?.Text.Length ?? 0) < 120));
    }

    private static string Repeat(string text, int length) => string.Concat(Enumerable.Repeat(text, length / text.Length));

    private static string Numbered(Func<int, string> piece, int length)
    {
        var text = new StringBuilder();
        for (var i = 0; text.Length + 60 < length; i++)
        {
            text.Append(piece(i));
        }

        return text.ToString();
    }
}
