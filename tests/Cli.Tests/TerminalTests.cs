using System.Text.Json;
using SoftUnicast.Cli.Tests.Support;
using SoftUnicast.Control.Tests.Support;

namespace SoftUnicast.Cli.Tests;

/// <summary>softunicastc at a pseudo terminal: each step waits for a text, then types.</summary>
public sealed class TerminalTests
{
    [Fact]
    public async Task Tab_completes_words_and_names()
    {
        await using var daemon = TestDaemon.Start();
        var result = await TypeAsync(daemon.SocketPath,
            ("softunicast> ", "sho\t"), ("show ", "slices se\t"), ("server ", "ams-\t"), ("ams-", "\t"), ("ams-2", "1\r"), ("here ams-1", "quit\r"));
        Assert.Equal(0, result.Status);
        Assert.Contains("ams-1  Server's name\r\nams-2  Server's name\r\n", result.Data, StringComparison.Ordinal);
        Assert.Contains("192.0.2.1:2048-4095  us-general  here ams-1", result.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_question_mark_lists_what_may_stand_there_and_keeps_the_line()
    {
        await using var daemon = TestDaemon.Start();
        var result = await TypeAsync(daemon.SocketPath,
            ("softunicast> ", "show slices pool ?"), ("us-video", ""), ("show slices pool ", "us-general?"), ("us-general", "\u0015show drops ?"), ("<enter>", "\r"), ("dropped: 6 packets", "\u0004"));
        Assert.Equal(0, result.Status);
        Assert.Contains("de-general  Pool's name\r\nus-general  Pool's name\r\nus-video    Pool's name\r\n", result.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Arrows_edit_and_recall()
    {
        await using var daemon = TestDaemon.Start();
        var result = await TypeAsync(daemon.SocketPath,
            ("softunicast> ", "how drops\u001b[1~s\r"), ("dropped: 6 packets", "\u001b[A\r"), ("dropped: 6 packets", "nonsense\u0003"), ("^C", "exit\r"));
        Assert.Equal(0, result.Status);
    }

    [Fact]
    public async Task A_line_longer_than_the_terminal_is_carried_out_whole()
    {
        await using var daemon = TestDaemon.Start();
        var result = await TypeAsync(daemon.SocketPath,
            ("softunicast> ", $"show slices server {new string(' ', 200)} ams-1\r"), ("here ams-1", "quit\r"));
        Assert.Equal(0, result.Status);
    }

    [Fact]
    public async Task A_mistake_is_told_and_the_next_line_taken()
    {
        await using var daemon = TestDaemon.Start();
        var result = await TypeAsync(daemon.SocketPath,
            ("softunicast> ", "show stats\r"), ("did you mean 'status'?", "check /nonexistent\r"), ("no such file", "show drops\r"), ("dropped: 6", "quit\r"));
        Assert.Equal(0, result.Status);
        Assert.Contains("     ^^^^^", result.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_that_restarts_is_connected_to_again()
    {
        await using var daemon = TestDaemon.Start();
        var result = await TypeAsync(daemon.SocketPath, ("softunicast> ", "down\r"), ("the packet path is off", "show drops\r"), ("dropped: 6 packets", "quit\r"));
        Assert.Equal(0, result.Status);
    }

    [Fact]
    public async Task A_daemon_that_hung_up_on_an_idle_client_is_connected_to_again()
    {
        var connections = 0;
        await using var daemon = TestDaemon.Start(async (stream, stopping) =>
        {
            if (Interlocked.Increment(ref connections) == 1)
            {
                await stream.WriteAsync("0001 SoftUnicast 0.1.0 ready.\n8006 no whole line came in time, closing\n"u8.ToArray(), stopping);
                return;
            }

            await new Control.ControlServer(new SampleHandler(), "0.1.0", new Control.Wire.ControlLimits(), TimeProvider.System)
                .ServeAsync(stream, Control.Commands.AccessLevel.Full, default, stopping);
        });
        var result = await TypeAsync(daemon.SocketPath, ("softunicast> ", "show drops\r"), ("dropped: 6 packets", "quit\r"));
        Assert.Equal(0, result.Status);
        Assert.DoesNotContain("no whole line", result.Data, StringComparison.Ordinal);
        Assert.Equal(2, connections);
    }

    [Fact]
    public async Task Without_a_daemon_there_is_no_prompt()
    {
        var result = await TypeAsync("/nonexistent/control.sock");
        Assert.Equal(3, result.Status);
        Assert.DoesNotContain("softunicast> ", result.Data, StringComparison.Ordinal);
    }

    private static readonly string? Python = Array.Find(["/usr/bin/python3", "/usr/local/bin/python3"], File.Exists);

    private static Task<CliResult> TypeAsync(string socket, params (string WaitFor, string Send)[] steps)
    {
        Assert.SkipWhen(Python is null, "needs python3 for a pseudo terminal");
        return Support.Cli.ProcessAsync(Python!, "",
            Path.Combine(AppContext.BaseDirectory, "Support", "terminal.py"),
            JsonSerializer.Serialize(steps.Select(s => new[] { s.WaitFor, s.Send })),
            Support.Cli.Program, "-s", socket, "--pins", "/nonexistent/pins");
    }
}
