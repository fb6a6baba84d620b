using System.Text;
using System.Text.Json;
using SoftUnicast.Cli.Tests.Support;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Cli.Tests;

public sealed class OneShotTests
{
    [Theory]
    [InlineData("show drops")]
    [InlineData("sh dr")]
    public async Task A_show_is_printed(string command)
    {
        await using var daemon = TestDaemon.Start();
        var result = await Support.Cli.RunAsync(["-s", daemon.SocketPath, .. command.Split(' ')]);
        Assert.Equal(new CliResult(0, string.Join('\n', Samples.Drops.Lines()) + "\n", ""), result);
    }

    [Fact]
    public async Task Options_may_stand_behind_the_command()
    {
        await using var daemon = TestDaemon.Start();
        var result = await Support.Cli.RunAsync("show", "drops", "--socket=" + daemon.SocketPath, "--json", "--timeout", "30");
        Assert.Equal((0, ""), (result.Status, result.Error));
        using var json = JsonDocument.Parse(result.Data);
        Assert.Equal(410, json.RootElement.GetProperty("dropped_bytes").GetInt32());
    }

    [Theory]
    [InlineData("show status")]
    [InlineData("show bgp")]
    [InlineData("show prefixes")]
    [InlineData("show slices")]
    [InlineData("show slice for 192.0.2.1:5000")]
    [InlineData("show tunnels")]
    [InlineData("show drops")]
    [InlineData("show host")]
    [InlineData("trace packet tcp from 203.0.113.9:443 to 192.0.2.1:5000 syn")]
    public async Task Every_show_takes_json(string command)
    {
        await using var daemon = TestDaemon.Start();
        var result = await Support.Cli.RunAsync(["--json", "-s", daemon.SocketPath, .. command.Split(' ')]);
        Assert.Equal((0, ""), (result.Status, result.Error));
        using var json = JsonDocument.Parse(result.Data);
        Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
    }

    [Fact]
    public async Task Verbose_shows_the_numbers()
    {
        await using var daemon = TestDaemon.Start();
        var result = await Support.Cli.RunAsync("-vs", daemon.SocketPath, "show", "slices", "server", "ams-1");
        Assert.Equal(
            """
            0001 SoftUnicast 0.1.0 ready.
            1004-slice                pool        owner       state  use   sockets  full
             192.0.2.1:2048-4095  us-general  here ams-1  owned  exec     1741  85 %
            0000 

            """,
            result.Data);
    }

    [Theory]
    [InlineData("show slices pool us-nothing", 1, "no pool is named 'us-nothing'; show prefixes lists the pools\n")]
    [InlineData("show stats", 2, "show stats\n     ^^^^^\nunknown word 'stats'; did you mean 'status'?\n")]
    [InlineData("sh s", 2, "sh s\n   ^\n's' stands for several words; it may be: status, slices\n")]
    public async Task Errors_go_to_standard_error(string command, int status, string error)
    {
        await using var daemon = TestDaemon.Start();
        Assert.Equal(new CliResult(status, "", error), await Support.Cli.RunAsync(["-s", daemon.SocketPath, .. command.Split(' ')]));
    }

    [Fact]
    public async Task An_error_with_json_is_an_object()
    {
        await using var daemon = TestDaemon.Start();
        var result = await Support.Cli.RunAsync("--json", "-s", daemon.SocketPath, "show", "stats");
        Assert.Equal((2, ""), (result.Status, result.Data));
        using var json = JsonDocument.Parse(result.Error);
        Assert.Equal(9001, json.RootElement.GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task A_verb_on_the_read_only_socket_is_not_permitted()
    {
        var handler = new SampleHandler();
        await using var daemon = TestDaemon.Start(AccessLevel.ReadOnly, handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "down");
        Assert.Equal(new CliResult(4, "", "access denied: this socket is read-only; connect to the control socket\n"), result);
        Assert.Empty(handler.Asked);
    }

    [Fact]
    public async Task Down_prints_its_steps()
    {
        var handler = new SampleHandler();
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "down", "now");
        Assert.Equal(
            new CliResult(0, "withdraw: 1 prefix, 3 slices (12 ms)\ndrain: no packet for 5 s (00:00:07)\nnothing is announced, the packet path is off\n", ""),
            result);
        Assert.Equal([new Down(true)], handler.Asked);
    }

    [Fact]
    public async Task Without_a_socket_the_daemon_is_down_and_the_packet_path_is_told()
    {
        var result = await Support.Cli.RunAsync("-s", "/nonexistent/control.sock", "--pins", "/nonexistent/pins", "show", "status");
        Assert.Equal(
            new CliResult(3, "", "softunicastc: /nonexistent/control.sock: the daemon is down: no such socket\n"
                + "packet path: nothing is pinned in /nonexistent/pins/v1: the packet path is not loaded\n"),
            result);
    }

    [Fact]
    public async Task A_socket_left_behind_is_a_daemon_that_is_down()
    {
        string path;
        await using (var daemon = TestDaemon.Start())
        {
            path = daemon.SocketPath;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            using (var left = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0))
            {
                left.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
                var result = await Support.Cli.RunAsync("-s", path, "--pins", "/nonexistent/pins", "--json", "show", "status");
                Assert.Equal((3, ""), (result.Status, result.Data));
                using var json = JsonDocument.Parse(result.Error);
                Assert.Equal($"{path}: the daemon is down: nobody listens there", json.RootElement.GetProperty("error").GetString());
                Assert.StartsWith("nothing is pinned", json.RootElement.GetProperty("packet_path_unknown").GetString(), StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Theory]
    [InlineData("show stats", 2)]
    [InlineData("down nwo", 2)]
    [InlineData("help", 0)]
    [InlineData("quit", 0)]
    [InlineData("show ?", 0)]
    [InlineData("show status", 3)]
    public async Task With_the_daemon_down_a_mistake_is_still_a_mistake(string command, int status)
    {
        var result = await Support.Cli.RunAsync(["-s", "/nonexistent/control.sock", "--pins", "/nonexistent/pins", .. command.Split(' ')]);
        Assert.Equal(status, result.Status);
    }

    [Fact]
    public async Task A_socket_for_others_is_not_permitted()
    {
        Assert.SkipUnless(Environment.UserName == "root" && File.Exists("/usr/bin/setpriv"), "needs root and setpriv to be somebody else");
        await using var daemon = TestDaemon.Start();
        File.SetUnixFileMode(daemon.Folder, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(daemon.SocketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var result = await Support.Cli.ProcessAsync("/usr/bin/setpriv", "", "--reuid=65534", "--regid=65534", "--clear-groups",
            Support.Cli.Program, "-s", daemon.SocketPath, "show", "status");
        Assert.SkipWhen(result.Status is 126 or 127, $"another user may not run the program where it lies: {result.Error}");
        Assert.Equal(
            new CliResult(4, "", $"softunicastc: {daemon.SocketPath}: permission denied; be root or in the socket's group, or use -r for what only reads\n"),
            result);
    }

    [Theory]
    [InlineData("unknown option '--jsno'; did you mean '--json'?", "--jsno", "show", "status")]
    [InlineData("unknown option '-x'; --help lists the options", "-x")]
    [InlineData("--timeout wants SECONDS after it", "--timeout")]
    [InlineData("--timeout wants seconds, more than 0 and at most 86400, not 'soon'", "--timeout", "soon", "show", "status")]
    [InlineData("--timeout wants seconds, more than 0 and at most 86400, not '0'", "--timeout=0", "show", "status")]
    [InlineData("--json has no value", "--json=yes", "show", "status")]
    [InlineData("-s names a socket and -r another: give one of them", "-rs", "/x", "show", "status")]
    [InlineData("plan takes options only, not 'now'", "plan", "now")]
    [InlineData("--output writes to one file and --in-place to another: give one of them", "plan", "--in-place", "--output", "x")]
    [InlineData("unknown option '--fleat'; did you mean '--fleet'?", "plan", "--fleat", "x")]
    [InlineData("--quarantine wants whole seconds, 0 to 86400, not '-1'", "plan", "--quarantine", "-1")]
    [InlineData("'' cannot be the path of a socket: it is empty or too long", "-s", "", "show", "status")]
    public async Task A_wrong_command_line_is_refused(string message, params string[] arguments) =>
        Assert.Equal(new CliResult(2, "", $"softunicastc: {message}\n"), await Support.Cli.RunAsync(arguments));

    [Fact]
    public async Task A_line_that_the_daemon_would_hang_up_on_is_not_sent()
    {
        await using var daemon = TestDaemon.Start();
        Assert.Equal(2, (await Support.Cli.RunAsync("-s", daemon.SocketPath, "show", new string('x', 5000))).Status);
        Assert.Equal(2, (await Support.Cli.RunAsync("-s", daemon.SocketPath, "show\ndown")).Status);
    }

    [Fact]
    public async Task A_daemon_that_does_not_greet_is_down()
    {
        await using var daemon = TestDaemon.Start((_, stopping) => Task.Delay(Timeout.Infinite, stopping));
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "--timeout", "0.2", "--pins", "/nonexistent/pins", "show", "status");
        Assert.Equal((3, ""), (result.Status, result.Data));
        Assert.Contains("the daemon does not answer; it hangs or is overloaded", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0001 SoftUnicast 0.1.0 ready.\n1007-half of", true, 1, "the daemon did not go on for 3 s; --timeout gives it longer")]
    [InlineData("0001 SoftUnicast 0.1.0 ready.\n1007-half\n", false, 1, "the daemon hung up before its reply was complete")]
    [InlineData("0001 SoftUnicast 0.1.0 ready.\nnonsense\n", false, 1, "what came from the socket is no reply of a SoftUnicast daemon")]
    [InlineData("8005 64 clients are connected, try again later\n", false, 1, "64 clients are connected, try again later")]
    [InlineData("220 mail.example ESMTP\n", false, 1, "this is no SoftUnicast control socket: its greeting is not understood")]
    public async Task A_sick_daemon_is_named(string says, bool hangs, int status, string error)
    {
        await using var daemon = TestDaemon.Start(async (stream, stopping) =>
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(says), stopping);
            await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, stopping);
            if (hangs)
            {
                await Task.Delay(Timeout.Infinite, stopping);
            }
        });
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "--timeout", hangs ? "3" : "30", "show", "drops");
        Assert.Equal(status, result.Status);
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_has_seen_enough_is_no_error()
    {
        var rows = Enumerable.Range(0, 20_000).Select(_ => Samples.Slices.Slices[1]);
        var handler = new SampleHandler { Slices = _ => new SlicesReply("kernel", [.. rows]) };
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.ProcessAsync("/bin/bash", "", "-o", "pipefail", "-c", $"'{Support.Cli.Program}' -s '{daemon.SocketPath}' show slices | head -n 1");
        Assert.Equal(new CliResult(0, "slice                pool        owner       state  use   sockets  full\n", ""), result);
    }

    [Fact]
    public async Task Commands_from_a_pipe_are_carried_out_line_by_line()
    {
        await using var daemon = TestDaemon.Start();
        var result = await Support.Cli.ProcessAsync(
            Support.Cli.Program, "# a comment\n\nshow slices server ams-1\nshow stats\nshow slices pool x\nshow drops\nquit\nshow host\n", "-s", daemon.SocketPath);
        Assert.Equal(2, result.Status);
        Assert.Equal("slice                pool        owner       state  use   sockets  full\n192.0.2.1:2048-4095  us-general  here ams-1  owned  exec     1741  85 %\n" + string.Join('\n', Samples.Drops.Lines()) + "\n", result.Data);
        Assert.Equal("show stats\n     ^^^^^\nunknown word 'stats'; did you mean 'status'?\nno pool is named 'x'; show prefixes lists the pools\n", result.Error);
    }

    [Fact]
    public async Task A_line_of_a_pipe_that_cannot_be_sent_does_not_stop_the_others()
    {
        await using var daemon = TestDaemon.Start();
        var result = await Support.Cli.ProcessAsync(Support.Cli.Program, $"show {new string('x', 5000)}\nshow drops", "-s", daemon.SocketPath);
        Assert.Equal((2, string.Join('\n', Samples.Drops.Lines()) + "\n"), (result.Status, result.Data));
    }

    [Fact]
    public async Task Help_and_version_need_no_daemon()
    {
        var help = await Support.Cli.RunAsync("--help");
        Assert.Equal((0, ""), (help.Status, help.Error));
        Assert.All(CliOptions.All, o => Assert.Contains(o.Usage, help.Data, StringComparison.Ordinal));
        Assert.Equal(new CliResult(0, "softunicastc 0.1.0\n", ""), await Support.Cli.RunAsync("--version"));
    }

    [Fact]
    public void The_manual_has_every_option()
    {
        var manual = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "cli.md"));
        var all = CliOptions.All.Concat(Offline.PlanCommand.All).Concat(Offline.CheckCommand.All).Concat(Offline.VerifyLogCommand.All)
            .Concat(Offline.NamingCommand.All).Concat(MoveCommand.All);
        Assert.All(all, o => Assert.Contains($"`--{o.Long}{(o.Value is null ? "" : " " + o.Value)}`", manual, StringComparison.Ordinal));
    }
}
