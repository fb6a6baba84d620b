using System.Text.RegularExpressions;
using SoftUnicast.Model;

namespace SoftUnicast.Config.Tests;

/// <summary>The examples in etc/ and the reference in docs/ say what the readers know, no more and no less.</summary>
public class ExampleTests
{
    [Fact]
    public void The_examples_load_together_without_a_diagnostic()
    {
        var result = ConfigCheck.Load(Path.Combine(Files.Etc, "softunicast.yaml"), path => new FileContent(File.ReadAllBytes(path)));
        Assert.Equal("", DiagnosticText.Render(result.Diagnostics));
        Assert.NotNull(result.Server);
        Assert.NotNull(result.Fleet);
        Assert.NotNull(result.Assignment);
    }

    [Fact]
    public void The_naming_example_fits_the_fleet_example()
    {
        var fleet = FleetYaml.Read("fleet.yaml", File.ReadAllBytes(Path.Combine(Files.Etc, "fleet.yaml"))).Value!;
        var result = NamingYaml.Read("naming.yaml", File.ReadAllBytes(Path.Combine(Files.Etc, "naming.yaml")), fleet);
        Assert.Equal("", DiagnosticText.Render(result.Diagnostics));
        Assert.Equal(["cdn", "rest", "last"], result.Value!.Policies.Select(p => p.Name));
    }

    [Fact]
    public void Every_key_that_a_reader_knows_is_in_the_example_of_its_file()
    {
        var missing = from set in KeySet.All
                      let example = File.ReadAllText(Path.Combine(Files.Etc, set.File))
                      from key in set.Keys
                      where !Regex.IsMatch(example, $@"^[^#]*\b{Regex.Escape(key)}:", RegexOptions.Multiline)
                      select $"{set.File}: {set.Section}: {key}";
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_key_that_a_reader_knows_is_in_the_reference_under_its_file()
    {
        var chapters = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "configuration.md")).Split("\n## ");
        var missing = from set in KeySet.All
                      let chapter = chapters.Single(c => c.StartsWith(set.File, StringComparison.Ordinal))
                      from key in set.Keys
                      where !chapter.Contains($"\n`{key}:`", StringComparison.Ordinal)
                      select $"{set.File}: {set.Section}: {key}";
        Assert.Empty(missing);
    }

    [Fact]
    public void The_reference_has_no_key_that_no_reader_knows()
    {
        var known = KeySet.All.SelectMany(s => s.Keys).ToHashSet();
        var reference = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "configuration.md"));
        Assert.Empty(Regex.Matches(reference, "^`([a-z-]+):`", RegexOptions.Multiline).Select(m => m.Groups[1].Value).Except(known));
    }

    [Fact]
    public void The_defaults_in_the_reference_are_those_of_the_reader()
    {
        var reference = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "configuration.md"));
        foreach (var value in new[]
        {
            ServerYaml.DefaultFleetPath, ServerYaml.DefaultAssignmentPath, ServerYaml.DefaultGobgpdSocket, ServerYaml.DefaultControlSocket,
            ServerYaml.DefaultShowSocket, ServerYaml.DefaultPins,
        })
        {
            Assert.Contains($"Default: `{value}`", reference, StringComparison.Ordinal);
        }

        Assert.Contains($"Default: {default(SliceSize)}.", reference, StringComparison.Ordinal);
        Assert.Contains($"Default: {NamingYaml.DefaultTtlSeconds}.", reference, StringComparison.Ordinal);
    }
}
