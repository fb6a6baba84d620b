using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

[assembly: AssemblyFixture(typeof(SoftUnicast.Lab.Tests.LabFixture))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace SoftUnicast.Lab.Tests;

/// <summary>
/// The lab, once a run: what another run left is taken down first, the lab brought up, and taken down at the end.
/// A test says <see cref="Require"/> first; where the lab cannot be, it skips with the reason.
/// </summary>
public sealed class LabFixture : IAsyncLifetime
{
    public const string State = "/run/softunicast-lab";
    public const string OriginAddress = "203.0.113.10";

    // Whoever uses the lab as a whole, this fixture or ./demo, holds a lock on it: two would take it down for each other.
    private const string Reservation = "/run/softunicast-lab.reserved";
    private static readonly TimeSpan ReservationPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string root = FindRoot();
    private readonly Dictionary<(string Server, string Pool), (string Address, string Ports)> slices = [];
    private FileStream? reservation;
    private string? absentBecause;

    public static IReadOnlyList<string> Datacenters { get; } = ["ams", "fra", "nyc"];

    public static IReadOnlyList<string> Servers { get; } = [.. Datacenters.SelectMany(d => new[] { $"{d}-1", $"{d}-2", $"{d}-3" })];

    public static IReadOnlyList<string> Routers { get; } = ["transit", "backbone-rr", .. Datacenters.SelectMany(d => new[] { $"{d}-tor", $"{d}-rr" })];

    public async ValueTask InitializeAsync()
    {
        absentBecause = Environment.IsPrivilegedProcess ? null : "the lab needs root: network namespaces and BPF";
        if (absentBecause is not null)
        {
            return;
        }

        reservation = await ReserveAsync();
        (await LabAsync("down")).Succeeded();
        (await LabAsync("up")).Succeeded();
        foreach (var server in Servers)
        {
            foreach (var row in (await ShowAsync(server, "slices", "server", server)).GetProperty("slices").EnumerateArray())
            {
                var slice = row.GetProperty("slice").GetString()!;
                var colon = slice.LastIndexOf(':');
                slices[(server, row.GetProperty("pool").GetString()!)] = (slice[..colon], slice[(colon + 1)..]);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (reservation is not null)
        {
            await LabAsync("down");
            File.Delete(Reservation);
            await reservation.DisposeAsync();
        }
    }

    public void Require() => Assert.SkipWhen(absentBecause is not null, absentBecause ?? "");

    /// <summary>
    /// A server's last slice of a pool, as its kernel had it when the lab came up: address, and ports as FIRST-LAST. For those who
    /// bind without asking the daemon: exec and NAT take the first ones.
    /// </summary>
    public (string Address, string Ports) Slice(string server, string pool) =>
        slices.TryGetValue((server, pool), out var slice) ? slice : throw new InvalidOperationException($"{server} has no slice of {pool}");

    /// <summary><c>lab/softunicast-lab</c>.</summary>
    public Task<CommandResult> LabAsync(params string[] arguments) => StartAsync(Path.Combine(root, "lab/softunicast-lab"), arguments);

    /// <summary>A command on a machine of the lab: a server, <c>origin</c>, <c>transit</c>, <c>ams-tor</c>, ...</summary>
    public static Task<CommandResult> RunAsync(string machine, string command, params string[] arguments) =>
        StartAsync("nsenter", [$"--net=/run/netns/su-{machine}", "--", command, .. arguments]);

    /// <summary><c>softunicastc</c>, speaking to the daemon of a server.</summary>
    public Task<CommandResult> ControlAsync(string server, params string[] words) =>
        StartAsync(Path.Combine(root, "out/bin/softunicastc"), ["-s", $"{State}/{server}/control.sock", .. words]);

    /// <summary>A program that ./build made.</summary>
    public string Program(string name) => Path.Combine(root, "out/bin", name);

    /// <summary>The process id of a program that the lab runs on a server.</summary>
    public static async Task<int> ProcessAsync(string program, string server) => int.Parse(
        (await File.ReadAllTextAsync($"{State}/pids/{program}-{server}", TestContext.Current.CancellationToken)).Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>False also for a zombie, which its parent has yet to reap.</summary>
    public static async Task<bool> IsRunningAsync(string program, string server)
    {
        var status = $"/proc/{await ProcessAsync(program, server)}/status";
        return File.Exists(status) && !(await File.ReadAllTextAsync(status)).Contains("State:\tZ", StringComparison.Ordinal);
    }

    /// <summary><c>softunicastc</c> on the socket that only reads.</summary>
    public Task<CommandResult> ShowSocketAsync(string server, params string[] words) =>
        StartAsync(Program("softunicastc"), ["-s", $"{State}/{server}/show.sock", .. words]);

    /// <summary>The reply to <c>show WORDS</c> as JSON.</summary>
    public async Task<JsonElement> ShowAsync(string server, params string[] words)
    {
        var answer = await ControlAsync(server, ["--json", "show", .. words]);
        return JsonDocument.Parse(answer.Succeeded()).RootElement;
    }

    /// <summary><c>softunicast-traffic</c> on a server; its last line of JSON.</summary>
    public async Task<JsonElement> TrafficAsync(string server, params string[] arguments)
    {
        var answer = await RunAsync(server, Path.Combine(root, "out/bin/softunicast-traffic"), arguments);
        var lines = answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 0, $"{answer.Command}: {answer.Errors}");
        return JsonDocument.Parse(lines[^1]).RootElement;
    }

    /// <summary>What BIRD of a router answers, without its greeting.</summary>
    public static async Task<string> BirdAsync(string router, params string[] words)
    {
        var answer = await StartAsync("birdc", ["-s", $"{State}/{router}/bird.sock", .. words]);
        var output = answer.Succeeded();
        return output[(output.IndexOf('\n', StringComparison.Ordinal) + 1)..];
    }

    /// <summary>The prefixes (or FlowSpec rules) of a router's table, each once, in order.</summary>
    public static async Task<IReadOnlyList<string>> BirdRoutesAsync(string router, params string[] filter)
    {
        var output = await BirdAsync(router, ["show", "route", .. filter]);
        return
        [
            .. output.Split('\n')
                .Where(line => line.Length > 0 && !char.IsWhiteSpace(line[0]) && !line.StartsWith("Table ", StringComparison.Ordinal))
                .Select(line => line.StartsWith("flow", StringComparison.Ordinal) ? line[..(line.IndexOf('}', StringComparison.Ordinal) + 1)] : line.Split(' ')[0])
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Waits until every session of every router stands.</summary>
    public static Task UntilEstablishedAsync() => UntilAsync(
        "every BGP session is established",
        async () =>
        {
            foreach (var router in Routers)
            {
                var protocols = (await BirdAsync(router, "show", "protocols")).Split('\n');
                if (protocols.Any(line => line.Contains(" BGP ", StringComparison.Ordinal) && !line.Contains("Established", StringComparison.Ordinal)))
                {
                    return false;
                }
            }

            return true;
        },
        TimeSpan.FromSeconds(60));

    /// <summary>Asks again until the condition holds; the test fails with <paramref name="what"/> if it never does.</summary>
    public static Task UntilAsync(string what, Func<Task<bool>> condition, TimeSpan? within = null) => UntilAsync(() => what, condition, within);

    /// <param name="what">Asked when it is told, so that it can say how things stand.</param>
    public static async Task UntilAsync(Func<string> what, Func<Task<bool>> condition, TimeSpan? within = null)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < (within ?? TimeSpan.FromSeconds(30)), $"never came true: {what()}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<CommandResult> StartAsync(string program, params string[] arguments)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        process.Start();
        process.StandardInput.Close();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new CommandResult($"{program} {string.Join(' ', arguments)}", process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static async Task<FileStream> ReserveAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                // FileShare.None is flock(2), exclusive, as ./demo takes it.
                return new FileStream(Reservation, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (clock.Elapsed < ReservationPatience)
            {
                await Task.Delay(500);
            }
        }
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "SoftUnicast.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("SoftUnicast.sln is in no folder above the tests");
    }
}
