using System.Collections.Immutable;

namespace SoftUnicast.Cli.Slices;

/// <summary><c>enroll</c> with options: finds the cgroup, and has the daemon give it slices.</summary>
internal static class EnrollCommand
{
    // systemd runs ExecStartPre= of a unit with Delegate= one level below the unit.
    private const string ControlGroup = "/.control";
    private static readonly OptionSpec CgroupOption = new("cgroup", null, "PATH", "The cgroup; default: the one that this runs in");
    private static readonly ImmutableArray<OptionSpec> All = [.. ChoiceOptions.All, CgroupOption, .. CliOptions.All];

    /// <summary>True if this is meant, and not the daemon's command of that name.</summary>
    public static bool IsMeant(IReadOnlyList<string> arguments) => arguments.Count == 0
        || new[] { ChoiceOptions.PoolOption, ChoiceOptions.TagOption, CgroupOption, CliOptions.HelpOption }
            .Any(o => arguments.Any(a => a == $"--{o.Long}" || a.StartsWith($"--{o.Long}=", StringComparison.Ordinal) || a == $"-{o.Short}"));

    /// <param name="arguments">Without the word <c>enroll</c>.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Output console, ICgroups cgroups)
    {
        var options = Options.Parse(arguments, All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(["softunicastc enroll [OPTIONS]: connections of a cgroup's processes leave from slices of this server", "", .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        if (options.Words.Length > 0)
        {
            throw new UsageException($"enroll takes options, or CGROUP pool POOL, not '{options.Words[0]}' and options");
        }

        var choice = ChoiceOptions.From(options, "enroll");
        try
        {
            var place = options.Value(CgroupOption) is { } path ? cgroups.Find(path) : cgroups.Own();
            if (place.Path.EndsWith(ControlGroup, StringComparison.Ordinal))
            {
                place = cgroups.Find(place.Path[..^ControlGroup.Length]);
            }

            if (place.Path == "/")
            {
                console.Complain("the root of the cgroup tree is every process of this machine; --cgroup names another cgroup");
                return ExitStatus.RunTime;
            }

            return await OneShot.RunAsync(ChoiceOptions.Request(place, choice), CliOptions.From(options), console).ConfigureAwait(false);
        }
        catch (CgroupException e)
        {
            console.Complain(e.Message);
            return e.Permission ? ExitStatus.NotPermitted : ExitStatus.RunTime;
        }
    }
}
