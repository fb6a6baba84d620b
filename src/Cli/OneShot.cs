using System.Text;
using SoftUnicast.Cli.Offline;
using SoftUnicast.Config;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Cli;

/// <summary>One command, then leave.</summary>
internal static class OneShot
{
    public static async Task<int> RunAsync(string line, CliOptions options, Output console)
    {
        if (!IsSendable(line, options.Json, out var problem))
        {
            return Refuse(problem, options.Json, console);
        }

        var outcome = CommandParser.Parse(line);
        if (outcome is Parsed { Command.Needs: AccessLevel.Register } && options.IsDefaultSocket)
        {
            options = options with { Socket = ServerYaml.DefaultRegisterSocket };
        }

        if (outcome is Parsed { Command: Quit })
        {
            return ExitStatus.Done;
        }

        try
        {
            using var connection = await Connection.OpenAsync(options.Socket, options.PatienceFor(false), CancellationToken.None).ConfigureAwait(false);
            if (options.Numbered)
            {
                await console.Data.WriteLineAsync(connection.Greeting.Raw).ConfigureAwait(false);
            }

            return (await AskAsync(connection, line, options, console).ConfigureAwait(false)).Status;
        }
        catch (ConnectException e) when (e.Status == ExitStatus.DaemonDown && Offline(outcome) is { } offline)
        {
            // What needs no daemon is answered without one: help, and what is wrong with a line.
            return offline(options, console);
        }
        catch (ConnectException e)
        {
            if (e.Status == ExitStatus.DaemonDown && outcome is Parsed { Command: Who who } && WhoCommand.Run(who, options, console, TimeProvider.System))
            {
                return ExitStatus.Done;
            }

            return PacketPath.Tell(e, options, console, new KernelPacketPath());
        }
    }

    /// <summary>Sends a line and prints the reply.</summary>
    /// <returns>Exit status, and whether the connection is of use any longer.</returns>
    public static async Task<(int Status, bool Closes)> AskAsync(Connection connection, string line, CliOptions options, Output console)
    {
        var patience = options.PatienceFor(CommandParser.Parse(line) is Parsed { Command.Needs: not AccessLevel.ReadOnly });
        try
        {
            var reply = connection.SendAsync(options.Json ? "json " + line : line, patience, CancellationToken.None);
            return await ReplyPrinter.PrintAsync(reply, options.Numbered, console).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            console.Complain($"the daemon did not go on for {patience.TotalSeconds:0.###} s; --timeout gives it longer");
            return (ExitStatus.RunTime, true);
        }
        catch (IOException e)
        {
            console.Complain(e is ControlProtocolException ? e.Message : "the daemon hung up before its reply was complete");
            return (ExitStatus.RunTime, true);
        }
    }

    /// <summary>False if the daemon would hang up on such a line.</summary>
    public static bool IsSendable(string line, bool json, out ErrorReply problem)
    {
        problem = Encoding.UTF8.GetByteCount(line) + (json ? 5 : 0) > ControlLimits.RequestBytes
            ? new ErrorReply(ReplyCode.TooLong, $"a line has at most {ControlLimits.RequestBytes} bytes")
            : new ErrorReply(ReplyCode.NotText, "a command is one line of text, without control characters");
        return problem.Code != ReplyCode.TooLong && !line.Any(c => char.IsControl(c) && c != '\t');
    }

    public static int Refuse(ErrorReply reply, bool json, Output console)
    {
        foreach (var line in json ? [ReplyJson.Of(reply)] : reply.Lines())
        {
            console.Error.WriteLine(line);
        }

        return ReplyCodes.ExitStatusOf(reply.Number);
    }

    private static Func<CliOptions, Output, int>? Offline(ParseOutcome outcome) => outcome switch
    {
        ParseError error => (options, console) => Refuse(ErrorReply.From(error), options.Json, console),
        Parsed { Command: Help help } => (_, console) =>
        {
            console.Lines(Completion.HelpLines(help.About));
            return ExitStatus.Done;
        },
        _ => null,
    };
}
