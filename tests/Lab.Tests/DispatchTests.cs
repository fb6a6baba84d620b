using System.Globalization;
using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>Whole prefixes and many ports to one socket a server, while daemons, services and operators do what they do.</summary>
public sealed class DispatchTests(LabFixture lab)
{
    [Fact]
    public async Task Every_port_of_a_prefix_is_served_by_one_socket_a_server_and_counted()
    {
        await ReadyAsync();
        var before = await Task.WhenAll(ServicesLab.Servers.Select(s => ServicesLab.SumAsync(lab, s, "hits")));

        var phase = await ServicesLab.FetchAsync(lab, 1500);

        var after = await Task.WhenAll(ServicesLab.Servers.Select(s => ServicesLab.SumAsync(lab, s, "hits")));
        Assert.Equal(ServicesLab.Servers, phase.GetProperty("servers").EnumerateObject().Select(s => s.Name).Order(StringComparer.Ordinal));
        Assert.InRange(phase.GetProperty("addresses").GetInt32(), 1000, 1500); // of 4,096, drawn 1,500 times: 1,256 are expected
        foreach (var (server, i) in ServicesLab.Servers.Select((s, i) => (s, i)))
        {
            var counted = (int)(after[i] - before[i]);
            Assert.InRange(counted, phase.GetProperty("servers").GetProperty(server).GetInt32(), 1500);
            var bindings = (await lab.ShowAsync(server, "bindings")).GetProperty("bindings").EnumerateArray().Where(b => b.GetProperty("prefix").GetString() == ServicesLab.Prefix).ToList();
            Assert.Equal(13, bindings.Count);
            Assert.All(bindings, b => Assert.NotEqual(0ul, b.GetProperty("hits").GetUInt64()));
            Assert.Single(await ServicesLab.SocketsAsync(lab, server));
        }
    }

    [Fact]
    public async Task A_daemon_that_is_killed_and_started_again_loses_no_request_and_no_registration()
    {
        await ReadyAsync();
        const string server = "ams-2";
        var sockets = await ServicesLab.SocketsAsync(lab, server);
        var hits = await ServicesLab.SumAsync(lab, server, "hits");
        await using var clients = ServicesLab.StartClients(lab);
        await ServicesLab.FetchOnAsync(clients, 100);

        (await lab.LabAsync("crash", "softunicastd", server)).Succeeded();
        await ServicesLab.FetchOnAsync(clients, 500);
        (await lab.LabAsync("start", "softunicastd", server)).Succeeded();
        await ServicesLab.FetchOnAsync(clients, 500);

        ServicesLab.Whole((await clients.EndAsync())[^1]);
        Assert.Equal(sockets, await ServicesLab.SocketsAsync(lab, server));
        Assert.True(await ServicesLab.SumAsync(lab, server, "hits") > hits + 100, "the counters went on");
    }

    [Fact]
    public async Task A_service_that_dies_is_noticed_counted_and_removed_and_recovers()
    {
        await ReadyAsync();
        const string server = "ams-3";
        var misses = await ServicesLab.SumAsync(lab, server, "misses");
        var died = await DiedAsync(server);
        var process = await LabFixture.ProcessAsync("http", server);

        (await LabFixture.RunAsync(server, "kill", "-KILL", process.ToString(CultureInfo.InvariantCulture))).Succeeded();
        await LabFixture.UntilAsync("the dead socket is removed", async () => await DiedAsync(server) == died + 1 && (await ServicesLab.SocketsAsync(lab, server)).Count == 0);

        // Asked from its own rack, so that it is this server that refuses.
        var refused = await LabFixture.RunAsync(server, "curl", "-s", "-m", "5", "http://198.18.16.77:8080/");
        Assert.Equal(7, refused.ExitStatus); // connection refused
        Assert.Equal(misses + 1, await ServicesLab.SumAsync(lab, server, "misses"));
        Assert.Equal(26, (await lab.ShowAsync(server, "bindings")).GetProperty("bindings").GetArrayLength());
        await LabFixture.UntilAsync("the prefix is withdrawn", async () => await ServicesLab.NextHopsAsync() == 2);
        Assert.Equal("label www has no live TCP socket for IPv4", await BecauseAsync(server));
        await ServicesLab.FetchAsync(lab, 300);

        (await lab.LabAsync("start", "http", server)).Succeeded();
        await LabFixture.UntilAsync("the prefix is announced again", async () => await ServicesLab.NextHopsAsync() == 3);
        var phase = await ServicesLab.FetchAsync(lab, 300);
        Assert.True(phase.GetProperty("servers").TryGetProperty(server, out _), $"{phase}");
    }

    [Fact]
    public async Task The_next_version_of_a_service_takes_the_place_of_the_former_without_a_failed_request()
    {
        await ReadyAsync();
        const string server = "ams-1";
        var former = await ServicesLab.SocketsAsync(lab, server);
        await using var clients = ServicesLab.StartClients(lab);
        await ServicesLab.FetchOnAsync(clients, 100);

        await using var next = await ServicesLab.StartServiceAsync(lab, server, "ams-1-next");
        (await ServicesLab.RegisterAsync(lab, server, next.Id, "--replace")).Succeeded();
        var now = await ServicesLab.SocketsAsync(lab, server);
        Assert.Single(now);
        Assert.NotEqual(former, now);
        await ServicesLab.FetchOnAsync(clients, 300);

        // Back again: side by side first, then the next one alone.
        (await ServicesLab.RegisterAsync(lab, server, await LabFixture.ProcessAsync("http", server))).Succeeded();
        await ServicesLab.FetchOnAsync(clients, 300);
        (await lab.ControlAsync(server, "unregister", "www", "cookie", $"{now[0]}")).Succeeded();
        await ServicesLab.FetchOnAsync(clients, 300);

        var last = (await clients.EndAsync())[^1];
        ServicesLab.Whole(last);
        Assert.Equal(former, await ServicesLab.SocketsAsync(lab, server));
    }

    [Fact]
    public async Task Who_may_not_register_is_told_so_and_counted()
    {
        await ReadyAsync();
        const string server = "ams-2";
        var before = await lab.ShowAsync(server, "dispatch");
        await using var service = LabProgram.Start(
            server, "setpriv", "--reuid=1", "--regid=1", "--clear-groups", lab.Program("softunicast-traffic"), "serve", "--name", "intruder");
        await service.NextAsync();

        var refused = await LabFixture.RunAsync(
            server, "setpriv", "--reuid=1", "--regid=1", "--clear-groups", lab.Program("softunicastc"), "-s", $"{LabFixture.State}/{server}/register.sock",
            "register", "www", "--pid", $"{service.Id}");
        var other = await LabFixture.RunAsync(
            server, lab.Program("softunicastc"), "-s", $"{LabFixture.State}/{server}/register.sock", "register", "api", "--pid", $"{service.Id}");

        Assert.Equal((4, "user 1 may not register for label www; the configuration's 'labels' say who may\n"), (refused.ExitStatus, refused.Errors));
        Assert.Equal((4, "nobody may register for label api: the configuration has no rule for it; the configuration's 'labels' say who may\n"), (other.ExitStatus, other.Errors));
        var after = await lab.ShowAsync(server, "dispatch");
        Assert.Equal(before.GetProperty("sockets").ToString(), after.GetProperty("sockets").ToString());
        Assert.Equal(before.GetProperty("refused").GetInt64() + 2, after.GetProperty("refused").GetInt64());
    }

    [Theory]
    [InlineData(1, "'www tcp 203.0.113.0/24 80' lies in no configured pool: 198.18.16.0/20, 198.18.48.0/20; see show bindings and show dispatch", "bind www tcp 203.0.113.0/24 80")]
    [InlineData(1, "'www tcp 198.18.16.0/20 80' is bound already; see show bindings and show dispatch", "bind www tcp 198.18.16.0/20 80")]
    [InlineData(1, "'api tcp 198.18.16.0/20 80' contradicts 'www tcp 198.18.16.0/20 80': the same protocol, prefix and ports, another label; see show bindings and show dispatch", "bind api tcp 198.18.16.0/20 80")]
    [InlineData(1, "'www tcp 198.18.16.0/20 80' is bound by the configuration; take it out of the file, then reload", "unbind www tcp 198.18.16.0/20 80")]
    [InlineData(1, "there is no binding 'www udp 198.18.16.0/20 80'; see show bindings", "unbind www udp 198.18.16.0/20 80")]
    [InlineData(1, "label www has no socket 1; see show dispatch", "unregister www cookie 1")]
    [InlineData(4, "nobody may register for label api: the configuration has no rule for it; the configuration's 'labels' say who may", "unregister api")]
    [InlineData(1, "no socket came with the line; softunicastc register LABEL sends those of a process, or of the service manager", "register www")]
    public async Task What_is_wrong_is_said_and_nothing_is_changed(int status, string message, string request)
    {
        await ReadyAsync();
        const string server = "ams-2";
        var before = await StateAsync(server);

        // As a line of its own: softunicastc would look for sockets with 'register'.
        var refused = await LabFixture.RunAsync(server, "sh", "-c", $"echo '{request}' | {lab.Program("softunicastc")} -v -s {LabFixture.State}/{server}/control.sock");

        Assert.Contains(message, refused.Output + refused.Errors, StringComparison.Ordinal);
        Assert.Equal(status, refused.ExitStatus);
        Assert.Equal(before, await StateAsync(server));
    }

    [Fact]
    public async Task A_socket_that_does_not_listen_is_refused()
    {
        await ReadyAsync();
        const string server = "ams-2";
        var before = await StateAsync(server);
        await using var deaf = LabProgram.Start(server, "python3", "-c", "import socket, sys; s = socket.socket(); s.bind(('0.0.0.0', 0)); print(s.fileno(), flush=True); sys.stdin.read()");
        var descriptor = await deaf.NextAsync();

        var refused = await ServicesLab.RegisterAsync(lab, server, deaf.Id, "--fd", $"{descriptor}");

        Assert.Equal(1, refused.ExitStatus);
        Assert.Matches(@"^a TCP socket of 0\.0\.0\.0:\d+ is a socket that is not listening: call listen\(2\) before it is registered; none of the sockets was taken\n$", refused.Errors);
        Assert.Equal(before, await StateAsync(server));
    }

    [Fact]
    public async Task What_a_command_bound_is_bound_after_the_daemon_died_and_unbind_ends_it()
    {
        await ReadyAsync();
        const string server = "ams-2";
        const string binding = "www tcp 198.18.16.64/26 9000-9009";
        (await lab.ControlAsync(server, ["bind", .. binding.Split(' ')])).Succeeded();
        (await LabFixture.RunAsync(server, "curl", "-s", "-m", "5", "http://198.18.16.77:9003/")).Succeeded();
        try
        {
            (await lab.LabAsync("crash", "softunicastd", server)).Succeeded();
            (await LabFixture.RunAsync(server, "curl", "-s", "-m", "5", "http://198.18.16.77:9004/")).Succeeded();
            (await lab.LabAsync("start", "softunicastd", server)).Succeeded();

            var row = Assert.Single((await lab.ShowAsync(server, "bindings")).GetProperty("bindings").EnumerateArray(), b => b.GetProperty("ports").GetString() == "9000-9009");
            Assert.Equal(("command", 2ul), (row.GetProperty("origin").GetString(), row.GetProperty("hits").GetUInt64()));
        }
        finally
        {
            (await lab.ControlAsync(server, ["unbind", .. binding.Split(' ')])).Succeeded();
        }

        Assert.Equal(7, (await LabFixture.RunAsync(server, "curl", "-s", "-m", "5", "http://198.18.16.77:9003/")).ExitStatus);
    }

    [Fact]
    public async Task What_cannot_be_written_down_is_not_bound()
    {
        await ReadyAsync();
        const string server = "ams-2";
        var before = await StateAsync(server);
        var aside = Directory.CreateDirectory($"{LabFixture.State}/{server}/bindings.new"); // in the way of the file
        try
        {
            var refused = await lab.ControlAsync(server, "bind", "www", "tcp", "198.18.16.0/24", "9100");

            Assert.StartsWith("it cannot be written down: ", refused.Errors, StringComparison.Ordinal);
            Assert.Equal(1, refused.ExitStatus);
            Assert.Equal(before, await StateAsync(server));
        }
        finally
        {
            aside.Delete();
        }
    }

    [Fact]
    public async Task Bindings_that_are_not_known_any_longer_serve_on_and_nothing_is_written_over_them()
    {
        await ReadyAsync();
        const string server = "ams-2";
        var file = $"{LabFixture.State}/{server}/bindings";
        (await lab.ControlAsync(server, "bind", "www", "tcp", "198.18.16.64/26", "9200")).Succeeded();
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var state = await StateAsync(server);
        try
        {
            (await lab.LabAsync("crash", "softunicastd", server)).Succeeded();
            await File.WriteAllTextAsync(file, text + "www tcp\n", TestContext.Current.CancellationToken);
            (await lab.LabAsync("start", "softunicastd", server)).Succeeded();

            (await LabFixture.RunAsync(server, "curl", "-s", "-m", "5", "http://198.18.16.77:9200/")).Succeeded();
            Assert.Equal(state, await StateAsync(server));
            var status = (await lab.ControlAsync(server, "show", "status")).Succeeded();
            Assert.Contains($"what was bound by command is not known: {file}:3: it is not LABEL tcp|udp PREFIX PORTS; correct the file, or move it away, then restart the daemon", status, StringComparison.Ordinal);
            var refused = await lab.ControlAsync(server, "bind", "www", "tcp", "198.18.16.0/24", "9201");
            Assert.StartsWith($"it cannot be written down: {file}:3: ", refused.Errors, StringComparison.Ordinal);
            Assert.Equal(state, await StateAsync(server));
        }
        finally
        {
            (await lab.LabAsync("crash", "softunicastd", server)).Succeeded();
            await File.WriteAllTextAsync(file, text, CancellationToken.None);
            (await lab.LabAsync("start", "softunicastd", server)).Succeeded();
            (await lab.ControlAsync(server, "unbind", "www", "tcp", "198.18.16.64/26", "9200")).Succeeded();
        }
    }

    [Fact]
    public async Task The_configuration_wins_over_a_command_and_says_what_is_not_bound_for_it()
    {
        await ReadyAsync();
        const string server = "ams-2";
        var file = $"{LabFixture.State}/{server}/softunicast.yaml";
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        (await lab.ControlAsync(server, "bind", "www", "tcp", "198.18.16.0/24", "9300")).Succeeded();
        try
        {
            await ReloadAsync(server, file, text
                .Replace("    www: { users: [root] }\n", "    www: { users: [root] }\n    api: { users: [root] }\n", StringComparison.Ordinal)
                .Replace("  bindings:\n", "  bindings:\n    - { label: api, protocol: tcp, prefix: 198.18.16.0/24, ports: 9300 }\n", StringComparison.Ordinal));
            await LabFixture.UntilAsync("it is told", async () => (await lab.ControlAsync(server, "show", "bindings")).Output.Contains("! not bound: ", StringComparison.Ordinal));

            var shown = (await lab.ControlAsync(server, "show", "bindings")).Succeeded();
            Assert.Contains("! not bound: 'www tcp 198.18.16.0/24 9300' contradicts 'api tcp 198.18.16.0/24 9300'", shown, StringComparison.Ordinal);
            Assert.Equal("api", Assert.Single((await lab.ShowAsync(server, "bindings")).GetProperty("bindings").EnumerateArray(), b => b.GetProperty("ports").GetString() == "9300").GetProperty("label").GetString());
        }
        finally
        {
            await ReloadAsync(server, file, text);
        }

        await LabFixture.UntilAsync("what the command bound is bound again", async () =>
            (await lab.ShowAsync(server, "bindings")).GetProperty("bindings").EnumerateArray().Any(b => b.GetProperty("ports").GetString() == "9300" && b.GetProperty("label").GetString() == "www"));
        (await lab.ControlAsync(server, "unbind", "www", "tcp", "198.18.16.0/24", "9300")).Succeeded();
    }

    [Fact]
    public async Task A_binding_that_the_kernels_tables_have_no_room_for_is_refused_and_all_others_stay()
    {
        await ReadyAsync();
        const string server = "ams-3";
        var file = $"{LabFixture.State}/{server}/softunicast.yaml";
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);

        // 256 prefixes on a wide range, and as many single ports beside them as 131,072 entries hold: 256 + 257 for each port.
        var wide = string.Concat(Enumerable.Range(0, 256).Select(i => $"    - {{ label: www, protocol: tcp, prefix: 198.18.{16 + (i / 16)}.{i % 16 * 16}/28, ports: 1-65000 }}\n"));
        var single = $"    - {{ label: www, protocol: tcp, prefix: 198.18.48.0/20, ports: [{string.Join(", ", Enumerable.Range(0, 509).Select(i => 1001 + (2 * i)))}] }}\n";
        try
        {
            await ReloadAsync(server, file, text[..(text.IndexOf("  bindings:\n", StringComparison.Ordinal) + "  bindings:\n".Length)] + wide + single);
            await LabFixture.UntilAsync("765 bindings are in force", async () => (await lab.ShowAsync(server, "bindings")).GetProperty("bindings").GetArrayLength() == 765);
            var before = await StateAsync(server);

            var refused = await lab.ControlAsync(server, "bind", "www", "tcp", "198.18.48.0/20", "9400");

            Assert.StartsWith("the port ranges overlap too much: ", refused.Errors, StringComparison.Ordinal);
            Assert.Equal(before, await StateAsync(server));
            Assert.DoesNotContain("9400", File.Exists($"{LabFixture.State}/{server}/bindings") ? await File.ReadAllTextAsync($"{LabFixture.State}/{server}/bindings", TestContext.Current.CancellationToken) : "", StringComparison.Ordinal);
        }
        finally
        {
            await ReloadAsync(server, file, text);
        }

        await LabFixture.UntilAsync("the bindings are those of before", async () => (await lab.ShowAsync(server, "bindings")).GetProperty("bindings").GetArrayLength() == 26);
        await ServicesLab.FetchAsync(lab, 100);
    }

    [Fact]
    public async Task Without_its_section_dispatch_ends_and_with_it_again_it_begins()
    {
        await ReadyAsync();
        const string server = "ams-3";
        var file = $"{LabFixture.State}/{server}/softunicast.yaml";
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var section = text.IndexOf("dispatch:\n", StringComparison.Ordinal);
        try
        {
            await ReloadAsync(server, file, text[..section]);
            await LabFixture.UntilAsync("nothing is dispatched", async () => (await lab.ControlAsync(server, "show", "dispatch")).ExitStatus == 1);
            await LabFixture.UntilAsync("the prefix is not local any more", async () => !(await LocalRoutesAsync(server)).Contains(ServicesLab.Prefix, StringComparison.Ordinal));
            await LabFixture.UntilAsync("the prefix is withdrawn", async () => await ServicesLab.NextHopsAsync() == 2);
            Assert.False(Directory.Exists($"/sys/fs/bpf/softunicast-lab/{server}/dispatch"));
        }
        finally
        {
            await ReloadAsync(server, file, text);
            await LabFixture.UntilAsync("dispatch runs again", async () => (await lab.ControlAsync(server, "show", "dispatch")).ExitStatus == 0);
            (await ServicesLab.RegisterAsync(lab, server, await LabFixture.ProcessAsync("http", server))).Succeeded();
        }

        Assert.Contains(ServicesLab.Prefix, await LocalRoutesAsync(server), StringComparison.Ordinal);
        await LabFixture.UntilAsync("the prefix is announced again", async () => await ServicesLab.NextHopsAsync() == 3);
        await ServicesLab.FetchAsync(lab, 100);
    }

    [Fact]
    public async Task Whoever_unpins_the_link_or_deletes_the_route_finds_them_put_back()
    {
        await ReadyAsync();
        const string server = "ams-2";
        (await LabFixture.RunAsync(server, "ip", "route", "del", "local", ServicesLab.Prefix, "dev", "lo", "table", "local")).Succeeded();
        foreach (var link in Directory.GetFiles($"/sys/fs/bpf/softunicast-lab/{server}/dispatch", "link_*", SearchOption.AllDirectories))
        {
            File.Delete(link);
        }

        await LabFixture.UntilAsync("the prefix is local again", async () => (await LocalRoutesAsync(server)).Contains(ServicesLab.Prefix, StringComparison.Ordinal));
        await LabFixture.UntilAsync("requests are served again", async () => (await LabFixture.RunAsync(server, "curl", "-s", "-m", "5", "http://198.18.16.77:8080/")).ExitStatus == 0);
    }

    private static async Task<string> LocalRoutesAsync(string server) => (await LabFixture.RunAsync(server, "ip", "route", "show", "table", "local")).Succeeded();

    private static async Task ReloadAsync(string server, string file, string text)
    {
        await File.WriteAllTextAsync(file, text);
        (await LabFixture.RunAsync(server, "kill", "-HUP", $"{await LabFixture.ProcessAsync("softunicastd", server)}")).Succeeded();
    }

    private async Task ReadyAsync()
    {
        lab.Require();
        await ServicesLab.EnsureAsync(lab);
    }

    private async Task<long> DiedAsync(string server) => (await lab.ShowAsync(server, "dispatch")).GetProperty("labels").EnumerateArray()
        .Single(l => l.GetProperty("label").GetString() == "www").GetProperty("dead").GetInt64();

    private async Task<string?> BecauseAsync(string server) => (await lab.ShowAsync(server, "dispatch")).GetProperty("prefixes").EnumerateArray()
        .Single(p => p.GetProperty("prefix").GetString() == ServicesLab.Prefix).GetProperty("because").GetString();

    private async Task<string> StateAsync(string server)
    {
        var bindings = (await lab.ShowAsync(server, "bindings")).GetProperty("bindings").EnumerateArray().Select(b => $"{b.GetProperty("label")} {b.GetProperty("protocol")} {b.GetProperty("prefix")} {b.GetProperty("ports")}");
        return string.Join('\n', [.. bindings, (await lab.ShowAsync(server, "dispatch")).GetProperty("sockets").ToString()]);
    }
}
