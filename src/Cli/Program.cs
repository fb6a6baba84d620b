using System.Collections.Immutable;
using System.Reflection;
using System.Text;
using SoftUnicast.Cli.Interactive;
using SoftUnicast.Cli.Offline;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Cli;

/// <summary>softunicastc: what is asked for decides where it is answered: here (plan, check, help) or by the daemon.</summary>
internal static class Program
{
    public static string Version { get; } =
        typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static async Task<int> Main(string[] args)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false), 64 * 1024);
        using var error = new StreamWriter(Console.OpenStandardError(), new UTF8Encoding(false)) { AutoFlush = true };
        var console = new Output(output, error);
        try
        {
            return await RunAsync(args, console).ConfigureAwait(false);
        }
        catch (UsageException e)
        {
            await error.WriteLineAsync($"softunicastc: {e.Message}").ConfigureAwait(false);
            return ExitStatus.Usage;
        }
    }

    private static async Task<int> RunAsync(string[] args, Output console)
    {
        if (Local(args) is { } local)
        {
            return local == "plan" ? PlanCommand.Run(args, console, TimeProvider.System) : CheckCommand.Run(args, console);
        }

        var options = Options.Parse(args, CliOptions.All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(HelpText());
            return ExitStatus.Done;
        }

        if (options.Has(CliOptions.VersionOption))
        {
            console.Lines([$"softunicastc {Version}"]);
            return ExitStatus.Done;
        }

        var settings = CliOptions.From(options);
        if (options.Words.Length > 0)
        {
            return await OneShot.RunAsync(string.Join(' ', options.Words), settings, console).ConfigureAwait(false);
        }

        return Console.IsInputRedirected || Console.IsOutputRedirected
            ? await LineByLine.RunAsync(settings, console).ConfigureAwait(false)
            : await Shell.RunAsync(settings, console).ConfigureAwait(false);
    }

    /// <summary>plan or check, if the first word says so; they have options of their own.</summary>
    private static string? Local(string[] args)
    {
        var first = 0;
        while (first < args.Length && args[first].StartsWith('-'))
        {
            var takesNext = CliOptions.All.Any(o => o.Value is not null && (args[first] == "--" + o.Long || args[first] == $"-{o.Short}"));
            first += takesNext ? 2 : 1;
        }

        return first < args.Length && CommandParser.Parse(args[first]) is Parsed { Command: LocalCommand local } ? local.Word : null;
    }

    private static IEnumerable<string> HelpText()
    {
        yield return "softunicastc [OPTIONS] [COMMAND ...]: asks and commands the SoftUnicast daemon; without a command, line by line";
        yield return "";
        foreach (var line in OptionLines(CliOptions.All))
        {
            yield return line;
        }

        yield return "";
        foreach (var (usage, help) in CommandParser.Manual())
        {
            yield return "  " + usage;
            yield return "      " + help;
        }

        yield return "";
        yield return "Words may be abbreviated: sh sl. A '?' anywhere lists what may stand there.";
    }

    internal static IEnumerable<string> OptionLines(ImmutableArray<OptionSpec> options)
    {
        var width = options.Max(o => o.Usage.Length);
        return options.Select(o => $"  {o.Usage.PadRight(width)}  {o.Help}");
    }
}
