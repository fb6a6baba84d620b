using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using SoftUnicast.Model;

namespace SoftUnicast.Lab.Tests;

/// <summary>What a server says of one of its slices.</summary>
/// <param name="State">free, owned, draining, quarantined.</param>
/// <param name="Use">exec, range, explicit, nat, none.</param>
public sealed record OwnSlice(AddressPorts Slice, string State, string Use, int Sockets);

/// <summary>What tests of programs on slices ask of the lab.</summary>
public static class EgressLab
{
    /// <summary>A second or two passes between two looks of the daemon; a busy machine takes longer.</summary>
    public static TimeSpan Soon { get; } = TimeSpan.FromSeconds(15);

    /// <summary>A file of this project's folder <c>Programs</c>.</summary>
    public static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Programs", name);

    public static string Control(string server) => $"{LabFixture.State}/{server}/control.sock";

    /// <summary>The words of <c>softunicastc exec</c> for a pool, to be run on the server.</summary>
    public static string[] ExecWords(string server, string pool, params string[] program) => ["-s", Control(server), "exec", "--pool", pool, "--", .. program];

    /// <summary>A program through <c>softunicastc exec</c>, to its end.</summary>
    public static Task<CommandResult> ExecAsync(this LabFixture lab, string server, string pool, params string[] program)
    {
        ArgumentNullException.ThrowIfNull(lab);
        return LabFixture.RunAsync(server, lab.Program("softunicastc"), ExecWords(server, pool, program));
    }

    /// <summary>A program through <c>softunicastc exec</c> that runs while the test goes on.</summary>
    public static LabProgram StartExec(this LabFixture lab, string server, string pool, params string[] program)
    {
        ArgumentNullException.ThrowIfNull(lab);
        return LabProgram.Start(server, lab.Program("softunicastc"), ExecWords(server, pool, program));
    }

    /// <summary>The name that the origin saw of a program run through exec.</summary>
    public static async Task<string> SeenAsync(this LabFixture lab, string server, string pool) => SeenIn(await lab.ConnectOnceAsync(server, pool));

    /// <summary>Likewise; null if it got no answer.</summary>
    public static async Task<string?> TrySeenAsync(this LabFixture lab, string server, string pool) =>
        await lab.ConnectOnceAsync(server, pool) is { ExitStatus: 0 } ran ? SeenIn(ran) : null;

    /// <summary>The name in what curl printed of the origin's answer.</summary>
    public static string? SeenIn(string headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        return headers.Split('\n').FirstOrDefault(l => l.StartsWith("X-Seen: ", StringComparison.Ordinal))?["X-Seen: ".Length..].Trim();
    }

    /// <summary>A server's slices, as it knows them, those that leave it included.</summary>
    public static async Task<IReadOnlyList<OwnSlice>> OwnAsync(this LabFixture lab, string server, string pool)
    {
        ArgumentNullException.ThrowIfNull(lab);
        return
        [
            .. (await lab.ShowAsync(server, "slices", "pool", pool, "server", server)).GetProperty("slices").EnumerateArray()
                .Where(r => r.GetProperty("here").ValueKind == JsonValueKind.Object)
                .Select(r => new OwnSlice(
                    Slice(r.GetProperty("slice").GetString()!),
                    r.GetProperty("here").GetProperty("state").GetString()!,
                    r.GetProperty("here").GetProperty("use").GetString()!,
                    r.GetProperty("here").GetProperty("sockets").GetInt32())),
        ];
    }

    /// <summary>The slice of a server that a name like 192.0.2.1:5000 is in; the test fails if it is in none.</summary>
    public static async Task<OwnSlice> SliceOfAsync(this LabFixture lab, string server, string pool, string name)
    {
        var own = await lab.OwnAsync(server, pool);
        var found = own.FirstOrDefault(s => Holds(s.Slice, name));
        Assert.True(found is not null, $"{name} is in no slice of {server}: {string.Join(", ", own.Select(s => s.Slice))}");
        return found;
    }

    public static bool Holds(AddressPorts slice, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var colon = name.LastIndexOf(':');
        return IpAddress.TryParse(name.AsSpan(0, colon), out var address) && ushort.TryParse(name.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && slice.Contains(address, port);
    }

    /// <summary>Why nothing is handed out; null if slices are.</summary>
    public static async Task<string?> RefusalAsync(this LabFixture lab, string server)
    {
        ArgumentNullException.ThrowIfNull(lab);
        return (await lab.ShowAsync(server, "status")).GetProperty("egress") is { ValueKind: JsonValueKind.Object } egress
            ? egress.GetProperty("because").GetString()
            : "the daemon is starting";
    }

    public static async Task<string> HealthAsync(this LabFixture lab, string server)
    {
        ArgumentNullException.ThrowIfNull(lab);
        return (await lab.ShowAsync(server, "status")).GetProperty("health").GetString()!;
    }

    /// <summary>
    /// Waits until a server is well, and its slices of all pools are owned and serve nothing: as it was before a test. A connection
    /// that its own end closed first counts for a minute (TIME_WAIT).
    /// </summary>
    public static Task UntilUnusedAsync(this LabFixture lab, string server)
    {
        ArgumentNullException.ThrowIfNull(lab);
        JsonElement status = default;
        List<OwnSlice> own = [];
        return LabFixture.UntilAsync(
            () => $"{server} is as it was: {string.Join(", ", own)}; {status.GetProperty("problems")}",
            async () =>
            {
                status = await lab.ShowAsync(server, "status");
                own = [.. await lab.OwnAsync(server, "us-general"), .. await lab.OwnAsync(server, "eu-video")];
                return status.GetProperty("health").GetString() == "up" && own.TrueForAll(s => s.State == "owned" && s.Use is "none" or "nat");
            },
            TimeSpan.FromSeconds(75));
    }

    /// <summary>Has servers read their files again, which are good, and waits until these are in force and all is well.</summary>
    public static async Task TakeFilesAsync(this LabFixture lab, params IReadOnlyList<string> servers)
    {
        ArgumentNullException.ThrowIfNull(lab);
        var before = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var server in servers)
        {
            before[server] = await LoadedAsync(server);
        }

        foreach (var server in servers)
        {
            await ReloadAsync(server);
        }

        foreach (var server in servers)
        {
            JsonElement status = default;
            await LabFixture.UntilAsync(() => $"{server} has taken its files and is well: {status}", async () =>
            {
                status = await lab.ShowAsync(server, "status");
                return Loaded(status) != before[server] && status.GetProperty("health").GetString() == "up";
            }, TimeSpan.FromSeconds(60));
        }

        async Task<string> LoadedAsync(string server) => Loaded(await lab.ShowAsync(server, "status"));

        static string Loaded(JsonElement status) => status.GetProperty("configuration").GetProperty("loaded").GetString()!;
    }

    public static async Task ReloadAsync(string server) => Signal("HUP", await LabFixture.ProcessAsync("softunicastd", server));

    public static void Signal(string signal, int process) => Process.Start("kill", [$"-{signal}", $"{process}"]).WaitForExit();

    private static Task<CommandResult> ConnectOnceAsync(this LabFixture lab, string server, string pool) =>
        lab.ExecAsync(server, pool, "python3", Script("sockets.py"), "seen", LabFixture.OriginAddress);

    private static string SeenIn(CommandResult ran) => JsonDocument.Parse(ran.Succeeded()).RootElement.GetProperty("seen").GetString()!;

    public static AddressPorts Slice(string text) => AddressPorts.TryParse(text, out var slice) ? slice : throw new FormatException($"'{text}' is no slice");
}
