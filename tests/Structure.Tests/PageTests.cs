using System.Text.RegularExpressions;

namespace SoftUnicast.Structure.Tests;

/// <summary>Pages that name files and tests name ones that exist.</summary>
public partial class PageTests
{
    [Fact]
    public void Every_test_that_the_page_of_standards_names_exists()
    {
        var named = TestName().Matches(Tree.Read("docs/rfc.md")).Select(m => m.Groups[1].Value).Distinct().ToList();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(Tree.Tests, t => t.Contains($" {name}(", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_file_that_the_page_of_standards_names_exists()
    {
        var named = FileName().Matches(Tree.Read("docs/rfc.md")).Select(m => m.Groups[1].Value).Distinct().ToList();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.True(File.Exists(Path.Combine(Tree.Root, name)), $"{name} does not exist"));
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("docs/install.md")]
    [InlineData("docs/softunicastd.md")]
    [InlineData("docs/cli.md")]
    [InlineData("docs/egress.md")]
    [InlineData("docs/attribution.md")]
    [InlineData("docs/nat.md")]
    [InlineData("docs/recipes.md")]
    [InlineData("docs/naming.md")]
    [InlineData("docs/bgp.md")]
    [InlineData("docs/dispatch.md")]
    public void Every_link_of_a_page_leads_somewhere(string page)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Tree.Root, page))!;
        var dead = Link().Matches(Tree.Read(page)).Select(m => m.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#'))
            .Where(target => !Path.Exists(Path.Combine(folder, target.Split('#')[0])));

        Assert.Empty(dead);
    }

    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex TestName();

    [GeneratedRegex("`((?:src|bpf)/[^`]+)`")]
    private static partial Regex FileName();

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();
}
