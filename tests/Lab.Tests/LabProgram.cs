using System.Diagnostics;
using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>A program that runs on a machine of the lab while the test goes on: it is asked by lines and says lines of JSON.</summary>
public sealed class LabProgram : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Process process;
    private readonly Task<string> errors;

    private LabProgram(Process process)
    {
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Of the program itself: what starts it becomes it.</summary>
    public int Id => process.Id;

    public static LabProgram Start(string machine, string command, params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo("nsenter", [$"--net=/run/netns/su-{machine}", "--", command, .. arguments])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        return new LabProgram(process);
    }

    /// <summary>Says a line, and waits for the answer.</summary>
    public async Task<JsonElement> AskAsync(string line = "?")
    {
        await process.StandardInput.WriteLineAsync(line);
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        return await NextAsync();
    }

    /// <summary>The next line; the test fails with what the program complained of if there is none.</summary>
    public async Task<JsonElement> NextAsync()
    {
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
        if (line is null)
        {
            Assert.Fail($"{string.Join(' ', process.StartInfo.ArgumentList)} ended: {await errors}");
        }

        return JsonDocument.Parse(line).RootElement;
    }

    /// <summary>Ends its input, and waits for its end.</summary>
    /// <returns>What it said after the last line that was read.</returns>
    public async Task<IReadOnlyList<JsonElement>> EndAsync()
    {
        process.StandardInput.Close();
        var rest = await process.StandardOutput.ReadToEndAsync().WaitAsync(Patience);
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', process.StartInfo.ArgumentList)}: exit {process.ExitCode}\n{await errors}");
        return [.. rest.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }
}
