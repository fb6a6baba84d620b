using System.Text;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Control.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Tests.Wire;

/// <summary>What slow, huge, many and binary clients get: the fault of a control socket that is abused.</summary>
public sealed class LimitTests
{
    [Fact]
    public async Task The_longest_line_is_read()
    {
        await using var connection = new Connection();
        await connection.ReplyAsync();
        var reply = await connection.AskAsync("show status".PadRight(ControlLimits.RequestBytes));
        Assert.StartsWith("1001-", reply[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_longer_line_is_refused_and_the_connection_closed()
    {
        await using var connection = new Connection();
        await connection.ReplyAsync();
        await connection.SendAsync(new string('x', ControlLimits.RequestBytes + 2));
        Assert.Equal(["9000 a line has at most 4096 bytes, closing"], await connection.ReplyAsync());
        Assert.Null(await connection.LineAsync());
        Assert.Equal(SessionEnd.Refused, await connection.Served);
    }

    [Fact]
    public async Task A_flood_without_a_line_feed_costs_no_more_than_one_line()
    {
        await using var connection = new Connection(bufferBytes: 8192);
        await connection.ReplyAsync();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var flood = Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    await connection.Client.WriteAsync(new byte[65536], patience.Token);
                }
            }
            catch (OperationCanceledException)
            {
            }
        }, TestContext.Current.CancellationToken);
        Assert.Equal(SessionEnd.Refused, await connection.Served);
        await patience.CancelAsync();
        await flood;
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xfe, (byte)'\n' })]
    [InlineData(new byte[] { (byte)'s', 0, (byte)'\n' })]
    [InlineData(new byte[] { 0x1b, (byte)'[', (byte)'A', (byte)'\n' })]
    [InlineData(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x0a })]
    public async Task Binary_input_is_refused(byte[] bytes)
    {
        await using var connection = new Connection();
        await connection.ReplyAsync();
        await connection.SendAsync(bytes);
        Assert.Equal(["9005 a line is UTF-8 text without control characters, closing"], await connection.ReplyAsync());
        Assert.Equal(SessionEnd.Refused, await connection.Served);
    }

    [Fact]
    public async Task Random_bytes_never_end_in_anything_but_a_refusal_or_a_parse_error()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            var bytes = new byte[random.Next(1, 5000)];
            random.NextBytes(bytes);
            bytes[^1] = (byte)'\n';
            await using var connection = new Connection();
            await connection.ReplyAsync();
            await connection.SendAsync(bytes);
            connection.Client.HangUp();
            var end = await connection.Served;
            Assert.True(end is SessionEnd.Refused or SessionEnd.Closed, $"seed {seed}, round {i}: {end}");
            Assert.Empty(connection.Faults);
        }
    }

    [Fact]
    public async Task A_silent_client_is_sent_away_after_the_idle_time()
    {
        await using var connection = new Connection();
        await connection.ReplyAsync();
        var idle = new ControlLimits().Idle;
        while (!connection.Time.Awaits(idle)) // until then the greeting's own deadline may be the one that waits
        {
            await Task.Yield();
        }

        connection.Time.Advance(idle);
        Assert.Equal(["8006 no whole line came in time, closing"], await connection.ReplyAsync());
        Assert.Equal(SessionEnd.TimedOut, await connection.Served);
    }

    [Fact]
    public async Task A_client_that_dribbles_a_line_is_sent_away_after_the_request_time()
    {
        await using var connection = new Connection();
        await connection.ReplyAsync();
        await connection.SendAsync("sh");
        var limits = new ControlLimits();
        // The short deadline of a begun line replaces the long one of an idle client: then 10 s are enough.
        while (!connection.Served.IsCompleted)
        {
            connection.Time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }

        Assert.Equal(SessionEnd.TimedOut, await connection.Served);
        Assert.True(connection.Time.GetUtcNow() - new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero) < limits.Idle);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_given_up_after_the_write_time()
    {
        var rows = Enumerable.Range(0, 10_000).Select(i => new SliceRow(
            new AddressPorts(IpAddress.FromUInt32(0xC0000200u + (uint)i), PortRange.All), "us-general", default, null, null, null));
        var handler = new SampleHandler { Slices = _ => new SlicesReply("kernel", [.. rows]) };
        await using var connection = new Connection(handler: handler, bufferBytes: 4096);
        await connection.ReplyAsync();
        await connection.SendAsync("show slices\n");
        while (!connection.Served.IsCompleted)
        {
            connection.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal(SessionEnd.TimedOut, await connection.Served);
    }

    [Fact]
    public async Task Many_requests_in_one_go_are_answered_one_after_the_other()
    {
        var handler = new SampleHandler();
        await using var connection = new Connection(handler: handler);
        await connection.ReplyAsync();
        var flood = connection.SendAsync(string.Concat(Enumerable.Repeat("show status\n", 1000)));
        for (var i = 0; i < 1000; i++)
        {
            Assert.Equal("0000 ", (await connection.ReplyAsync())[^1]);
        }

        await flood;
        Assert.Equal(1000, handler.Asked.Count);
    }

    [Fact]
    public async Task A_line_cut_off_by_the_end_is_not_carried_out()
    {
        var handler = new SampleHandler();
        await using var connection = new Connection(handler: handler);
        await connection.ReplyAsync();
        await connection.SendAsync("down");
        connection.Client.HangUp();
        Assert.Equal(SessionEnd.Closed, await connection.Served);
        Assert.Empty(handler.Asked);
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_of_down_does_not_stop_it()
    {
        var handler = new SampleHandler();
        await using var connection = new Connection(handler: handler);
        await connection.SendAsync("down\n");
        connection.Client.HangUp();
        Assert.Equal(SessionEnd.Closed, await connection.Served);
        Assert.Equal([new Down(false)], handler.Asked);
    }

    [Fact]
    public async Task A_fault_of_one_command_is_told_and_the_next_one_answered()
    {
        var handler = new SampleHandler { BeforeStatus = () => throw new InvalidOperationException("broken") };
        await using var connection = new Connection(handler: handler);
        await connection.ReplyAsync();
        Assert.Equal(["8000 the daemon could not answer because of a fault of its own; its log has the details"], await connection.AskAsync("show status"));
        Assert.Equal("broken", Assert.Single(connection.Faults).Message);
        Assert.Equal("0000 ", (await connection.AskAsync("show bgp"))[^1]);
    }

    [Fact]
    public async Task A_daemon_that_ends_says_so()
    {
        await using var connection = new Connection();
        await connection.ReplyAsync();
        connection.Stop();
        Assert.Equal(["8007 the daemon is ending"], await connection.ReplyAsync());
        Assert.Equal(SessionEnd.Stopping, await connection.Served);
    }

    [Fact]
    public async Task One_client_too_many_is_told()
    {
        var (client, server) = PairedStream.Create();
        await ControlServer.RefuseAsync(server, new ControlLimits { Clients = 64 }, TimeProvider.System, TestContext.Current.CancellationToken);
        server.HangUp();
        using var reader = new StreamReader(client, Encoding.UTF8);
        Assert.Equal("8005 64 clients are connected, try again later", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
    }
}
