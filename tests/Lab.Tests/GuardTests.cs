using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>Nothing leaves from a port that its server does not own, whoever sends it: shown by what the ToR receives.</summary>
public sealed class GuardTests(LabFixture lab)
{
    private const string Server = "nyc-2";
    private const string Tor = "nyc-tor";

    // In its own datacenter's block, where nobody has ports below 1024.
    private const string Unowned = "192.0.2.3:80";

    private string Foreign => $"{lab.Slice("ams-1", "us-general").Address}:{lab.Slice("ams-1", "us-general").Ports.Split('-')[0]}";

    [Fact]
    public async Task Nothing_leaves_from_a_port_that_a_program_took_itself_and_show_guard_names_the_program()
    {
        lab.Require();
        await using var wire = await ListenAsync();
        foreach (var (name, reason) in new[] { (Foreign, "foreign"), (Unowned, "unowned") })
        {
            var before = await DroppedAsync(reason);
            var colon = name.IndexOf(':', StringComparison.Ordinal);
            await using var program = LabProgram.Start(Server, "python3", EgressLab.Script("sockets.py"), "bound", LabFixture.OriginAddress, name[..colon], name[(colon + 1)..]);
            await program.NextAsync();

            // A datagram, and a SYN at least.
            await LabFixture.UntilAsync($"the guard has dropped {name}", async () => await DroppedAsync(reason) >= before + 2, EgressLab.Soon);
            await LabFixture.UntilAsync($"show guard names process {program.Id}", async () => (await EventsAsync()).Any(e =>
                e.GetProperty("reason").GetString() == reason
                && e.GetProperty("packet").GetString()!.Contains($" {name} > ", StringComparison.Ordinal)
                && e.GetProperty("culprit").GetString() == $"process {program.Id} (python3) of user 0"), EgressLab.Soon);
        }

        await AssertNoneAsync(wire);
    }

    [Fact]
    public async Task Nothing_leaves_that_a_rule_of_somebody_else_gives_a_foreign_port()
    {
        lab.Require();
        await using var wire = await ListenAsync();
        var before = await DroppedAsync("foreign");
        (await LabFixture.RunAsync(Server, "nft", "add table ip somebody; add chain ip somebody out { type nat hook postrouting priority 100; }; " +
            $"add rule ip somebody out udp dport 7 snat to {Foreign}")).Succeeded();
        try
        {
            (await LabFixture.RunAsync(Server, "sh", "-c", $"echo translated | socat -t 0.2 - UDP4:{LabFixture.OriginAddress}:7")).Succeeded();
            await LabFixture.UntilAsync("the guard has dropped it", async () => await DroppedAsync("foreign") > before, EgressLab.Soon);
            await LabFixture.UntilAsync("show guard says so", async () => (await EventsAsync()).Any(e =>
                e.GetProperty("packet").GetString() == $"udp {Foreign} > {LabFixture.OriginAddress}:7"
                && e.GetProperty("culprit").GetString()!.Contains("translated", StringComparison.Ordinal)), EgressLab.Soon);
        }
        finally
        {
            (await LabFixture.RunAsync(Server, "nft", "delete table ip somebody")).Succeeded();
        }

        await AssertNoneAsync(wire);
    }

    /// <summary>By tcx a pin holds it; before Linux 6.6 a filter on clsact.</summary>
    [Fact]
    public async Task A_guard_that_somebody_takes_away_comes_back()
    {
        lab.Require();
        // The pin of an interface that is gone holds nothing, and goes when the guard takes a place next.
        var links = (await LabFixture.RunAsync(Server, "ip", "-o", "link")).Succeeded().Split('\n').Select(line => line.Split(':')[0]).ToHashSet();
        var before = Places().Where(pin => links.Contains(pin[(pin.LastIndexOf('_') + 1)..])).ToList();
        var filter = await FilterAsync();
        if (before.Count > 0)
        {
            foreach (var pin in before)
            {
                File.Delete(pin);
            }

            await LabFixture.UntilAsync("the guard is pinned again", () => Task.FromResult(before.TrueForAll(File.Exists)), EgressLab.Soon);
        }
        else
        {
            Assert.Contains("su_guard", filter, StringComparison.Ordinal);
            (await LabFixture.RunAsync(Server, "tc", "filter", "del", "dev", "eth0", "egress")).Succeeded();
            await LabFixture.UntilAsync("the guard is back", async () => await FilterAsync() == filter, EgressLab.Soon);
        }

        await lab.SliceOfAsync(Server, "us-general", await lab.SeenAsync(Server, "us-general"));
    }

    [Fact]
    public async Task Where_the_guard_cannot_be_nothing_is_handed_out_and_the_status_says_why()
    {
        lab.Require();
        var file = $"{LabFixture.State}/{Server}/softunicast.yaml";
        var good = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        (await LabFixture.RunAsync(Server, "ip", "link", "add", "eth9", "type", "veth", "peer", "name", "eth9p")).Succeeded();
        try
        {
            await File.WriteAllTextAsync(file, good.Replace("interfaces:\n", "interfaces:\n  eth9: { role: backbone }\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
            await EgressLab.ReloadAsync(Server);
            await LabFixture.UntilAsync("the interface is taken in", async () =>
                (await LabFixture.RunAsync(Server, "ip", "-o", "link", "show", "eth9")).Output.Contains("xdp", StringComparison.Ordinal), EgressLab.Soon);
            (await LabFixture.RunAsync(Server, "ip", "link", "del", "eth9")).Succeeded();
            await LabFixture.UntilAsync("nothing is handed out", async () => await lab.RefusalAsync(Server) is not null && await lab.HealthAsync(Server) == "degraded", EgressLab.Soon);
            Assert.Contains("the guard is not on eth9: there is no such interface", await lab.RefusalAsync(Server), StringComparison.Ordinal);
            var refused = await lab.ExecAsync(Server, "us-general", "echo", "ran");
            Assert.Equal((1, ""), (refused.ExitStatus, refused.Output));
            Assert.Contains("the guard is not on eth9: there is no such interface", refused.Errors, StringComparison.Ordinal);
        }
        finally
        {
            await LabFixture.RunAsync(Server, "ip", "link", "del", "eth9"); // gone already, if all went well
            await File.WriteAllTextAsync(file, good, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync(Server);
        }

        Assert.Null(await lab.RefusalAsync(Server));
        await lab.SliceOfAsync(Server, "us-general", await lab.SeenAsync(Server, "us-general"));
    }

    /// <summary>The ToR's ends of the cables of the server.</summary>
    private static async Task<LabProgram> ListenAsync()
    {
        var wire = LabProgram.Start(Tor, "python3", EgressLab.Script("capture.py"), $"{Server}-eth0", $"{Server}-eth1");
        await wire.NextAsync();
        return wire;
    }

    /// <summary>No packet came with an egress source that is not in a slice of the server; that the wire was heard, one that may leave shows.</summary>
    private async Task AssertNoneAsync(LabProgram wire)
    {
        var seen = await lab.SeenAsync(Server, "us-general");
        var own = (await lab.OwnAsync(Server, "us-general")).Concat(await lab.OwnAsync(Server, "eu-video")).ToList();
        var sources = (await wire.EndAsync()).Select(p => (Address: p.GetProperty("source").GetString()!, Port: p.GetProperty("source_port").GetInt32()))
            .Where(s => s.Address.StartsWith("192.0.2.", StringComparison.Ordinal) || s.Address.StartsWith("198.51.100.", StringComparison.Ordinal))
            .Select(s => $"{s.Address}:{s.Port}").Distinct().ToList();
        Assert.Contains(seen, sources);
        Assert.All(sources, source => Assert.Contains(own, s => EgressLab.Holds(s.Slice, source)));
    }

    private async Task<long> DroppedAsync(string reason) => (await lab.ShowAsync(Server, "guard")).GetProperty("reasons").EnumerateArray()
        .Single(r => r.GetProperty("reason").GetString() == reason && r.GetProperty("dropped").GetBoolean()).GetProperty("packets").GetInt64();

    private async Task<IReadOnlyList<JsonElement>> EventsAsync() => [.. (await lab.ShowAsync(Server, "guard")).GetProperty("events").EnumerateArray()];

    private static List<string> Places() =>
        [.. Directory.EnumerateFiles($"/sys/fs/bpf/softunicast-lab/{Server}/v1", "tcx_*").Order(StringComparer.Ordinal)];

    private static async Task<string> FilterAsync() => (await LabFixture.RunAsync(Server, "tc", "filter", "show", "dev", "eth0", "egress")).Output;
}
