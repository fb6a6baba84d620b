namespace SoftUnicast.Daemon;

internal enum CommandLineAction
{
    Run = 0,
    Check = 1,
    Help = 2,
    Version = 3,
}

/// <summary>What the daemon was started with.</summary>
/// <param name="File">The server's file; null: the default.</param>
/// <param name="Error">What is wrong with it; null: nothing.</param>
internal sealed record CommandLine(CommandLineAction Action, string? File, string? Error)
{
    public const string HelpText =
        """
        Usage: softunicastd [FILE]            run, by FILE (default /etc/softunicast/softunicast.yaml)
               softunicastd --check [FILE]    check FILE and the files that it names; touches nothing
               softunicastd --help | --version

        Signals:
          SIGHUP           read the files again; what has an error is not taken, and what runs goes on
          SIGTERM, SIGINT  end; the packet path and the announcements stay, and the next start adopts them
                           ('softunicastc down' takes them away)

        Exit status: 0 ok; 1 run-time error; 2 usage, or an error in a file; 4 a capability is missing.

        """;

    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var action = CommandLineAction.Run;
        string? file = null;
        foreach (var argument in arguments)
        {
            switch (argument)
            {
                case "--help" or "-h":
                    return new CommandLine(CommandLineAction.Help, null, null);
                case "--version" or "-V":
                    return new CommandLine(CommandLineAction.Version, null, null);
                case "--check":
                    action = CommandLineAction.Check;
                    break;
                case ['-', ..]:
                    return new CommandLine(action, null, $"there is no option '{argument}'");
                case "":
                    return new CommandLine(action, null, "an empty file name");
                default:
                    if (file is not null)
                    {
                        return new CommandLine(action, null, $"one file is enough: '{file}' or '{argument}'");
                    }

                    file = argument;
                    break;
            }
        }

        return new CommandLine(action, file, null);
    }
}
