using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using SoftUnicast.Cli.Slices;
using SoftUnicast.Config;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Wire;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Cli.Services;

/// <summary>
/// <c>register</c>: sends sockets to the daemon, those of a process or those that the service manager passed to this one, and
/// then becomes the service, if there is one on the line. The rights over the process are this user's, not the daemon's.
/// </summary>
internal static class RegisterCommand
{
    private static readonly OptionSpec PidOption = new("pid", null, "PID", "The sockets of this process; default: those that the service manager passed");
    private static readonly OptionSpec PortOption = new("port", null, "PORT", "Only those on this port: PORT, tcp:PORT or udp:PORT");
    private static readonly OptionSpec FdOption = new("fd", null, "NUMBER", "Only this descriptor of the process");
    private static readonly OptionSpec NameOption = new("name", null, "NAME", "Only those that the service manager calls so (FileDescriptorName=)");
    private static readonly OptionSpec ReplaceOption = new("replace", null, null, "In place of all others of the label; default beside them");
    private static readonly OptionSpec ExactOption = new("exact", null, null, "Each alone, not the SO_REUSEPORT group that it is in");
    private static readonly OptionSpec WaitOption = new("wait", null, "SECONDS", "How long to wait for a daemon that is starting; default 10");
    private static readonly OptionSpec SocketOption = CliOptions.SocketOption with { Help = $"The daemon's socket; default {ServerYaml.DefaultRegisterSocket}" };
    private static readonly ImmutableArray<OptionSpec> All =
    [
        PidOption, PortOption, FdOption, NameOption, ReplaceOption, ExactOption, WaitOption,
        SocketOption, CliOptions.NumberedOption, CliOptions.JsonOption, CliOptions.TimeoutOption, CliOptions.HelpOption,
    ];

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <param name="arguments">Without the word <c>register</c>.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Output console, IProgram program)
    {
        var end = Enumerable.Range(0, arguments.Count).FirstOrDefault(i => arguments[i] == "--", arguments.Count);
        string[] service = [.. arguments.Skip(end + 1)];
        var options = Options.Parse([.. arguments.Take(end)], All);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(["softunicastc register [OPTIONS] LABEL [-- PROGRAM [ARGUMENT ...]]: what is bound to the label comes in by these sockets", "",
                .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        var request = Request(options, end < arguments.Count && service.Length == 0);
        var settings = CliOptions.From(options);
        settings = settings.IsDefaultSocket ? settings with { Socket = ServerYaml.DefaultRegisterSocket } : settings;
        var patience = Wait(options);
        IReadOnlyList<SafeHandle> sockets = [];
        try
        {
            sockets = Sockets(options, service.Length > 0);
            using var connection = await OpenAsync(settings, patience).ConfigureAwait(false);
            connection.SendDescriptors(settings.Json ? "json " : " ", sockets);
            var (status, _) = await OneShot.AskAsync(connection, request, settings with { Json = false }, service.Length > 0 ? new Output(TextWriter.Null, console.Error) : console).ConfigureAwait(false);
            if (status != ExitStatus.Done || service.Length == 0)
            {
                return status;
            }

            program.Become(service);
            return ExitStatus.RunTime;
        }
        catch (ConnectException e)
        {
            console.Complain(e.Message);
            return e.Status;
        }
        catch (SystemCallException e)
        {
            console.Complain(e.Message);
            return e.IsPermission ? ExitStatus.NotPermitted : ExitStatus.RunTime;
        }
        catch (InvalidOperationException e)
        {
            console.Complain(e.Message);
            return ExitStatus.RunTime;
        }
        catch (ProgramException e)
        {
            console.Complain(e.Message);
            return e.Status;
        }
        finally
        {
            foreach (var socket in sockets)
            {
                socket.Dispose();
            }
        }
    }

    private static string Request(Options options, bool isProgramMissing)
    {
        var words = options.Words;
        if (words.Length == 0 || words.Skip(1).Any(w => w is not ("replace" or "exact")))
        {
            throw new UsageException(words.Length == 0
                ? "register wants a label: softunicastc register LABEL [--pid PID] [-- PROGRAM ...]"
                : $"register takes one label, not '{words.Skip(1).First(w => w is not ("replace" or "exact"))}' too; a program stands after --");
        }

        if (!Label.TryParse(words[0], out var label))
        {
            throw new UsageException($"'{words[0]}' is not a label: 1 to {Label.MaxLength} letters, digits, '-', '_' and '.', the first a letter or a digit");
        }

        if (isProgramMissing)
        {
            throw new UsageException("there is no program after --");
        }

        var replaces = options.Has(ReplaceOption) || words.Contains("replace");
        var isExact = options.Has(ExactOption) || words.Contains("exact");
        return $"register {label}{(replaces ? " replace" : "")}{(isExact ? " exact" : "")}";
    }

    private static TimeSpan Wait(Options options) => options.Value(WaitOption) is not { } text ? TimeSpan.FromSeconds(10)
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 86400
        ? TimeSpan.FromSeconds(seconds)
        : throw new UsageException($"--wait wants seconds, at most 86400, not '{text}'");

    private static async Task<Connection> OpenAsync(CliOptions settings, TimeSpan patience)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await Connection.OpenAsync(settings.Socket, settings.PatienceFor(false), CancellationToken.None).ConfigureAwait(false);
            }
            catch (ConnectException e) when (e.Status == ExitStatus.DaemonDown && Stopwatch.GetElapsedTime(started) < patience)
            {
                await Task.Delay(Look).ConfigureAwait(false);
            }
        }
    }

    /// <param name="isKept">They stay this process's too, for the service that it becomes.</param>
    private static IReadOnlyList<SafeHandle> Sockets(Options options, bool isKept)
    {
        var wanted = Wanted(options);
        if (options.Value(PidOption) is { } pid)
        {
            if (options.Has(NameOption))
            {
                throw new UsageException("--name is about sockets of the service manager, --pid about those of a process: give one of them");
            }

            return Limited(OfProcess(Number(pid, "--pid"), options, wanted), $"process {pid} has no socket that can serve{(options.Has(PortOption) ? " on that port" : "")}: TCP ones listen, UDP ones are bound and not connected");
        }

        if (options.Has(FdOption))
        {
            throw new UsageException("--fd names a descriptor of a process: give --pid too");
        }

        var passed = isKept ? ListenDescriptors.Borrow() : ListenDescriptors.Take();
        var chosen = passed.Where(p => (options.Value(NameOption) is not { } name || p.Name == name) && wanted(SocketFacts.Of(p.Descriptor))).ToList();
        foreach (var other in passed.Except(chosen))
        {
            other.Descriptor.Dispose();
        }

        return Limited([.. chosen.Select(p => p.Descriptor)], passed.Count == 0
            ? "the service manager passed no sockets (LISTEN_FDS is not set for this process): give --pid, or run this in a unit with a .socket"
            : "none of the sockets that the service manager passed is on that port or of that name");
    }

    private static IReadOnlyList<SafeHandle> OfProcess(int processId, Options options, Func<SocketFacts, bool> wanted) => options.Value(FdOption) is { } fd
        ? [ProcessSockets.Take(processId, Number(fd, "--fd"))]
        : [.. ProcessSockets.TakeAll(processId, wanted).Select(t => t.Descriptor)];

    private static IReadOnlyList<SafeHandle> Limited(IReadOnlyList<SafeHandle> sockets, string whenNone) => sockets.Count switch
    {
        0 => throw new InvalidOperationException(whenNone),
        <= SocketPassing.MaxDescriptors => sockets,
        _ => throw new InvalidOperationException(string.Create(
            CultureInfo.InvariantCulture, $"{sockets.Count} sockets, and at most {SocketPassing.MaxDescriptors} are registered at once: choose by --port or --name")),
    };

    private static Func<SocketFacts, bool> Wanted(Options options)
    {
        if (options.Value(PortOption) is not { } text)
        {
            return _ => true;
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        DispatchProtocol? protocol = null;
        if (colon >= 0)
        {
            protocol = DispatchProtocols.TryParse(text.AsSpan(0, colon), out var parsed)
                ? parsed
                : throw new UsageException($"--port wants PORT, tcp:PORT or udp:PORT, not '{text}'");
        }

        return ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port != 0
            ? facts => facts.Port == port && (protocol is null || facts.Protocol == protocol)
            : throw new UsageException($"--port wants PORT, tcp:PORT or udp:PORT, not '{text}'");
    }

    private static int Number(string text, string option) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new UsageException($"{option} wants a number, not '{text}'");
}
