using SoftUnicast.Tests.Support;

namespace SoftUnicast.BgpSpeaker.Tests.Lab;

/// <summary>A gobgpd without a file, or with one.</summary>
internal sealed class GobgpDaemon(BgpLab lab, string name, string? configuration = null) : LabDaemon(lab)
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
internal sealed class BirdDaemon(BgpLab lab, string name, string configuration) : LabDaemon(lab)
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
