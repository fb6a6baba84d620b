using System.Diagnostics;

namespace SoftUnicast.Cli.Tests.Support;

internal sealed record CliResult(int Status, string Data, string Error);

/// <summary>Runs the real softunicastc.</summary>
internal static class Cli
{
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "softunicastc");

    public static Task<CliResult> RunAsync(params string[] arguments) => ProcessAsync(Program, "", arguments);

    public static async Task<CliResult> ProcessAsync(string program, string input, params string[] arguments)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        try
        {
            var data = process.StandardOutput.ReadToEndAsync(cancellation);
            var error = process.StandardError.ReadToEndAsync(cancellation);
            try
            {
                await process.StandardInput.WriteAsync(input);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It does not want to read.
            }

            await process.WaitForExitAsync(cancellation);
            return new CliResult(process.ExitCode, await data, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
