using System.Collections.Immutable;

namespace SoftUnicast.Cli.Slices;

/// <summary>
/// <c>exec</c>: makes a cgroup, has the daemon give it slices, enters it, and becomes the program. Nothing of softunicastc is
/// left then: signals, standard streams and the exit status are the program's.
/// </summary>
internal static class ExecCommand
{
    private static readonly ImmutableArray<OptionSpec> All = [.. ChoiceOptions.All, .. CliOptions.All];

    /// <param name="arguments">Without the word <c>exec</c>.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Output console, ICgroups cgroups, IProgram program)
    {
        var options = Options.Parse(arguments, All, endAtWord: true);
        if (options.Has(CliOptions.HelpOption))
        {
            console.Lines(["softunicastc exec [OPTIONS] [--] PROGRAM [ARGUMENT ...]: the program's connections leave from slices of this server", "",
                .. Program.OptionLines(All)]);
            return ExitStatus.Done;
        }

        var choice = ChoiceOptions.From(options, "exec");
        if (options.Words.Length == 0)
        {
            throw new UsageException("exec wants a program: softunicastc exec --pool NAME -- PROGRAM [ARGUMENT ...]");
        }

        var settings = CliOptions.From(options);
        CgroupPlace? made = null;
        try
        {
            using var connection = await Connection.OpenAsync(settings.Socket, settings.PatienceFor(false), CancellationToken.None).ConfigureAwait(false);
            var place = cgroups.Make($"su-exec-{Environment.ProcessId}-{Environment.TickCount64:x}");
            made = place;
            program.TakeName(options.Words[0]);
            var silent = new Output(TextWriter.Null, console.Error);
            var (status, _) = await OneShot.AskAsync(connection, ChoiceOptions.Request(place, choice), settings, silent).ConfigureAwait(false);
            if (status != ExitStatus.Done)
            {
                cgroups.Remove(place);
                return status;
            }

            cgroups.Enter(place);
            made = null;
            program.Become(options.Words);
            return ExitStatus.RunTime;
        }
        catch (ConnectException e)
        {
            return PacketPath.Tell(e, settings, console, new KernelPacketPath());
        }
        catch (CgroupException e)
        {
            if (made is { } place)
            {
                cgroups.Remove(place);
            }

            console.Complain(e.Permission ? $"{e.Message}; be root, or in a cgroup that is delegated to you" : e.Message);
            return e.Permission ? ExitStatus.NotPermitted : ExitStatus.RunTime;
        }
        catch (ProgramException e)
        {
            console.Complain(e.Message);
            return e.Status;
        }
    }
}
