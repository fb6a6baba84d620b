using System.Collections.Immutable;
using SoftUnicast.Cli.Slices;
using SoftUnicast.Config;

namespace SoftUnicast.Cli.Offline;

/// <summary><c>unit-dropin</c>: the drop-in by which a systemd service sends from slices.</summary>
internal static class UnitDropinCommand
{
    private const string Service = ".service";
    private static readonly ImmutableArray<OptionSpec> All = [.. ChoiceOptions.All, CliOptions.SocketOption, CliOptions.HelpOption];

    /// <param name="arguments">Without the word <c>unit-dropin</c>.</param>
    /// <param name="self">Path of softunicastc, as the unit is to run it.</param>
    public static int Run(IReadOnlyList<string> arguments, Output console, string self)
    {
        var options = Options.Parse(arguments, All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(["softunicastc unit-dropin [OPTIONS] UNIT: the drop-in by which a systemd service sends from slices", "", .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        if (options.Words.Length != 1)
        {
            throw new UsageException("unit-dropin wants one unit: softunicastc unit-dropin proxy.service --pool NAME");
        }

        var choice = ChoiceOptions.From(options, "unit-dropin");
        var unit = Unit(options.Words[0]);
        var socket = options.Value(CliOptions.SocketOption) ?? ServerYaml.DefaultControlSocket;
        var words = choice.Pool is { } pool ? $"--pool {pool}" : string.Join(' ', choice.Tags.Select(t => $"--tag {t}"));
        console.Lines(
        [
            $"# /etc/systemd/system/{unit}.d/softunicast.conf",
            "# Connections of this service leave from slices of this server. Without the daemon it does not start:",
            "# put a '-' before the '+' to let it start, with addresses of the server's own.",
            "[Unit]",
            "Wants=softunicastd.service",
            "After=softunicastd.service",
            "",
            "[Service]",
            $"ExecStartPre=+{Escaped(self)} enroll {words}{(socket == ServerYaml.DefaultControlSocket ? "" : $" --socket {Escaped(socket)}")}",
        ]);
        return ExitStatus.Done;
    }

    private static string Unit(string word)
    {
        var unit = word.Contains('.', StringComparison.Ordinal) ? word : word + Service;
        if (!unit.EndsWith(Service, StringComparison.Ordinal) || unit.Length == Service.Length
            || !unit.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_' or '.' or '@' or '\\'))
        {
            throw new UsageException($"'{word}' is not the name of a service: only services run programs");
        }

        return unit;
    }

    // systemd.unit(5): % begins a specifier; systemd.service(5): blanks, quotes and $ mean something in a command line.
    private static string Escaped(string path) => path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-')
        ? path
        : throw new UsageException($"'{path}' cannot stand in a unit file");
}
