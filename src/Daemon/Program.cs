using SoftUnicast.Config;
using SoftUnicast.Daemon;

// softunicastd: see docs/softunicastd.md. Exit: 0 ok, 1 run-time error, 2 usage or configuration, 4 permission.
var line = CommandLine.Parse(args);
if (line.Error is { } error)
{
    Console.Error.WriteLine($"softunicastd: {error}");
    Console.Error.WriteLine("Try 'softunicastd --help'.");
    return ExitStatus.Usage;
}

if (line.Action == CommandLineAction.Help)
{
    Console.Out.Write(CommandLine.HelpText);
    return ExitStatus.Ok;
}

if (line.Action == CommandLineAction.Version)
{
    Console.Out.WriteLine($"softunicastd {ControlHandler.Version}");
    return ExitStatus.Ok;
}

var file = line.File ?? ServerYaml.DefaultPath;
if (line.Action == CommandLineAction.Check)
{
    var result = ConfigurationFiles.Check(file);
    Console.Error.Write(DiagnosticText.Render(result.Diagnostics));
    Console.Out.WriteLine($"{file}: {DiagnosticText.Summary(result.Diagnostics)}");
    return result.HasErrors ? ExitStatus.Usage : ExitStatus.Ok;
}

return await DaemonRun.RunAsync(file).ConfigureAwait(false);
