using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Reports;
using SoftUnicast.Egress.Attribution;

namespace SoftUnicast.Cli.Offline;

/// <summary><c>who</c> while the daemon is down: the same answer, from the files of the attribution log.</summary>
internal static class WhoCommand
{
    /// <returns>False: there is no log to read, and that was said.</returns>
    public static bool Run(Who command, CliOptions options, Output console, TimeProvider time)
    {
        var at = command.At ?? time.GetUtcNow();
        try
        {
            if (VerifyLogCommand.FilesIn(options.Log) == 0)
            {
                console.Complain(VerifyLogCommand.NoLog(options.Log));
                return false;
            }

            var reply = WhoReport.Of(command.Address, command.Port, at, AttributionReader.Who(options.Log, command.Address, command.Port, at));
            console.Lines(options.Json ? [ReplyJson.Of(reply)] : reply.Lines());
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            console.Complain($"the attribution log cannot be read: {e.Message}");
            return false;
        }
    }
}
