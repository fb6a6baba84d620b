using System.Collections.Immutable;
using System.Reflection;
using System.Text;
using SoftUnicast.Cli.Interactive;
using SoftUnicast.Cli.Offline;
using SoftUnicast.Cli.Services;
using SoftUnicast.Cli.Slices;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Cli;

/// <summary>softunicastc: what is asked for decides where it is answered: here (plan, check, exec, help and the like) or by the daemon.</summary>
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
        var first = FirstWord(args);
        if (first < args.Length && LocalWord(args, first) is { } local)
        {
            string[] others = [.. args[..first], .. args[(first + 1)..]];
            return local switch
            {
                "exec" => await ExecCommand.RunAsync(others, console, new KernelCgroups(), new KernelProgram()).ConfigureAwait(false),
                "agility" => await MoveCommand.RunAsync(others, console, TimeProvider.System).ConfigureAwait(false),
                "enroll" => await EnrollCommand.RunAsync(others, console, new KernelCgroups()).ConfigureAwait(false),
                "register" => await RegisterCommand.RunAsync(others, console, new KernelProgram()).ConfigureAwait(false),
                _ => Offline(local, args, others, console),
            };
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

    /// <summary>What needs no daemon and becomes no other program.</summary>
    /// <param name="arguments">With the command's word.</param>
    /// <param name="others">Without it.</param>
    internal static int Offline(string word, string[] arguments, string[] others, Output console) => word switch
    {
        "plan" => PlanCommand.Run(arguments, console, TimeProvider.System),
        "check" => CheckCommand.Run(arguments, console),
        "verify-log" => VerifyLogCommand.Run(others, console),
        "naming" => NamingCommand.Run(others, console),
        "unit-dropin" => UnitDropinCommand.Run(others, console, Environment.ProcessPath ?? "softunicastc"),
        _ => throw new UsageException($"{word} becomes another program: run softunicastc {word} from your shell"),
    };

    private static int FirstWord(string[] args)
    {
        var first = 0;
        while (first < args.Length && args[first].StartsWith('-'))
        {
            var takesNext = CliOptions.All.Any(o => o.Value is not null && (args[first] == "--" + o.Long || args[first] == $"-{o.Short}"));
            first += takesNext ? 2 : 1;
        }

        return first;
    }

    /// <summary>The first word, if it says that this program is to do it; such commands have options of their own.</summary>
    private static string? LocalWord(string[] args, int first) => CommandParser.Parse(args[first]) switch
    {
        Parsed { Command: LocalCommand local } => local.Word,
        _ when args[first] == "register" => "register",
        _ when args[first] == "agility" && MoveCommand.IsMeant(args[(first + 1)..]) => "agility",
        _ when args[first] == "enroll" && EnrollCommand.IsMeant(args[(first + 1)..]) => "enroll",
        _ => null,
    };

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
