using System.Collections.Immutable;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Cli.Interactive;

/// <summary>Commands at a terminal, with completion, help at '?' and history.</summary>
internal sealed class Shell : IDisposable
{
    private const string Prompt = "softunicast> ";
    private const int WidthOfUnknown = 80;
    private readonly CliOptions options;
    private readonly Output console;
    private readonly LineEditor editor = new();
    private Connection? connection;

    private Shell(CliOptions options, Output console)
    {
        this.options = options;
        this.console = console;
    }

    public static async Task<int> RunAsync(CliOptions options, Output console)
    {
        using var shell = new Shell(options, console);
        try
        {
            await shell.ConnectedAsync().ConfigureAwait(false);
        }
        catch (ConnectException e)
        {
            return PacketPath.Tell(e, options, console, new KernelPacketPath());
        }

        console.Lines([options.Numbered ? shell.connection!.Greeting.Raw : shell.connection!.Greeting.Text]);
        Console.TreatControlCAsInput = true;
        while (await shell.ReadAsync().ConfigureAwait(false) is { } line)
        {
            if (line.Trim().Length > 0 && !await shell.CarryOutAsync(line).ConfigureAwait(false))
            {
                break;
            }
        }

        return ExitStatus.Done;
    }

    public void Dispose() => connection?.Dispose();

    /// <summary>The connection, or a new one if the daemon hung up meanwhile: on an idle client, or for a restart.</summary>
    private async Task<Connection> ConnectedAsync()
    {
        if (connection is { IsStale: true })
        {
            HangUp();
        }

        return connection ??= await Connection.OpenAsync(options.Socket, options.PatienceFor(false), CancellationToken.None).ConfigureAwait(false);
    }

    /// <returns>False to leave.</returns>
    private async Task<bool> CarryOutAsync(string line)
    {
        switch (CommandParser.Parse(line))
        {
            case Parsed { Command: Quit }:
                return false;
            case Parsed { Command: LocalCommand local }:
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                try
                {
                    _ = Program.Offline(local.Word, words, words[1..], console);
                }
                catch (UsageException e)
                {
                    console.Complain(e.Message);
                }

                return true;
        }

        if (!OneShot.IsSendable(line, options.Json, out var problem))
        {
            OneShot.Refuse(problem, options.Json, console);
            return true;
        }

        try
        {
            var (_, closes) = await OneShot.AskAsync(await ConnectedAsync().ConfigureAwait(false), line, options, console).ConfigureAwait(false);
            if (closes)
            {
                HangUp();
            }
        }
        catch (ConnectException e)
        {
            PacketPath.Tell(e, options, console, new KernelPacketPath());
        }

        return true;
    }

    private void HangUp()
    {
        connection?.Dispose();
        connection = null;
    }

    private async Task<string?> ReadAsync()
    {
        editor.Clear();
        Draw();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (editor.Press(key))
            {
                case EditorRequest.Accept:
                    editor.Remember(editor.Text);
                    Write("\n");
                    return editor.Text;
                case EditorRequest.End:
                    Write("\n");
                    return null;
                case EditorRequest.Discard:
                    Write("^C\n");
                    editor.Clear();
                    break;
                case EditorRequest.ClearScreen:
                    Write("\e[H\e[2J");
                    break;
                case EditorRequest.Help:
                    Write("?\n");
                    List(await CandidatesAsync(true).ConfigureAwait(false));
                    break;
                case EditorRequest.Complete:
                    Insert(await CandidatesAsync(false).ConfigureAwait(false));
                    break;
            }

            // Pasted text is drawn once, when it has all come.
            if (!Console.KeyAvailable)
            {
                Draw();
            }
        }
    }

    /// <summary>Asked of the daemon, which knows the names; by the grammar here if it cannot be asked.</summary>
    private async Task<CompletionResult> CandidatesAsync(bool withEnd)
    {
        var line = editor.Text[..editor.Cursor];
        var here = Completion.Of(line);
        var candidates = here.Candidates;
        try
        {
            var told = ImmutableArray.CreateBuilder<Candidate>();
            var reply = (await ConnectedAsync().ConfigureAwait(false)).SendAsync("complete " + line, options.PatienceFor(false), CancellationToken.None);
            await foreach (var answer in reply.ConfigureAwait(false))
            {
                if (!answer.Last && answer.Text.Split('\t') is [var text, var help] && text != Completion.EndOfLine)
                {
                    told.Add(text.StartsWith('<') ? new Candidate(text[1..^1], help, true) : new Candidate(text, help, false));
                }
            }

            candidates = told.ToImmutable();
        }
        catch (Exception e) when (e is IOException or TimeoutException or ConnectException)
        {
            HangUp();
        }

        var result = here with { Candidates = candidates };
        return withEnd && result.MayEnd && result.Start == line.Length
            ? result with { Candidates = candidates.Add(new Candidate(Completion.EndOfLine, "Carry it out", true)) }
            : result;
    }

    private void Insert(CompletionResult result)
    {
        var unfinished = editor.Text[result.Start..editor.Cursor];
        if (result.Candidates is [{ IsPlaceholder: false } only])
        {
            editor.Replace(result.Start, only.Text + " ");
        }
        else if (result.CommonPrefix.Length > unfinished.Length)
        {
            editor.Replace(result.Start, result.CommonPrefix);
        }
        else
        {
            Write("\n");
            List(result);
        }
    }

    private void List(CompletionResult result)
    {
        if (result.Candidates.Length == 0)
        {
            Write("nothing may stand there\n");
            return;
        }

        var width = result.Candidates.Max(c => c.Text.Length);
        foreach (var candidate in result.Candidates)
        {
            Write($"{candidate.Text.PadRight(width)}  {candidate.Help}\n");
        }
    }

    /// <summary>One terminal line: of a longer text, the part around the cursor.</summary>
    private void Draw()
    {
        var width = Console.WindowWidth is > 0 and var known ? known : WidthOfUnknown;
        var room = Math.Max(10, width - Prompt.Length - 1);
        var first = Math.Max(0, editor.Cursor - room);
        var shown = editor.Text.Substring(first, Math.Min(room, editor.Text.Length - first));
        var column = Prompt.Length + editor.Cursor - first;
        Write($"\r\e[K{Prompt}{shown}\r\e[{column}C");
    }

    private void Write(string text)
    {
        console.Data.Write(text);
        console.Data.Flush();
    }
}
