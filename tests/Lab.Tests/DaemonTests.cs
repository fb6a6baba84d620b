using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>The daemon under its operator and beside its gobgpd: what it refuses, holds, says and takes away.</summary>
public sealed class DaemonTests(LabFixture lab)
{
    [Fact]
    public async Task A_second_daemon_on_the_same_pins_refuses_and_names_the_first()
    {
        lab.Require();

        await LabFixture.UntilAsync("ams-1 is well", async () => await lab.HealthAsync("ams-1") == "up");
        var written = (await LogAsync("ams-1")).Length;
        var second = await LabFixture.RunAsync("ams-1", lab.Program("softunicastd"), $"{LabFixture.State}/ams-1/softunicast.yaml");

        Assert.Equal(1, second.ExitStatus);
        Assert.Contains($"process {await LabFixture.ProcessAsync("softunicastd", "ams-1")}: only one daemon runs", second.Errors, StringComparison.Ordinal);
        Assert.Equal("up", await lab.HealthAsync("ams-1"));

        // It has handed out nothing, and the first goes on to: no gap in the log, and what is asked for is given.
        Assert.DoesNotContain("\"event\":\"gap\"", (await LogAsync("ams-1"))[written..], StringComparison.Ordinal);
        await lab.SliceOfAsync("ams-1", "us-general", await lab.SeenAsync("ams-1", "us-general"));
    }

    [Fact]
    public async Task Files_with_an_error_are_not_taken_and_what_runs_goes_on()
    {
        lab.Require();
        var file = $"{LabFixture.State}/ams-3/softunicast.yaml";
        var good = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        try
        {
            await File.WriteAllTextAsync(file, good.Replace("role: both", "role: bth", StringComparison.Ordinal), TestContext.Current.CancellationToken);
            await EgressLab.ReloadAsync("ams-3");
            await LabFixture.UntilAsync("the status says that the file is not in force", async () =>
                (await ProblemsAsync("ams-3")).Any(p => p.Contains("not in force", StringComparison.Ordinal) && p.Contains("'bth'", StringComparison.Ordinal)));
            Assert.True((await FetchAsync("ams-3")).GetProperty("ok").GetBoolean());
            var check = await LabFixture.RunAsync("ams-3", lab.Program("softunicastd"), "--check", file);
            Assert.Equal(2, check.ExitStatus);
            Assert.Contains("did you mean 'both'?", check.Errors, StringComparison.Ordinal);
        }
        finally
        {
            await File.WriteAllTextAsync(file, good, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync("ams-3");
        }
    }

    [Fact]
    public async Task Files_in_which_nothing_changed_are_taken_and_no_peer_hears_of_it()
    {
        lab.Require();
        await LabFixture.UntilEstablishedAsync();
        var before = await HeardAsync();
        for (var i = 0; i < 5; i++)
        {
            await lab.TakeFilesAsync("fra-2");
        }

        Assert.Equal(before, await HeardAsync());
    }

    [Theory]
    [InlineData("interfaces:\n", "interfaces:\n  eht1: { role: backbone }\n", "there is no interface 'eht1'")]
    [InlineData("fleet: ../fleet.yaml", "fleet: fleet.yaml", "the packet path holds 4194304: use larger slices or fewer addresses")]
    public async Task What_the_packet_path_cannot_carry_is_not_taken_and_no_peer_hears_of_it(string text, string instead, string problem)
    {
        lab.Require();
        await LabFixture.UntilEstablishedAsync();
        var file = $"{LabFixture.State}/fra-2/softunicast.yaml";
        var good = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var bad = good.Replace(text, instead, StringComparison.Ordinal);
        Assert.NotEqual(good, bad);
        var fleet = await File.ReadAllTextAsync($"{LabFixture.State}/fleet.yaml", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync($"{LabFixture.State}/fra-2/fleet.yaml",
            fleet.Replace("pools:\n", "pools:\n  huge: { prefix: 100.64.0.0/15, slice-size: 512, datacenters: { ams: 1 } }\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var before = await HeardAsync();
        try
        {
            await File.WriteAllTextAsync(file, bad, TestContext.Current.CancellationToken);
            await EgressLab.ReloadAsync("fra-2");
            await LabFixture.UntilAsync("what is wrong is named", async () =>
                (await ProblemsAsync("fra-2")).Any(p => p.StartsWith("the files on disk are not in force: ", StringComparison.Ordinal) && p.Contains(problem, StringComparison.Ordinal)));
            Assert.Equal(before, await HeardAsync());
        }
        finally
        {
            File.Delete($"{LabFixture.State}/fra-2/fleet.yaml");
            await File.WriteAllTextAsync(file, good, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync("fra-2");
        }

        Assert.Equal(before, await HeardAsync());
    }

    [Theory]
    [InlineData("fra-3", "choose")]
    [InlineData("ams-2", "dispatch")]
    public async Task A_way_down_that_fails_half_way_is_told_and_what_was_withdrawn_is_announced_again(string server, string pins)
    {
        lab.Require();
        await ServicesLab.EnsureAsync(lab);
        var router = $"{server[..3]}-tor";
        var obstacle = $"/sys/fs/bpf/softunicast-lab/{server}/{pins}/v1/obstacle"; // a folder that is not empty cannot be removed
        Directory.CreateDirectory(obstacle);
        try
        {
            var failed = await lab.ControlAsync(server, "down");
            Assert.Equal(1, failed.ExitStatus);
            Assert.Contains("withdraw prefixes", failed.Output, StringComparison.Ordinal);
            Assert.StartsWith("not all is down: ", failed.Errors, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(obstacle);
        }

        await LabFixture.UntilAsync("its prefixes are announced again", async () =>
            await ServicesLab.NextHopsAsync("192.0.2.0/24", router) == 3 && await ServicesLab.NextHopsAsync("198.51.100.0/24", router) == 3);
        if (ServicesLab.Servers.Contains(server))
        {
            (await ServicesLab.RegisterAsync(lab, server, await LabFixture.ProcessAsync("http", server))).Succeeded();
            await LabFixture.UntilAsync("its services are announced again", async () => await ServicesLab.NextHopsAsync() == 3);
        }

        await LabFixture.UntilAsync("it is well", async () => await lab.HealthAsync(server) == "up");
        await lab.SliceOfAsync(server, "us-general", await lab.SeenAsync(server, "us-general"));
    }

    [Fact]
    public async Task While_BGP_is_configured_anew_what_was_announced_stays_announced()
    {
        lab.Require();
        await LabFixture.UntilEstablishedAsync();
        var file = $"{LabFixture.State}/fra-2/softunicast.yaml";
        var good = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var password = $"{LabFixture.State}/fra-2/password";
        var more = good.Replace("  neighbours:\n", $"  neighbours:\n    - {{ address: 10.2.99.99, as: 64599, scopes: [internet], passive: true, password-file: {password} }}\n", StringComparison.Ordinal);
        Assert.NotEqual(good, more);
        var before = await HeardAsync();
        try
        {
            // A password that is not there: nothing is taken, and the place is named.
            await File.WriteAllTextAsync(file, more, TestContext.Current.CancellationToken);
            await EgressLab.ReloadAsync("fra-2");
            await LabFixture.UntilAsync("the missing password is named", async () =>
                (await ProblemsAsync("fra-2")).Any(p => p.Contains("a BGP password cannot be read: ", StringComparison.Ordinal) && p.Contains(password, StringComparison.Ordinal)));

            // A neighbour that never comes: the daemon is degraded, the others hear nothing. Another password is another neighbour.
            foreach (var word in new[] { "one", "two" })
            {
                await File.WriteAllTextAsync(password, word + "\n", TestContext.Current.CancellationToken);
                var asked = await StartsAsync();
                await EgressLab.ReloadAsync("fra-2");
                await LabFixture.UntilAsync("BGP is asked anew, and has answered", async () =>
                    await StartsAsync() > asked && (await lab.ShowAsync("fra-2", "bgp")).GetProperty("synchronised").GetBoolean());
                Assert.Equal(before, await HeardAsync());
            }
        }
        finally
        {
            await File.WriteAllTextAsync(file, good, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync("fra-2");
        }

        Assert.Equal(before, await HeardAsync());
    }

    [Fact]
    public async Task A_gobgpd_that_hangs_is_said_in_the_status_and_packets_flow()
    {
        lab.Require();
        var gobgpd = await LabFixture.ProcessAsync("gobgpd", "fra-1");
        var (address, ports) = lab.Slice("fra-1", "us-general");
        try
        {
            // Longer than the hold time, peers would take it for dead, and its slices with it.
            EgressLab.Signal("STOP", gobgpd);
            var exchange = lab.TrafficAsync("fra-1", "udp", "--source", address, "--ports", ports, "--count", "1000", "--rate", "500", $"{LabFixture.OriginAddress}:7");
            await LabFixture.UntilAsync("the status says that gobgpd hangs", async () => await GobgpdAsync("fra-1") == "hung");

            // What cannot be withdrawn is not taken away.
            var refused = await lab.ControlAsync("fra-1", "down");
            Assert.Equal((1, ""), (refused.ExitStatus, refused.Output));
            Assert.Contains("what is announced cannot be withdrawn: gobgpd does not answer", refused.Errors, StringComparison.Ordinal);
            Assert.Equal(0, (await exchange).GetProperty("lost").GetInt32());
        }
        finally
        {
            EgressLab.Signal("CONT", gobgpd);
        }

        await LabFixture.UntilAsync("fra-1 is up again", async () => await lab.HealthAsync("fra-1") == "up", TimeSpan.FromSeconds(60));
        await LabFixture.UntilEstablishedAsync();
    }

    [Fact]
    public async Task While_the_daemon_is_down_the_command_line_says_so_and_what_still_steers()
    {
        lab.Require();
        (await lab.LabAsync("crash", "softunicastd", "nyc-2")).Succeeded();
        try
        {
            var answer = await lab.ControlAsync("nyc-2", "--pins", "/sys/fs/bpf/softunicast-lab/nyc-2", "show", "status");

            Assert.Equal(3, answer.ExitStatus);
            Assert.Contains("the daemon is down", answer.Output + answer.Errors, StringComparison.Ordinal);
            Assert.Contains("eth0", answer.Output + answer.Errors, StringComparison.Ordinal);
            Assert.True((await FetchAsync("nyc-2")).GetProperty("ok").GetBoolean());
        }
        finally
        {
            (await lab.LabAsync("start", "softunicastd", "nyc-2")).Succeeded();
        }

        await LabFixture.UntilAsync("nyc-2 is up again", async () => await lab.HealthAsync("nyc-2") == "up");
        Assert.True((await lab.ShowAsync("nyc-2", "status")).GetProperty("packet_path").GetProperty("adopted").GetBoolean());
    }

    [Fact]
    public async Task The_read_only_socket_refuses_what_changes_something()
    {
        lab.Require();

        var answer = await lab.ShowSocketAsync("ams-2", "down");

        Assert.Equal(4, answer.ExitStatus);
        Assert.Equal("up", await lab.HealthAsync("ams-2"));
        Assert.Equal(0, (await lab.ShowSocketAsync("ams-2", "show", "status")).ExitStatus);
    }

    /// <summary>
    /// On ams-1 alone, ams-1 and ams-3 are exchanged in the assignment: an old file beside a new one. The reflector passes on
    /// only one of the two routes, that of the lower router identifier.
    /// </summary>
    [Fact]
    public async Task Of_two_servers_that_announce_one_slice_the_assigned_owner_wins_and_both_are_shown()
    {
        lab.Require();
        var (address, ports) = lab.Slice("ams-3", "us-general");
        var file = $"{LabFixture.State}/ams-1/softunicast.yaml";
        var assignment = await File.ReadAllTextAsync($"{LabFixture.State}/assignment.yaml", TestContext.Current.CancellationToken);
        var server = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        try
        {
            await File.WriteAllTextAsync($"{LabFixture.State}/ams-1/assignment.yaml",
                assignment.Replace("ams-1", "ams-x", StringComparison.Ordinal).Replace("ams-3", "ams-1", StringComparison.Ordinal).Replace("ams-x", "ams-3", StringComparison.Ordinal),
                TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(file, server.Replace("../assignment.yaml", "assignment.yaml", StringComparison.Ordinal), TestContext.Current.CancellationToken);
            await EgressLab.ReloadAsync("ams-1");

            await LabFixture.UntilAsync("ams-2 shows the conflict", async () =>
                (await ProblemsAsync("ams-2")).Any(p => p.Contains("ams-3 wins over ams-1", StringComparison.Ordinal)));
            var owner = (await lab.ShowAsync("ams-2", "slice", "for", $"{address}:{ports.Split('-')[0]}")).GetProperty("owner");
            Assert.Equal("ams-3", owner.GetProperty("name").GetString());
            await LabFixture.UntilAsync("ams-3 shows that its slice is claimed", async () =>
                (await ProblemsAsync("ams-3")).Any(p => p.Contains("ams-3 wins over ams-1", StringComparison.Ordinal)));
        }
        finally
        {
            await File.WriteAllTextAsync(file, server, TestContext.Current.CancellationToken);
            await EgressLab.ReloadAsync("ams-1");
        }

        foreach (var name in new[] { "ams-1", "ams-2", "ams-3" })
        {
            await LabFixture.UntilAsync($"{name} is up again", async () => await lab.HealthAsync(name) == "up");
        }

        await lab.UntilUnusedAsync("ams-1"); // what it had lost for a moment rests first
    }

    [Fact]
    public async Task A_plan_that_gives_servers_more_slices_is_taken_under_load_and_nothing_is_lost()
    {
        lab.Require();
        var fleet = $"{LabFixture.State}/fleet.yaml";
        var assignment = $"{LabFixture.State}/assignment.yaml";
        var oldFleet = await File.ReadAllTextAsync(fleet, TestContext.Current.CancellationToken);
        var oldAssignment = await File.ReadAllTextAsync(assignment, TestContext.Current.CancellationToken);
        var (address, ports) = lab.Slice("fra-2", "us-general");
        var before = await OwnedAsync("fra-2", "fra-2");
        Assert.Equal(4, before.Count);
        var exchange = lab.TrafficAsync("fra-2", "udp", "--source", address, "--ports", ports, "--count", "4000", "--rate", "500", $"{LabFixture.OriginAddress}:7");
        try
        {
            await File.WriteAllTextAsync(fleet, oldFleet.Replace(
                "addresses: 192.0.2.1-192.0.2.3\n    slices-per-server: 4\n", "addresses: 192.0.2.1-192.0.2.3\n    slices-per-server: 6\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
            (await LabFixture.RunAsync("fra-2", lab.Program("softunicastc"), "plan", "--fleet", fleet, "--assignment", assignment, "--in-place")).Succeeded();
            foreach (var server in LabFixture.Servers)
            {
                await EgressLab.ReloadAsync(server);
            }

            foreach (var server in LabFixture.Servers)
            {
                await LabFixture.UntilAsync($"{server} has six slices, and the others know", async () =>
                {
                    var here = await OwnedAsync(server, server);
                    var known = await OwnedAsync(server.EndsWith('1') ? $"{server[..^1]}2" : $"{server[..^1]}1", server);
                    return here.Count == 6 && known.SequenceEqual(here);
                }, TimeSpan.FromSeconds(60));
            }

            Assert.Equal(0, (await exchange).GetProperty("lost").GetInt32());
            var grown = (await OwnedAsync("fra-2", "fra-2")).Except(before).First();
            var colon = grown.LastIndexOf(':');
            var fetched = await lab.TrafficAsync("fra-2", "fetch", "--source", grown[..colon], "--ports", grown[(colon + 1)..], $"http://{LabFixture.OriginAddress}/");
            Assert.True(fetched.GetProperty("ok").GetBoolean(), fetched.ToString());
        }
        finally
        {
            await File.WriteAllTextAsync(fleet, oldFleet, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(assignment, oldAssignment, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync([.. LabFixture.Servers]);
        }

        foreach (var server in LabFixture.Servers)
        {
            await LabFixture.UntilAsync($"{server} has four slices", async () => (await OwnedAsync(server, server)).Count == 4, TimeSpan.FromSeconds(60));
        }
    }

    [Fact]
    public async Task Down_withdraws_drains_and_takes_the_packet_path_away()
    {
        lab.Require();
        await lab.SeenAsync("fra-3", "us-general");
        var changed = await HostTests.ChangedAsync(lab, "fra-3");
        Assert.Contains("net.ipv4.ip_local_port_range", changed.Keys);
        var choosers = await ChoosersAsync();
        var down = await lab.ControlAsync("fra-3", "down");
        try
        {
            Assert.Equal(0, down.ExitStatus);
            var order = new[] { "withdraw prefixes", "drain arrivals", "end egress", "withdraw ownership", "drain tunnels", "take the packet path away" };
            var places = order.Select(step => down.Output.IndexOf(step, StringComparison.Ordinal)).ToArray();
            Assert.True(places.All(p => p >= 0) && places.SequenceEqual(places.Order()), down.Output);
            Assert.False(Directory.Exists("/sys/fs/bpf/softunicast-lab/fra-3/v1"), "tables are still pinned");
            Assert.DoesNotContain("xdp", (await LabFixture.RunAsync("fra-3", "ip", "-o", "link", "show", "eth0")).Succeeded(), StringComparison.Ordinal);
            foreach (var (name, (was, _)) in changed)
            {
                Assert.Equal((name, was), (name, await HostTests.ValueAsync("fra-3", name)));
            }

            Assert.DoesNotContain("softunicast", (await LabFixture.RunAsync("fra-3", "nft", "list", "tables")).Succeeded(), StringComparison.Ordinal);
            Assert.DoesNotContain("su_guard", (await LabFixture.RunAsync("fra-3", "tc", "filter", "show", "dev", "eth0", "egress")).Output, StringComparison.Ordinal);
            Assert.DoesNotContain("clsact", (await LabFixture.RunAsync("fra-3", "tc", "qdisc", "show", "dev", "eth0")).Succeeded(), StringComparison.Ordinal);
            Assert.False(Directory.Exists("/sys/fs/bpf/softunicast-lab/fra-3/choose"), "the chooser is still pinned");
            Assert.Equal(choosers - 1, await ChoosersAsync());
            await LabFixture.UntilAsync("the ToR has forgotten it", async () =>
                !(await LabFixture.BirdAsync("fra-tor", "show", "route", "all", "192.0.2.0/24")).Contains("on fra-3", StringComparison.Ordinal));
            Assert.True((await FetchAsync("fra-1")).GetProperty("ok").GetBoolean());
        }
        finally
        {
            await LabFixture.UntilAsync("the daemon has ended", async () => !await LabFixture.IsRunningAsync("softunicastd", "fra-3"));
            (await lab.LabAsync("start", "softunicastd", "fra-3")).Succeeded();
        }

        await LabFixture.UntilAsync("fra-3 is up again", async () => await lab.HealthAsync("fra-3") == "up", TimeSpan.FromSeconds(60));
        await LabFixture.UntilEstablishedAsync();
        Assert.True((await FetchAsync("fra-3")).GetProperty("ok").GetBoolean());
        await lab.SliceOfAsync("fra-3", "us-general", await lab.SeenAsync("fra-3", "us-general"));
    }

    [Fact]
    public async Task What_the_kernel_has_is_what_the_shows_say()
    {
        lab.Require();
        var host = await lab.ShowAsync("ams-1", "host");

        foreach (var device in host.GetProperty("interfaces").EnumerateArray().Where(i => i.GetProperty("role").ValueKind == JsonValueKind.String))
        {
            var link = JsonDocument.Parse((await LabFixture.RunAsync("ams-1", "ip", "-json", "link", "show", device.GetProperty("name").GetString()!)).Succeeded()).RootElement[0];
            Assert.Equal(link.GetProperty("xdp").GetProperty("prog").GetProperty("id").GetInt32(), device.GetProperty("program_id").GetInt32());
            Assert.True(device.GetProperty("ours").GetBoolean());
        }
    }

    /// <summary>What fra-2's peers have from it, and since when: a route that was withdrawn and came back is younger.</summary>
    private static async Task<string> HeardAsync()
    {
        var routes = $"{await LabFixture.BirdAsync("fra-tor", "show", "route")}\n{await LabFixture.BirdAsync("fra-rr", "show", "route")}".Split('\n');
        var its = string.Join('\n', routes.Where(line => line.Contains("[fra_2", StringComparison.Ordinal)));
        Assert.Contains("unicast", its, StringComparison.Ordinal);
        Assert.Contains("flow4", its, StringComparison.Ordinal);
        return its;
    }

    /// <summary>How often fra-2's daemon has begun to speak to its gobgpd.</summary>
    private static async Task<int> StartsAsync() =>
        (await File.ReadAllTextAsync($"{LabFixture.State}/log/softunicastd-fra-2.log", TestContext.Current.CancellationToken)).Split("gobgpd is Running, was Starting").Length;

    /// <summary>A server's attribution log, all days of it.</summary>
    private static async Task<string> LogAsync(string server)
    {
        var text = "";
        foreach (var file in Directory.GetFiles($"{LabFixture.State}/{server}/attribution", "*.jsonl").Order(StringComparer.Ordinal))
        {
            text += await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        }

        return text;
    }

    /// <summary>Programs at the root of all cgroups that choose a port at connect(2): one for each server's daemon.</summary>
    private static async Task<int> ChoosersAsync() =>
        (await LabFixture.RunAsync("fra-3", "sh", "-c", "bpftool cgroup show $(findmnt -n -t cgroup2 -o TARGET | head -n 1)")).Succeeded()
            .Split('\n').Count(l => l.Contains("su_connect4", StringComparison.Ordinal));

    private async Task<string> GobgpdAsync(string server) =>
        (await lab.ShowAsync(server, "bgp")).GetProperty("gobgpd").GetProperty("state").GetString()!;

    private async Task<IReadOnlyList<string>> ProblemsAsync(string server) =>
        [.. (await lab.ShowAsync(server, "status")).GetProperty("problems").EnumerateArray().Select(p => p.GetProperty("what").GetString()!)];

    private async Task<IReadOnlyList<string>> OwnedAsync(string asked, string owner) =>
    [
        .. (await lab.ShowAsync(asked, "slices", "pool", "us-general", "server", owner)).GetProperty("slices").EnumerateArray()
            .Select(s => s.GetProperty("slice").GetString()!),
    ];

    private Task<JsonElement> FetchAsync(string server)
    {
        var (address, ports) = lab.Slice(server, "us-general");
        return lab.TrafficAsync(server, "fetch", "--source", address, "--ports", ports, $"http://{LabFixture.OriginAddress}/");
    }
}
