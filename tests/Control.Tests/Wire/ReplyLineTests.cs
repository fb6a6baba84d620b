using System.Text;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Control.Wire;

namespace SoftUnicast.Control.Tests.Wire;

public sealed class ReplyLineTests
{
    [Theory]
    [InlineData("0000 ", null, 0, "", true)]
    [InlineData("1004-text", null, 1004, "text", false)]
    [InlineData(" more", 1004, 1004, "more", false)]
    [InlineData(" ", 1004, 1004, "", false)]
    [InlineData("9001 unknown", 1004, 9001, "unknown", true)]
    public void A_reply_line_is_read(string raw, int? before, int number, string text, bool last)
    {
        Assert.True(ReplyLine.TryParse(raw, before, out var line));
        Assert.Equal(new ReplyLine(number, text, last, raw), line);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("", 1004)]
    [InlineData(" more", null)]
    [InlineData("100 text", null)]
    [InlineData("1004", null)]
    [InlineData("1004_text", null)]
    [InlineData("+004 text", null)]
    [InlineData("HTTP/1.1 400 Bad Request", null)]
    public void What_is_no_reply_line_is_not(string raw, int? before) => Assert.False(ReplyLine.TryParse(raw, before, out _));

    [Fact]
    public async Task A_client_reads_what_a_server_writes()
    {
        await using var connection = new Connection();
        var client = new ControlClient(connection.Client, TimeProvider.System);
        var patience = TimeSpan.FromSeconds(30);
        var cancellation = TestContext.Current.CancellationToken;
        Assert.Equal("SoftUnicast 0.1.0 ready.", (await client.GreetingAsync(patience, cancellation)).Text);
        var text = await client.SendAsync("show drops", patience, cancellation).ToListAsync(cancellation);
        Assert.Equal([.. Samples.Drops.Lines(), ""], text.Select(l => l.Text));
        Assert.All(text.SkipLast(1), l => Assert.Equal(1007, l.Number));
        Assert.Equal(0, text[^1].Number);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("\n")]
    [InlineData("\u0001\n")]
    [InlineData("0001-half\n")]
    public async Task A_socket_of_something_else_is_found_out(string greeting)
    {
        var (ours, theirs) = PairedStream.Create();
        await theirs.WriteAsync(Encoding.UTF8.GetBytes(greeting), TestContext.Current.CancellationToken);
        theirs.HangUp();
        await Assert.ThrowsAsync<ControlProtocolException>(() =>
            new ControlClient(ours, TimeProvider.System).GreetingAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_daemon_that_hangs_is_noticed()
    {
        var (ours, _) = PairedStream.Create();
        var time = new ManualTime();
        var greeting = new ControlClient(ours, time).GreetingAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<TimeoutException>(() => greeting);
    }

    [Fact]
    public async Task A_reply_that_breaks_off_is_noticed()
    {
        var (ours, theirs) = PairedStream.Create();
        await theirs.WriteAsync("1007-half\n"u8.ToArray(), TestContext.Current.CancellationToken);
        theirs.HangUp();
        var reply = new ControlClient(ours, TimeProvider.System).SendAsync("show drops", TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ControlProtocolException>(async () => await reply.ToListAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\u001b[31mb\u0007\u009b", "a\\x1b[31mb\\x07\\x9b")]
    [InlineData("tab\tstays", "tab\tstays")]
    public void Control_characters_do_not_reach_a_terminal(string text, string written) => Assert.Equal(written, ReplyWriter.Printable(text));
}
