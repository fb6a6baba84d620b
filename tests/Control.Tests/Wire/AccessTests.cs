using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Tests.Support;

namespace SoftUnicast.Control.Tests.Wire;

public sealed class AccessTests
{
    [Theory]
    [InlineData("down")]
    [InlineData("d")]
    [InlineData("down now")]
    [InlineData("DOWN")]
    public async Task The_read_only_socket_refuses_verbs(string verb)
    {
        var handler = new SampleHandler();
        await using var connection = new Connection(AccessLevel.ReadOnly, handler);
        await connection.ReplyAsync();
        Assert.Equal(["8001 access denied: this socket is read-only; connect to the control socket"], await connection.AskAsync(verb));
        var json = await connection.AskAsync("json " + verb);
        Assert.Equal("8001 ", json[^1]);
        Assert.Contains("   \"code\": 8001", json, StringComparer.Ordinal);
        Assert.Empty(handler.Asked);
    }

    [Theory]
    [InlineData("show status", "1001-")]
    [InlineData("show bgp", "1002-")]
    [InlineData("show prefixes", "1003-")]
    [InlineData("show slices", "1004-")]
    [InlineData("show slice for 192.0.2.1:5000", "1005-")]
    [InlineData("show tunnels", "1006-")]
    [InlineData("show drops", "1007-")]
    [InlineData("show host", "1008-")]
    [InlineData("trace packet udp from 203.0.113.9 to 192.0.2.1:5000", "1009-")]
    [InlineData("help", "1020-")]
    [InlineData("complete sh", "1021-")]
    public async Task The_read_only_socket_answers_nouns(string noun, string code)
    {
        await using var connection = new Connection(AccessLevel.ReadOnly);
        await connection.ReplyAsync();
        var reply = await connection.AskAsync(noun);
        Assert.StartsWith(code, reply[0], StringComparison.Ordinal);
        Assert.Equal("0000 ", reply[^1]);
    }
}
