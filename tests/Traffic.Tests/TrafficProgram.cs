using System.Diagnostics;
using System.Text.Json;

namespace SoftUnicast.Traffic.Tests;

/// <summary>softunicast-traffic, or a program that becomes it: told by lines, says lines of JSON. It goes with this object.</summary>
internal sealed class TrafficProgram : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Process process;

    private TrafficProgram(string program, IEnumerable<string> arguments) => process = Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "softunicast-traffic");

    public static TrafficProgram Start(params string[] arguments) => new(Path, arguments);

    public static TrafficProgram StartBy(string program, params string[] arguments) => new(program, arguments);

    public async Task TellAsync(string line)
    {
        await process.StandardInput.WriteLineAsync(line);
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }

    public async Task<JsonElement> NextAsync() =>
        await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience) is { } line
            ? JsonDocument.Parse(line).RootElement
            : throw new IOException(await process.StandardError.ReadToEndAsync());

    /// <summary>Ends its input and waits.</summary>
    /// <returns>Its exit status and what it complained of.</returns>
    public async Task<(int Status, string Errors)> EndAsync()
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return (process.ExitCode, await process.StandardError.ReadToEndAsync());
    }

    public void Dispose()
    {
        process.Kill();
        process.Dispose();
    }
}
