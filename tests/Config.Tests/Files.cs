using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config.Tests;

/// <summary>The files that tests read: the corpus, and the examples and documents of the project.</summary>
internal static class Files
{
    public static string Corpus { get; } = Path.Combine(AppContext.BaseDirectory, "corpus");

    public static string Etc { get; } = Path.Combine(AppContext.BaseDirectory, "etc");

    public static byte[] Good(string name) => File.ReadAllBytes(Path.Combine(Corpus, "good", name));

    public static string GoodText(string name) => File.ReadAllText(Path.Combine(Corpus, "good", name));

    public static Fleet SmallFleet() => FleetYaml.Read("fleet-small.yaml", Good("fleet-small.yaml")).Value!;

    /// <summary>Reads a corpus file as what its name says it is; "-in-fleet-" brings the small fleet along.</summary>
    public static ImmutableArray<Diagnostic> Diagnose(string name, ReadOnlySpan<byte> content)
    {
        var fleet = name.Contains("-in-fleet-", StringComparison.Ordinal) ? SmallFleet() : null;
        return name.Split('-')[0] switch
        {
            "fleet" => Diagnostics(FleetYaml.Read(name, content)),
            "server" => Diagnostics(ServerYaml.Read(name, content, fleet)),
            "assignment" => Diagnostics(AssignmentYaml.Read(name, content, fleet)),
            "naming" => Diagnostics(NamingYaml.Read(name, content, fleet)),
            _ => throw new ArgumentException($"{name} starts with none of fleet-, server-, assignment-, naming-", nameof(name)),
        };
    }

    private static ImmutableArray<Diagnostic> Diagnostics<T>(ConfigResult<T> result)
        where T : class
    {
        Assert.Equal(result.HasErrors, result.Value is null);
        return result.Diagnostics;
    }
}
