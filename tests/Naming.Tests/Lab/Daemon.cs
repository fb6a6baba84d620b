using System.Collections.Concurrent;
using System.Diagnostics;

namespace SoftUnicast.Naming.Tests.Lab;

/// <summary>A program in the lab's namespace, killed when the lab goes.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> log = [];
    private readonly Process process;

    public Daemon(ProcessStartInfo start)
    {
        process = Process.Start(start)!;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int ProcessId => process.Id;

    /// <summary>The last lines that it wrote.</summary>
    public string Log => string.Join('\n', log.TakeLast(60));

    public bool HasExited => process.HasExited;

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }

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
