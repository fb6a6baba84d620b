using System.Text;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Cli;

/// <summary>Commands from a file or a pipe, a line each; empty lines and lines that begin with # are passed over.</summary>
internal static class LineByLine
{
    public static async Task<int> RunAsync(CliOptions options, Output console)
    {
        using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        var status = ExitStatus.Done;
        Connection? connection = null;
        try
        {
            while (await input.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                if (line.Trim().Length == 0 || line.TrimStart().StartsWith('#'))
                {
                    continue;
                }

                if (CommandParser.Parse(line) is Parsed { Command: Quit })
                {
                    break;
                }

                int now;
                if (!OneShot.IsSendable(line, options.Json, out var problem))
                {
                    now = OneShot.Refuse(problem, options.Json, console);
                }
                else
                {
                    if (connection is null)
                    {
                        connection = await Connection.OpenAsync(options.Socket, options.PatienceFor(false), CancellationToken.None).ConfigureAwait(false);
                        if (options.Numbered)
                        {
                            await console.Data.WriteLineAsync(connection.Greeting.Raw).ConfigureAwait(false);
                        }
                    }

                    (now, var closes) = await OneShot.AskAsync(connection, line, options, console).ConfigureAwait(false);
                    if (closes)
                    {
                        connection.Dispose();
                        connection = null;
                    }
                }

                status = status == ExitStatus.Done ? now : status;
            }
        }
        catch (ConnectException e)
        {
            return PacketPath.Tell(e, options, console, new KernelPacketPath());
        }
        finally
        {
            connection?.Dispose();
        }

        return status;
    }
}
