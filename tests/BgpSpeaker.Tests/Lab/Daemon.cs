using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace SoftUnicast.BgpSpeaker.Tests.Lab;

/// <summary>A program in a lab's namespace, killed when the lab goes.</summary>
internal abstract class Daemon(BgpLab lab) : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> log = [];
    private Process? process;

    protected BgpLab Lab { get; } = lab;

    /// <summary>The last lines that it wrote.</summary>
    public string Log => string.Join('\n', log.TakeLast(60));

    protected void Start(string program, params string[] arguments)
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

/// <summary>A gobgpd without a file, or with one.</summary>
internal sealed class GobgpDaemon(BgpLab lab, string name, string? configuration = null) : Daemon(lab)
{
    public string Socket { get; } = Path.Combine(lab.Folder, name + ".sock");

    public async Task StartAsync(bool wait = true)
    {
        // A killed gobgpd leaves its socket, and then does not start.
        File.Delete(Socket);
        var arguments = new List<string> { "--api-hosts", "unix://" + Socket, "--pprof-disable", "--log-plain", "--log-level", "debug" };
        if (configuration is not null)
        {
            var file = Path.Combine(Lab.Folder, name + ".toml");
            await File.WriteAllTextAsync(file, configuration);
            arguments.AddRange(["--config-file", file, "--config-type", "toml"]);
        }

        Start("gobgpd", [.. arguments]);
        if (wait)
        {
            await BgpLab.UntilAsync(() => File.Exists(Socket), $"the socket of gobgpd {name}");
        }
    }
}

/// <summary>A BIRD with a configuration.</summary>
internal sealed class BirdDaemon(BgpLab lab, string name, string configuration) : Daemon(lab)
{
    private readonly string socket = Path.Combine(lab.Folder, name + ".ctl");

    public string Name => name;

    public async Task StartAsync()
    {
        var file = Path.Combine(Lab.Folder, name + ".conf");
        await File.WriteAllTextAsync(file, configuration);
        Start("bird", "-f", "-c", file, "-s", socket, "-P", Path.Combine(Lab.Folder, name + ".pid"));
        await BgpLab.UntilAsync(async () => (await Lab.TryRunInsideAsync("birdc", "-s", socket, "show", "status")).Contains("up and running", StringComparison.Ordinal),
            $"BIRD {name} ({Log})");
    }

    public Task<string> AskAsync(params string[] command) => Lab.RunInsideAsync("birdc", ["-s", socket, .. command]);
}
