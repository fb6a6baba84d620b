using System.Diagnostics;
using System.Text.Json;
using SoftUnicast.Cli.Tests.Support;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Tests.Support;

namespace SoftUnicast.Cli.Tests;

/// <summary><c>naming</c> and <c>agility move</c> with options.</summary>
public sealed class NamingCommandTests : IDisposable
{
    private const string Server = """
        server: ams-1
        fleet: fleet.yaml
        assignment: assignment.yaml
        interfaces: { eth0: { role: internet } }
        bgp: { neighbours: [] }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("softunicast-cli-").FullName;
    private readonly SampleHandler handler = new();

    [Fact]
    public async Task Dnsdists_rule_is_printed_for_the_folder_of_the_file()
    {
        var result = await Support.Cli.RunAsync("naming", "dnsdist-config", Write($"{Server}\nnaming: {{ dnsdist: /run/elsewhere }}\n"));
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.StartsWith("-- Made by 'softunicastc naming dnsdist-config'.", result.Data, StringComparison.Ordinal);
        Assert.Contains("/run/elsewhere/naming.lua", result.Data, StringComparison.Ordinal);
        Assert.Contains("/run/elsewhere/naming.generation", result.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PowerDNS_is_given_the_socket_of_the_file_beside_the_zones_backend()
    {
        var file = Write($"{Server}\nnaming: {{ pdns: /run/elsewhere/pdns.sock }}\n");
        var result = await Support.Cli.RunAsync("naming", "pdns-config", file);
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.Contains("\nlaunch=bind,remote\nremote-connection-string=unix:path=/run/elsewhere/pdns.sock,", result.Data, StringComparison.Ordinal);
        result = await Support.Cli.RunAsync("naming", "pdns-config", "--zone-backend", "gsqlite3", file);
        Assert.Contains("\nlaunch=gsqlite3,remote\n", result.Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dnsdist-config", "", "FILE has no section 'naming': no name is answered on this server; add naming: {} to it (docs/naming.md)")]
    [InlineData("pdns-config", "naming: { dnsdist: /run/x }", "FILE has no key 'pdns' in its section 'naming': PowerDNS has no socket to ask at; add pdns: /run/softunicast/pdns.sock")]
    [InlineData("pdns-config", "naming: { pdns: x }", "FILE: 1 error, 1 warning")]
    public async Task A_file_that_does_not_say_where_is_an_error(string what, string section, string message)
    {
        var file = Write($"{Server}\n{section}\n");
        var result = await Support.Cli.RunAsync("naming", what, file);
        Assert.Equal((2, ""), (result.Status, result.Data));
        Assert.EndsWith($"softunicastc: {message.Replace("FILE", file, StringComparison.Ordinal)}\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_a_run_time_error() => Assert.Equal(
        new CliResult(1, "", "softunicastc: /nonexistent/softunicast.yaml cannot be read: no such file\n"),
        await Support.Cli.RunAsync("naming", "dnsdist-config", "/nonexistent/softunicast.yaml"));

    [Theory]
    [InlineData("naming wants dnsdist-config or pdns-config, and a file: softunicastc naming dnsdist-config [FILE]", "naming")]
    [InlineData("naming wants dnsdist-config or pdns-config, and a file: softunicastc naming dnsdist-config [FILE]", "naming", "bind-config")]
    [InlineData("naming wants dnsdist-config or pdns-config, and a file: softunicastc naming dnsdist-config [FILE]", "naming", "pdns-config", "a", "b")]
    [InlineData("--zone-backend is for pdns-config", "naming", "dnsdist-config", "--zone-backend", "bind")]
    [InlineData("--zone-backend wants the name of a backend of PowerDNS, like bind or gsqlite3, not 'a b'", "naming", "pdns-config", "--zone-backend", "a b")]
    [InlineData("agility with options wants: softunicastc agility move POLICY --to POOL [--no-wait] [--interval SECONDS]", "agility", "move", "--to", "one")]
    [InlineData("agility with options wants: softunicastc agility move POLICY --to POOL [--no-wait] [--interval SECONDS]", "agility", "move", "cdn", "--no-wait")]
    [InlineData("agility with options wants: softunicastc agility move POLICY --to POOL [--no-wait] [--interval SECONDS]", "agility", "end", "cdn", "--no-wait")]
    [InlineData("--interval wants seconds, 0.1 to 3600, not 'often'", "agility", "move", "cdn", "--to", "one", "--interval", "often")]
    [InlineData("--interval wants seconds, 0.1 to 3600, not '0'", "agility", "move", "cdn", "--to=one", "--interval=0")]
    public async Task A_wrong_command_line_is_a_usage_error(string message, params string[] arguments) =>
        Assert.Equal(new CliResult(2, "", $"softunicastc: {message}\n"), await Support.Cli.RunAsync(arguments));

    [Fact]
    public async Task The_daemon_has_nothing_to_do_with_naming()
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.ProcessAsync(Support.Cli.Program, "naming dnsdist-config /nonexistent/x\n", "-s", daemon.SocketPath);
        Assert.NotEqual(0, result.Status);
        Assert.Equal("", result.Data);
        Assert.Empty(handler.Asked);
    }

    [Fact]
    public async Task A_move_is_followed_until_the_old_addresses_are_free()
    {
        Says(NamingSamples.Draining, NamingSamples.Draining with { HitsPerSecond = 0, AddressesSeen = 1, QuietFor = TimeSpan.FromSeconds(299), TtlLeft = TimeSpan.Zero },
            NamingSamples.Draining with { State = OldAddresses.Free, QuietFor = TimeSpan.FromSeconds(301), TtlLeft = TimeSpan.Zero });
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "agility", "move", "cdn", "--to", "one", "--interval", "0.1");
        Assert.Equal(
            """
            policy cdn answers from one; before, from twenty, twenty-four
            resolvers may use addresses that they were told before for 300 s; show agility tells when the old ones are free
            draining: 12.5 hits/s on 17 old addresses, quiet for 1 of 300 s, TTL over in 270 s
            draining: 0 hits/s on 1 old address, quiet for 299 of 300 s, the TTL is over
            free: no traffic for 301 s, and the TTL is over

            """,
            result.Data);
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.Equal([new AgilityMove("cdn", "one"), new ShowAgility(), new ShowAgility(), new ShowAgility()], handler.Asked);
    }

    [Theory]
    [InlineData("--no-wait", "agility", "move", "cdn", "--to", "one", "--no-wait")]
    [InlineData("--no-wait, in words", "agility", "move", "cdn", "to", "one", "--no-wait")]
    [InlineData("in words", "agility", "move", "cdn", "to", "one")]
    public async Task A_move_need_not_be_waited_for(string how, params string[] command)
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync(["-s", daemon.SocketPath, .. command]);
        Assert.Equal(new CliResult(0, string.Join('\n', NamingSamples.Move.Lines()) + "\n", ""), result);
        Assert.True(handler.Asked is [AgilityMove], how);
    }

    [Fact]
    public async Task A_move_back_to_the_files_pool_is_not_waited_for()
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "agility", "move", "cdn", "--to", "twenty");
        Assert.Equal((0, 1), (result.Status, handler.Asked.Count));
        Assert.StartsWith("policy cdn answers from twenty, as naming.yaml says; before, from one\n", result.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_every_reply_is_an_object()
    {
        Says(NamingSamples.Draining with { State = OldAddresses.Unmeasured, MeasuredSince = null });
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("--json", "-s", daemon.SocketPath, "agility", "move", "cdn", "--to", "one");
        Assert.Equal((0, ""), (result.Status, result.Error));
        var second = result.Data.IndexOf("\n{", StringComparison.Ordinal);
        using var move = JsonDocument.Parse(result.Data[..second]);
        using var agility = JsonDocument.Parse(result.Data[second..]);
        Assert.Equal(("cdn", "unmeasured"), (move.RootElement.GetProperty("policy").GetString(), agility.RootElement.GetProperty("moves")[0].GetProperty("state").GetString()));
    }

    [Theory]
    [InlineData("cdm", "one", "/etc/softunicast/naming.yaml has no policy 'cdm'; did you mean 'cdn'?\n", 1)]
    [InlineData("cdn", "drained", "pool 'drained' is drained by command; agility undrain drained\n", 1)]
    [InlineData("c/n", "one", "agility move c/n to one\n             ^^^\n'c/n' is not a name\n", 2)]
    public async Task A_move_that_is_refused_ends_there(string policy, string pool, string error, int status)
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "agility", "move", policy, "--to", pool);
        Assert.Equal(new CliResult(status, "", error), result);
        Assert.DoesNotContain(new ShowAgility(), handler.Asked);
        result = await Support.Cli.RunAsync("--json", "-s", daemon.SocketPath, "agility", "move", policy, "--to", pool);
        using var json = JsonDocument.Parse(result.Error);
        Assert.Equal((status, true), (result.Status, json.RootElement.GetProperty("code").GetInt32() >= 8000));
    }

    [Fact]
    public async Task On_the_read_only_socket_a_move_is_not_permitted()
    {
        await using var daemon = TestDaemon.Start(AccessLevel.ReadOnly, handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "agility", "move", "cdn", "--to", "one");
        Assert.Equal(new CliResult(4, "", "access denied: this socket is read-only; connect to the control socket\n"), result);
    }

    [Fact]
    public async Task Without_a_daemon_nothing_is_moved()
    {
        var result = await Support.Cli.RunAsync("-s", "/nonexistent/control.sock", "--pins", "/nonexistent/pins", "agility", "move", "cdn", "--to", "one");
        Assert.Equal(3, result.Status);
        Assert.StartsWith("softunicastc: /nonexistent/control.sock: the daemon is down: no such socket\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_move_that_somebody_takes_back_is_told()
    {
        Says(NamingSamples.Draining);
        handler.Agility.Enqueue(NamingSamples.Agility with { Moves = [] });
        await using var daemon = TestDaemon.Start(handler: handler);
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "agility", "move", "cdn", "--to", "one", "--interval=0.1");
        Assert.Equal((1, "softunicastc: policy cdn is not moved any longer: somebody took the move back\n"), (result.Status, result.Error));
    }

    [Theory]
    [InlineData(true, "softunicastc: the daemon does not answer; what it was asked for may be done: see show agility\n")]
    [InlineData(false, "softunicastc: the daemon hung up before its reply was complete; what it was asked for may be done: see show agility\n")]
    public async Task A_daemon_that_is_lost_meanwhile_is_told(bool hangs, string error)
    {
        await using var daemon = TestDaemon.Start(async (stream, stopping) =>
        {
            await stream.WriteAsync("0001 SoftUnicast 0.1.0 ready.\n"u8.ToArray(), stopping);
            await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, stopping);
            if (hangs)
            {
                await Task.Delay(Timeout.Infinite, stopping);
            }
        });
        var result = await Support.Cli.RunAsync("-s", daemon.SocketPath, "--timeout", hangs ? "3" : "30", "agility", "move", "cdn", "--to", "one");
        Assert.Equal(new CliResult(1, "", error), result);
    }

    [Fact]
    public async Task Ctrl_C_ends_the_waiting_and_not_the_move()
    {
        await using var daemon = TestDaemon.Start(handler: handler);
        Says(NamingSamples.Draining);
        var start = new ProcessStartInfo(Support.Cli.Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "-s", daemon.SocketPath, "agility", "move", "cdn", "--to", "one", "--interval", "3600" })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var cancellation = TestContext.Current.CancellationToken;
        while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line && !line.StartsWith("draining", StringComparison.Ordinal))
        {
        }

        using var kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        var error = await process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        Assert.Equal(
            (1, "softunicastc: not waited for any longer; the move stays in force: show agility tells how it goes, agility end takes it back\n"), (process.ExitCode, error));
    }

    private void Says(params MoveRow[] moves)
    {
        handler.Agility.Clear();
        foreach (var move in moves)
        {
            handler.Agility.Enqueue(NamingSamples.Agility with { Moves = [move] });
        }
    }

    private string Write(string text)
    {
        var file = Path.Combine(folder, "softunicast.yaml");
        File.WriteAllText(file, text);
        return file;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
