using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Config;
using SoftUnicast.Model;
using SoftUnicast.Planning;

namespace SoftUnicast.Cli.Offline;

/// <summary><c>plan</c>: fleet and assignment in force in, the next assignment out.</summary>
internal static class PlanCommand
{
    private static readonly OptionSpec FleetOption = new("fleet", null, "FILE", $"The fleet; default {ServerYaml.DefaultFleetPath}");
    private static readonly OptionSpec AssignmentOption = new("assignment", null, "FILE", "The assignment in force; default assignment.yaml beside the fleet");
    private static readonly OptionSpec OutputOption = new("output", null, "FILE", "Write the next assignment there");
    private static readonly OptionSpec InPlaceOption = new("in-place", null, null, "Write it over the assignment in force");
    private static readonly OptionSpec QuarantineOption = new("quarantine", null, "SECONDS", "How long a slice that lost its owner gets no new one; default 120");
    private static readonly OptionSpec FullOption = new("full", null, null, "Print every change, however many");
    private static readonly OptionSpec JsonOption = new("json", null, null, "Print JSON");
    public static readonly ImmutableArray<OptionSpec> All =
        [FleetOption, AssignmentOption, OutputOption, InPlaceOption, QuarantineOption, FullOption, JsonOption, CliOptions.HelpOption];

    public static int Run(string[] args, Output console, TimeProvider time)
    {
        var options = Options.Parse(args, All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(["softunicastc plan [OPTIONS]: the next assignment, moving as little as possible; writes nothing unless told where", "",
                .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        if (options.Words.Length > 1)
        {
            throw new UsageException($"plan takes options only, not '{options.Words[1]}'");
        }

        if (options.Has(OutputOption) && options.Has(InPlaceOption))
        {
            throw new UsageException("--output writes to one file and --in-place to another: give one of them");
        }

        var fleetPath = options.Value(FleetOption) ?? ServerYaml.DefaultFleetPath;
        var inForcePath = options.Value(AssignmentOption) ?? Path.Combine(Path.GetDirectoryName(fleetPath) ?? "", "assignment.yaml");
        if (options.Value(OutputOption) is { } output && Files.AreSame(output, inForcePath))
        {
            throw new UsageException($"{output} is the assignment in force: say --in-place to write over it");
        }

        var quarantine = Quarantine(options.Value(QuarantineOption));
        var fleetFile = Files.Read(fleetPath);
        if (fleetFile.Error is { } unreadable)
        {
            console.Complain($"{fleetPath}: cannot be read: {unreadable}{(options.Has(FleetOption) ? "" : "; --fleet names another")}");
            return ExitStatus.RunTime;
        }

        var fleet = FleetYaml.Read(fleetPath, fleetFile.Bytes.Span);
        var inForceFile = Files.Read(inForcePath);
        var starts = inForceFile.Error == "no such file" && (!options.Has(AssignmentOption) || options.Has(InPlaceOption));
        if (inForceFile.Error is { } reason && !starts)
        {
            console.Complain($"{inForcePath}: cannot be read: {reason}");
            return ExitStatus.RunTime;
        }

        var inForce = starts ? new ConfigResult<Assignment>(Assignment.Empty, []) : AssignmentYaml.Read(inForcePath, inForceFile.Bytes.Span);
        console.Error.Write(DiagnosticText.Render(fleet.Diagnostics.Concat(inForce.Diagnostics)));
        if (fleet.Value is null || inForce.Value is null)
        {
            return ExitStatus.Usage;
        }

        var result = Planner.Plan(fleet.Value, inForce.Value, time.GetUtcNow(), quarantine);
        var text = options.Has(JsonOption)
            ? PlanJson.Render(result) + "\n"
            : PlanText.Render(result, options.Has(FullOption) ? int.MaxValue : PlanText.DefaultLinesPerGroup);
        var isData = options.Has(JsonOption) || result.IsPlanned;
        (isData ? console.Data : console.Error).Write(text);
        console.Data.Flush();
        return result.IsPlanned ? Write(options, result.Assignment!, fleet.Value, inForcePath, starts, inForceFile, console) : ExitStatus.RunTime;
    }

    private static int Write(
        Options options, Assignment next, Fleet fleet, string inForcePath, bool starts, FileContent inForceFile, Output console)
    {
        var target = options.Has(InPlaceOption) ? inForcePath : options.Value(OutputOption);
        if (target is null)
        {
            return ExitStatus.Done;
        }

        if (options.Has(InPlaceOption))
        {
            // Somebody else's plan must not be lost: it was made of the same assignment, and the two do not add up.
            var now = Files.Read(inForcePath);
            if (starts ? now.Error is null : now.Error is not null || !now.Bytes.Span.SequenceEqual(inForceFile.Bytes.Span))
            {
                console.Complain($"{inForcePath} changed while the plan was made; nothing is written, plan again");
                return ExitStatus.RunTime;
            }
        }

        try
        {
            Files.Replace(target, AssignmentYaml.Write(next, fleet));
            return ExitStatus.Done;
        }
        catch (UnauthorizedAccessException)
        {
            console.Complain($"{target}: cannot be written: permission denied");
            return ExitStatus.NotPermitted;
        }
        catch (IOException e)
        {
            console.Complain($"{target}: cannot be written: {e.Message}");
            return ExitStatus.RunTime;
        }
    }

    private static TimeSpan Quarantine(string? text)
    {
        if (text is null)
        {
            return TimeSpan.FromSeconds(120);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 86400
            ? TimeSpan.FromSeconds(seconds)
            : throw new UsageException($"--quarantine wants whole seconds, 0 to 86400, not '{text}'");
    }
}
