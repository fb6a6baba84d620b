using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>The services of the lab: one HTTP socket a server on 13 ports of a /20, found by names that are answered by policy.</summary>
internal static class ServicesLab
{
    public const string Prefix = "198.18.16.0/20";
    public const string PrefixOf256 = "198.18.16.0/24";
    /// <summary>What its servers announce for services, once these run; the name server's prefix at any time.</summary>
    public static IReadOnlyList<string> Announced { get; } = [Prefix, "198.18.48.0/20", "198.18.32.0/24"];

    public const string OneAddress = "198.18.16.1";
    public const string DnsServer = "ams-1";
    public const string Dns = "198.18.32.53:53";
    public const string Ports = "80,443,2052,2053,2082,2083,2086,2087,2095,2096,8080,8443,8880";

    public static IReadOnlyList<string> Servers { get; } = ["ams-1", "ams-2", "ams-3"];

    /// <summary>Starts them, if they do not run.</summary>
    public static async Task EnsureAsync(LabFixture lab)
    {
        if (!File.Exists($"{LabFixture.State}/pids/dnsdist-{DnsServer}"))
        {
            (await lab.LabAsync("services")).Succeeded();
        }
    }

    /// <summary>Clients on the Internet that fetch by name, until their input ends; <c>mark NAME [PREFIX]</c> says how it went since the last mark.</summary>
    public static LabProgram StartClients(LabFixture lab, string pattern = "a{n}.cdn.example.net", params string[] options) => LabProgram.Start(
        "origin", lab.Program("softunicast-traffic"), ["names", "--dns", Dns, "--ports", Ports, "--names", "100000", "--concurrency", "8", .. options, pattern]);

    /// <summary>So many fetches, all of which have to go well.</summary>
    public static Task<JsonElement> FetchAsync(LabFixture lab, int count) => FetchAsync(lab, count, "a{n}.cdn.example.net");

    public static async Task<JsonElement> FetchAsync(LabFixture lab, int count, string pattern, params string[] options)
    {
        await using var clients = StartClients(lab, pattern, ["--fetches", $"{count}", .. options]);
        return Whole(await clients.NextAsync());
    }

    /// <summary>Asserts that no fetch of a phase failed.</summary>
    public static JsonElement Whole(JsonElement phase)
    {
        Assert.True(phase.GetProperty("failed").GetInt32() == 0 && phase.GetProperty("fetches").GetInt32() > 0, $"{phase}");
        return phase;
    }

    /// <summary>Marks again until a phase has so many fetches, all of which have to go well.</summary>
    public static Task FetchOnAsync(LabProgram clients, int count)
    {
        var fetches = 0;
        return LabFixture.UntilAsync(() => $"{count} fetches, {fetches} so far", async () =>
        {
            var phase = await clients.AskAsync("mark on");
            Assert.True(phase.GetProperty("failed").GetInt32() == 0, $"{phase}");
            fetches += phase.GetProperty("fetches").GetInt32();
            return fetches >= count;
        });
    }

    /// <summary>The live sockets of label www on a server: their cookies.</summary>
    public static async Task<IReadOnlyList<ulong>> SocketsAsync(LabFixture lab, string server) =>
        [.. (await lab.ShowAsync(server, "dispatch")).GetProperty("sockets").EnumerateArray().Where(s => s.GetProperty("label").GetString() == "www").Select(s => s.GetProperty("cookie").GetUInt64())];

    public static async Task<ulong> SumAsync(LabFixture lab, string server, string counter) =>
        (await lab.ShowAsync(server, "bindings")).GetProperty("bindings").EnumerateArray().Aggregate(0ul, (sum, b) => sum + b.GetProperty(counter).GetUInt64());

    /// <summary>Has a process's sockets registered for label www.</summary>
    public static Task<CommandResult> RegisterAsync(LabFixture lab, string server, int processId, params string[] options) => LabFixture.RunAsync(
        server, lab.Program("softunicastc"), ["-s", $"{LabFixture.State}/{server}/register.sock", "register", "www", "--pid", $"{processId}", .. options]);

    /// <summary>An HTTP service of one socket, not registered yet.</summary>
    public static async Task<LabProgram> StartServiceAsync(LabFixture lab, string server, string name)
    {
        var service = LabProgram.Start(server, lab.Program("softunicast-traffic"), "serve", "--name", name);
        await service.NextAsync();
        return service;
    }

    /// <summary>How many servers the datacenter's router sends the prefix to.</summary>
    public static async Task<int> NextHopsAsync(string prefix = Prefix, string router = "ams-tor") =>
        (await LabFixture.RunAsync(router, "ip", "-o", "route", "show", prefix)).Succeeded().Split("via ").Length - 1;
}
