using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace SoftUnicast.Tests.Support;

/// <summary>A program in a lab's namespace, killed when the lab goes.</summary>
internal abstract class LabDaemon(LabNamespace lab) : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> log = [];
    private Process? process;

    protected LabNamespace Lab { get; } = lab;

    /// <summary>The last lines that it wrote.</summary>
    public string Log => string.Join('\n', log.TakeLast(60));

    public void Start(string program, params string[] arguments)
    {
        process = Process.Start(Lab.Inside(program, arguments))!;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public async Task KillAsync()
    {
        if (process is { HasExited: false })
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process?.Dispose();
        process = null;
    }

    /// <summary>Sends STOP, CONT or TERM.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process!.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private void Keep(object sender, DataReceivedEventArgs e)
    {
        if (e.Data is not null)
        {
            log.Enqueue(e.Data);
            while (log.Count > 2000)
            {
                log.TryDequeue(out _);
            }
        }
    }
}
