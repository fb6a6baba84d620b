using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;

namespace SoftUnicast.Cli;

/// <summary><c>agility move</c> with options: moves a policy, then tells how the old addresses drain, until they are free.</summary>
internal static class MoveCommand
{
    private const int FirstError = 8000;
    private static readonly OptionSpec ToOption = new("to", null, "POOL", "The pool that the policy answers from");
    private static readonly OptionSpec NoWaitOption = new("no-wait", null, null, "Move, and do not wait until the old addresses are free");
    private static readonly OptionSpec IntervalOption = new("interval", null, "SECONDS", "How often to tell how it goes; default 2");
    private static readonly ImmutableArray<OptionSpec> Own = [ToOption, NoWaitOption, IntervalOption];
    public static readonly ImmutableArray<OptionSpec> All = [.. Own, .. CliOptions.All];

    /// <summary>True if this is meant, and not the daemon's command of that name.</summary>
    public static bool IsMeant(IReadOnlyList<string> arguments) =>
        Own.Append(CliOptions.HelpOption).Any(o => arguments.Any(a => a == $"--{o.Long}" || a.StartsWith($"--{o.Long}=", StringComparison.Ordinal) || a == $"-{o.Short}"));

    /// <param name="arguments">Without the word <c>agility</c>.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Output console, TimeProvider time)
    {
        var options = Options.Parse(arguments, All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(["softunicastc agility move POLICY --to POOL [OPTIONS]: a policy answers from another pool; then, until the old addresses are free, how they drain", "",
                .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        var (policy, pool) = options.Words switch
        {
            ["move", var moved] => (moved, options.Value(ToOption)),
            ["move", var moved, "to", var to] when !options.Has(ToOption) => (moved, to),
            _ => ("", null),
        };
        if (pool is null)
        {
            throw new UsageException("agility with options wants: softunicastc agility move POLICY --to POOL [--no-wait] [--interval SECONDS]");
        }

        var interval = Interval(options.Value(IntervalOption));
        var settings = CliOptions.From(options);
        var request = $"agility move {policy} to {pool}";
        if (!OneShot.IsSendable(request, json: true, out var problem))
        {
            return OneShot.Refuse(problem, settings.Json, console);
        }

        if (CommandParser.Parse(request) is ParseError error)
        {
            return OneShot.Refuse(ErrorReply.From(error), settings.Json, console);
        }

        using var stopping = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            stopping.Cancel();
        });
        try
        {
            using var connection = await Connection.OpenAsync(settings.Socket, settings.PatienceFor(false), stopping.Token).ConfigureAwait(false);
            var (reply, status) = await AskAsync<AgilityMoveReply>(connection, request, settings, console, stopping.Token).ConfigureAwait(false);
            if (reply is null)
            {
                return status;
            }

            console.Lines(settings.Json ? [ReplyJson.Of(reply)] : reply.Lines());
            return options.Has(NoWaitOption) || !reply.Moved
                ? ExitStatus.Done
                : await FollowAsync(connection, policy, interval, settings, console, time, stopping.Token).ConfigureAwait(false);
        }
        catch (ConnectException e)
        {
            return PacketPath.Tell(e, settings, console, new KernelPacketPath());
        }
        catch (TimeoutException)
        {
            console.Complain("the daemon does not answer; what it was asked for may be done: see show agility");
            return ExitStatus.RunTime;
        }
        catch (IOException e)
        {
            console.Complain($"{(e is ControlProtocolException ? e.Message : "the daemon hung up before its reply was complete")}; what it was asked for may be done: see show agility");
            return ExitStatus.RunTime;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            console.Complain("not waited for any longer; the move stays in force: show agility tells how it goes, agility end takes it back");
            return ExitStatus.RunTime;
        }
    }

    private static async Task<int> FollowAsync(
        Connection connection, string policy, TimeSpan interval, CliOptions settings, Output console, TimeProvider time, CancellationToken stopping)
    {
        while (true)
        {
            var (reply, status) = await AskAsync<AgilityReply>(connection, "show agility", settings, console, stopping).ConfigureAwait(false);
            if (reply is null)
            {
                return status;
            }

            if (reply.Moves.FirstOrDefault(m => m.Policy == policy) is not { } move)
            {
                console.Complain($"policy {policy} is not moved any longer: somebody took the move back");
                return ExitStatus.RunTime;
            }

            console.Lines([settings.Json ? ReplyJson.Of(reply) : move.NotApplied is { } why ? $"! not in force: {why}" : move.Progress()]);
            if (move.State != OldAddresses.Draining)
            {
                return ExitStatus.Done;
            }

            await Task.Delay(interval, time, stopping).ConfigureAwait(false);
        }
    }

    /// <returns>The reply, or null and the exit status: the error is told.</returns>
    private static async Task<(T? Reply, int Status)> AskAsync<T>(
        Connection connection, string request, CliOptions settings, Output console, CancellationToken stopping)
        where T : ControlReply
    {
        var lines = new List<string>();
        var number = 0;
        await foreach (var line in connection.SendAsync($"json {request}", settings.PatienceFor(true), stopping).ConfigureAwait(false))
        {
            number = line.Number;
            lines.Add(line.Text);
        }

        var json = string.Join('\n', lines).TrimEnd('\n');
        if (number < FirstError)
        {
            return (ReplyJson.Read<T>(json), ExitStatus.Done);
        }

        // What closes the connection comes as text, also after 'json'.
        await console.Data.FlushAsync(stopping).ConfigureAwait(false);
        foreach (var line in settings.Json ? [json] : Error((ReplyCode)number, json).Lines())
        {
            await console.Error.WriteLineAsync(line).ConfigureAwait(false);
        }

        return (null, ReplyCodes.ExitStatusOf(number));
    }

    private static ErrorReply Error(ReplyCode code, string reply)
    {
        try
        {
            using var error = JsonDocument.Parse(reply);
            return new ErrorReply(code, error.RootElement.GetProperty("error").GetString() ?? "", error.RootElement.GetProperty("hint").GetString());
        }
        catch (JsonException)
        {
            return new ErrorReply(code, reply);
        }
    }

    private static TimeSpan Interval(string? text) => text is null ? TimeSpan.FromSeconds(2)
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0.1 and <= 3600
            ? TimeSpan.FromSeconds(seconds)
            : throw new UsageException($"--interval wants seconds, 0.1 to 3600, not '{text}'");
}
