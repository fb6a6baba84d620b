using System.Collections.Immutable;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Cli.Slices;

/// <summary>Which slices a command line asks for.</summary>
internal static class ChoiceOptions
{
    public static readonly OptionSpec PoolOption = new("pool", null, "NAME", "Slices of this pool");
    public static readonly OptionSpec TagOption = new("tag", null, "KEY=VALUE", "Slices of every pool that has this tag; give it again for more tags");

    public static ImmutableArray<OptionSpec> All { get; } = [PoolOption, TagOption];

    /// <exception cref="UsageException">Neither, both, or not what the grammar takes.</exception>
    public static SliceChoice From(Options options, string command)
    {
        var tags = options.Values(TagOption);
        if (options.Has(PoolOption) == tags.Count > 0)
        {
            throw new UsageException(tags.Count > 0
                ? $"{command} takes slices of a --pool, or by --tag: give one of them"
                : $"{command} wants to know whose slices: --pool NAME, or --tag KEY=VALUE");
        }

        if (tags.FirstOrDefault(t => !Tag.TryParse(t, out _)) is { } wrong)
        {
            throw new UsageException($"--tag wants KEY=VALUE, like country=US, not '{wrong}'");
        }

        var choice = tags.Count == 0
            ? SliceChoice.OfPool(options.Value(PoolOption)!)
            : SliceChoice.Tagged([.. tags.Select(t => Tag.TryParse(t, out var tag) ? tag : default)]);
        return CommandParser.Parse($"lease {choice}") is Parsed
            ? choice
            : throw new UsageException($"--pool wants a pool's name, not '{choice.Pool}'");
    }

    /// <summary>The request that enrols a cgroup. A path with blanks is not told: a request line could not hold it.</summary>
    public static string Request(CgroupPlace place, SliceChoice choice) =>
        $"enroll {place.Id} {choice}{(place.Path.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) ? "" : $" path {place.Path}")}";
}
