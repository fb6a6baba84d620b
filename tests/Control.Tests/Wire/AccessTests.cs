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
    [InlineData("enroll 4711 pool us-general")]
    [InlineData("lease tag country=US")]
    [InlineData("release 17")]
    [InlineData("bound 17-3")]
    [InlineData("drain server")]
    [InlineData("agility move cdn to one")]
    [InlineData("agility end cdn")]
    [InlineData("agility drain twenty")]
    [InlineData("agility undrain twenty")]
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
    [InlineData("show pools", "1019-")]
    [InlineData("show leases", "1018-")]
    [InlineData("show guard", "1022-")]
    [InlineData("who 192.0.2.1:2050", "1017-")]
    [InlineData("show naming", "1040-")]
    [InlineData("trace query www.example.com", "1041-")]
    [InlineData("show agility", "1042-")]
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
