using System.Collections.Immutable;
using SoftUnicast.Config;
using SoftUnicast.Egress.Attribution;

namespace SoftUnicast.Cli.Offline;

/// <summary><c>verify-log</c>: whether somebody changed the attribution log.</summary>
internal static class VerifyLogCommand
{
    public static readonly ImmutableArray<OptionSpec> All = [CliOptions.LogOption with { Help = $"Its folder; default {ServerYaml.DefaultAttribution}" }, CliOptions.HelpOption];

    /// <param name="arguments">Without the word <c>verify-log</c>.</param>
    public static int Run(IReadOnlyList<string> arguments, Output console)
    {
        var options = Options.Parse(arguments, All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(["softunicastc verify-log [DIR]: whether somebody changed the attribution log", "", .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        if (options.Words.Length + (options.Has(CliOptions.LogOption) ? 1 : 0) > 1)
        {
            throw new UsageException("verify-log wants one folder: softunicastc verify-log /var/lib/softunicast/attribution");
        }

        var folder = options.Words.FirstOrDefault() ?? options.Value(CliOptions.LogOption) ?? ServerYaml.DefaultAttribution;
        try
        {
            var files = FilesIn(folder);
            if (files == 0)
            {
                console.Complain(NoLog(folder));
                return ExitStatus.RunTime;
            }

            var faults = AttributionReader.Verify(folder);
            foreach (var fault in faults)
            {
                console.Error.WriteLine(fault);
            }

            console.Lines([$"{folder}: {(files == 1 ? "1 file" : $"{files} files")}, {(faults.Count == 0 ? "nothing was changed or taken out" : faults.Count == 1 ? "1 fault" : $"{faults.Count} faults")}"]);
            return faults.Count == 0 ? ExitStatus.Done : ExitStatus.RunTime;
        }
        catch (UnauthorizedAccessException e)
        {
            console.Complain($"the attribution log cannot be read: {e.Message}");
            return ExitStatus.NotPermitted;
        }
        catch (IOException e)
        {
            console.Complain($"the attribution log cannot be read: {e.Message}");
            return ExitStatus.RunTime;
        }
    }

    internal static string NoLog(string folder) => $"there is no attribution log in {folder}";

    /// <exception cref="UnauthorizedAccessException">Not to be looked into.</exception>
    internal static int FilesIn(string folder)
    {
        try
        {
            return Directory.EnumerateFiles(folder, "attribution-*.jsonl").Count();
        }
        catch (DirectoryNotFoundException)
        {
            return 0;
        }
    }
}
