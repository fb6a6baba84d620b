using System.Globalization;
using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>kill -9 of the daemon while programs are on its slices.</summary>
public sealed class KillTests(LabFixture lab)
{
    private const string Server = "nyc-1";
    private const string Pool = "us-general";

    [Fact]
    public async Task Programs_connect_on_while_the_daemon_is_dead_and_it_finds_their_leases_and_the_gap_in_its_log()
    {
        lab.Require();
        await using var program = lab.StartExec(Server, Pool, "python3", EgressLab.Script("sockets.py"), "again", LabFixture.OriginAddress);
        await using var client = await LabClient.ConnectAsync(Server);
        var lease = (await client.AskAsync($"lease pool {Pool}")).GetProperty("lease").GetString()!;
        await LabFixture.UntilAsync("it connects", async () => await ConnectedAsync(program) > 0);
        await LabFixture.UntilAsync("the leases are shown", async () => (await LeasesAsync()).Count >= 3, EgressLab.Soon);
        var leases = await LeasesAsync();
        var own = await lab.OwnAsync(Server, Pool);
        var held = own.First(s => s.Use == "exec").Slice;
        var name = $"{held.Address}:{held.Ports.First}";

        // What lies behind the last sign of life in the log is a gap.
        var before = DateTimeOffset.UtcNow;
        await LabFixture.UntilAsync("the log is alive past that", async () => await AliveAsync() > before.AddMilliseconds(1));
        (await lab.LabAsync("crash", "softunicastd", Server)).Succeeded();
        DateTimeOffset within;
        try
        {
            within = DateTimeOffset.UtcNow;
            var connected = await ConnectedAsync(program);
            await LabFixture.UntilAsync("it connects without a daemon", async () => await ConnectedAsync(program) > connected + 20);
            var refused = await lab.ExecAsync(Server, Pool, "echo", "ran");
            Assert.Equal((3, ""), (refused.ExitStatus, refused.Output));
            Assert.Contains("the daemon is down", refused.Errors, StringComparison.Ordinal);
        }
        finally
        {
            (await lab.LabAsync("start", "softunicastd", Server)).Succeeded();
        }

        await LabFixture.UntilAsync("the daemon hands out slices", async () => await lab.RefusalAsync(Server) is null);
        Assert.Equal(leases, await LeasesAsync());
        await using (var anew = await LabClient.ConnectAsync(Server))
        {
            Assert.Equal(lease, (await anew.AskAsync($"renew {lease}")).GetProperty("lease").GetString());
        }

        var past = await ConnectedAsync(program);
        await LabFixture.UntilAsync("it connects with the new daemon", async () => await ConnectedAsync(program) > past + 20);
        Assert.Equal(0, (await program.AskAsync()).GetProperty("failed").GetArrayLength());
        foreach (var at in new[] { before, DateTimeOffset.UtcNow })
        {
            var who = await WhoAsync(name, at);
            Assert.Equal((Server, "exec"), (who.GetProperty("server").GetString(), who.GetProperty("use").GetString()));
            Assert.Equal(program.Id, Assert.Single(who.GetProperty("holders").EnumerateArray()).GetProperty("process_id").GetInt32());
        }

        var gap = (await WhoAsync(name, within)).GetProperty("unknown");
        Assert.Contains("the daemon ended without a word", gap.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains($"stayed with {Server}", gap.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Matches(@"^attribution-[0-9-]+\.jsonl:[0-9]+ \(record [0-9]+\)$", gap.GetProperty("record").GetString());
        await client.DisposeAsync();
        await program.EndAsync();
        await using (var last = await LabClient.ConnectAsync(Server))
        {
            await last.AskAsync($"release {lease}");
        }

        await lab.UntilUnusedAsync(Server);
        await LabFixture.UntilEstablishedAsync();
    }

    private static async Task<int> ConnectedAsync(LabProgram program) => (await program.AskAsync()).GetProperty("connected").GetInt32();

    private async Task<IReadOnlyList<string>> LeasesAsync() =>
    [
        .. (await lab.ShowAsync(Server, "leases")).GetProperty("leases").EnumerateArray()
            .Where(l => l.GetProperty("kind").GetString() != "nat")
            .Select(l => $"{l.GetProperty("slice")} {l.GetProperty("kind")} {l.GetProperty("id")} {l.GetProperty("process_id")} {l.GetProperty("since").GetDateTimeOffset():O}"[..^10]),
    ];

    private static async Task<DateTimeOffset> AliveAsync()
    {
        var tip = await File.ReadAllTextAsync($"{LabFixture.State}/{Server}/attribution/attribution.tip", TestContext.Current.CancellationToken);
        return JsonDocument.Parse(tip).RootElement.GetProperty("alive").GetDateTimeOffset();
    }

    private async Task<JsonElement> WhoAsync(string name, DateTimeOffset at)
    {
        var time = at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        return JsonDocument.Parse((await lab.ControlAsync(Server, "--json", "who", name, time)).Succeeded()).RootElement;
    }
}
