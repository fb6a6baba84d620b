using SoftUnicast.Control;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Cli;

/// <summary>Prints a reply as it comes.</summary>
internal static class ReplyPrinter
{
    private const int FirstError = 8000;

    /// <returns>Exit status, and whether the daemon hangs up now.</returns>
    public static async Task<(int Status, bool Closes)> PrintAsync(IAsyncEnumerable<ReplyLine> reply, bool numbered, Output console)
    {
        var number = 0;
        await foreach (var line in reply.ConfigureAwait(false))
        {
            number = line.Number;
            var writer = number >= FirstError ? console.Error : console.Data;
            if (number >= FirstError)
            {
                await console.Data.FlushAsync().ConfigureAwait(false);
            }

            if (numbered)
            {
                await writer.WriteLineAsync(line.Raw).ConfigureAwait(false);
            }
            else if (!(line.Last && line.Text.Length == 0))
            {
                await writer.WriteLineAsync(line.Text).ConfigureAwait(false);
            }

            if (number == (int)ReplyCode.DownStep)
            {
                await console.Data.FlushAsync().ConfigureAwait(false);
            }
        }

        await console.Data.FlushAsync().ConfigureAwait(false);
        return (ReplyCodes.ExitStatusOf(number), ReplyCodes.All.Any(c => c.Number == number && c.ClosesConnection));
    }
}
