using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
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
    [InlineData("bind www tcp 198.51.96.0/20 443")]
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
    [InlineData("show bindings", "1023-")]
    [InlineData("show dispatch", "1024-")]
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

    [Fact]
    public async Task The_register_socket_answers_nouns_and_registers_and_changes_nothing_else()
    {
        var handler = new SampleHandler();
        await using var connection = new Connection(AccessLevel.Register, handler);
        await connection.ReplyAsync();

        Assert.StartsWith("1024-", (await connection.AskAsync("show dispatch"))[0], StringComparison.Ordinal);
        Assert.StartsWith("1026-", (await connection.AskAsync("unregister www"))[0], StringComparison.Ordinal);
        Assert.Equal(["8020 no socket came with the line; softunicastc register LABEL sends it"], await connection.AskAsync("register www"));
        Assert.Equal(
            ["8001 access denied: this socket is for services that register themselves; connect to the control socket"],
            await connection.AskAsync("bind www tcp 198.51.96.0/20 443"));
        Assert.DoesNotContain(handler.Asked, c => c is Bind);
    }

    [Theory]
    [InlineData("register www")]
    [InlineData("unregister www")]
    public async Task The_read_only_socket_registers_nothing(string verb)
    {
        var handler = new SampleHandler();
        await using var connection = new Connection(AccessLevel.ReadOnly, handler);
        await connection.ReplyAsync();
        Assert.Equal(["8001 access denied: this socket is read-only; connect to the register socket"], await connection.AskAsync(verb));
        Assert.Empty(handler.Asked);
    }

    [Fact]
    public async Task Sockets_that_came_with_a_line_are_its_alone_and_closed_afterwards()
    {
        using var folder = new TemporaryFile();
        var waiting = new List<SafeHandle>();
        var handler = new SampleHandler();
        await using var connection = new Connection(AccessLevel.Register, handler, takeDescriptors: () =>
        {
            SafeHandle[] taken = [.. waiting];
            waiting.Clear();
            return taken;
        });
        await connection.ReplyAsync();
        SafeHandle[] sent = [folder.Open(), folder.Open(), folder.Open()];

        waiting.AddRange(sent[..2]);
        await connection.AskAsync("register www");
        waiting.Add(sent[2]);
        await connection.AskAsync("show dispatch");
        await connection.AskAsync("register www");

        Assert.Equal([2, 0], handler.SocketsTaken);
        Assert.All(sent, s => Assert.True(s.IsClosed));
    }

    private sealed class TemporaryFile : IDisposable
    {
        private readonly string path = Path.GetTempFileName();

        public SafeFileHandle Open() => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);

        public void Dispose() => File.Delete(path);
    }
}
