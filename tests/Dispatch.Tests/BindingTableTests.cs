using SoftUnicast.Model;

namespace SoftUnicast.Dispatch.Tests;

/// <summary>What a table takes and refuses, and which binding it answers with.</summary>
public class BindingTableTests
{
    private static readonly IpPrefix[] Everywhere = [IpPrefix.Parse("0.0.0.0/0"), IpPrefix.Parse("::/0")];

    [Theory]
    [InlineData("the longer prefix wins", "tcp", "192.0.2.7", 443, "narrow", "wide tcp 192.0.0.0/16 443", "narrow tcp 192.0.2.0/24 443")]
    [InlineData("the longer prefix wins, though its ports are any", "tcp", "192.0.2.7", 443, "narrow", "wide tcp 192.0.0.0/16 443", "narrow tcp 192.0.2.0/24 any")]
    [InlineData("of one prefix the one port wins over any", "tcp", "192.0.2.7", 443, "one", "all tcp 192.0.2.0/24 any", "one tcp 192.0.2.0/24 443")]
    [InlineData("of one prefix the narrower range wins", "tcp", "192.0.2.7", 8050, "some", "more tcp 192.0.2.0/24 8000-8100", "some tcp 192.0.2.0/24 8040-8060")]
    [InlineData("ranges that overlap: the narrower where it is", "tcp", "192.0.2.7", 88, "a", "a tcp 192.0.2.0/24 80-90", "b tcp 192.0.2.0/24 85-100")]
    [InlineData("ranges that overlap: the wider where it is alone", "tcp", "192.0.2.7", 91, "b", "a tcp 192.0.2.0/24 80-90", "b tcp 192.0.2.0/24 85-100")]
    [InlineData("a longer prefix without the port does not hide", "tcp", "192.0.2.7", 443, "wide", "wide tcp 192.0.0.0/16 443", "narrow tcp 192.0.2.0/24 80")]
    [InlineData("the whole of IPv4", "udp", "203.0.113.1", 53, "all", "all udp 0.0.0.0/0 53")]
    [InlineData("the last address of a prefix", "tcp", "192.0.2.255", 443, "a", "a tcp 192.0.2.0/24 443")]
    [InlineData("behind the last address", "tcp", "192.0.3.0", 443, null, "a tcp 192.0.2.0/24 443")]
    [InlineData("the last address there is", "tcp", "255.255.255.255", 443, "a", "a tcp 255.255.255.0/24 443")]
    [InlineData("the other protocol", "udp", "192.0.2.7", 443, null, "a tcp 192.0.2.0/24 443")]
    [InlineData("the other port", "tcp", "192.0.2.7", 444, null, "a tcp 192.0.2.0/24 443")]
    [InlineData("IPv6, a /44", "udp", "2001:db8:f::1", 443, "six", "six udp 2001:db8::/44 443")]
    [InlineData("IPv6, behind the /44", "udp", "2001:db8:10::1", 443, null, "six udp 2001:db8::/44 443")]
    [InlineData("IPv6, the longer prefix", "tcp", "2001:db8::1:0:0:1", 443, "host", "six tcp 2001:db8::/44 443", "host tcp 2001:db8::1:0:0:1/128 any")]
    [InlineData("::/0 is not IPv4", "tcp", "192.0.2.7", 443, null, "six tcp ::/0 443")]
    public void Precedence(string rule, string protocol, string address, ushort port, string? expected, params string[] bindings)
    {
        Assert.NotEmpty(rule);
        var table = Table(bindings);
        _ = DispatchProtocols.TryParse(protocol, out var parsed);
        var indexes = table.Bindings.Select((b, i) => (b, i)).ToDictionary(p => p.b, p => (ushort)(p.i + 1));
        var image = DispatchCompiler.Compile(table, indexes, _ => 1).Image!;

        var match = table.Match(parsed, IpAddress.Parse(address), port);

        Assert.Equal(expected, table.Lookup(parsed, IpAddress.Parse(address), port)?.ToString());
        Assert.Equal(match is null ? 0 : indexes[match], image.Find(parsed, IpAddress.Parse(address), port));
    }

    [Theory]
    [InlineData("outside", BindingProblemKind.OutsidePools, "'a tcp 198.51.100.0/24 80' lies in no configured pool: 192.0.2.0/24, 2001:db8::/44", "a tcp 198.51.100.0/24 80")]
    [InlineData("larger than the pool", BindingProblemKind.OutsidePools, "'a tcp 192.0.0.0/16 80' lies in no configured pool: 192.0.2.0/24, 2001:db8::/44", "a tcp 192.0.0.0/16 80")]
    [InlineData("twice", BindingProblemKind.Duplicate, "'a tcp 192.0.2.0/24 80' is bound already", "a tcp 192.0.2.0/24 80", "a tcp 192.0.2.0/24 80")]
    [InlineData("another label", BindingProblemKind.Conflict, "'b tcp 192.0.2.0/24 80' contradicts 'a tcp 192.0.2.0/24 80': the same protocol, prefix and ports, another label", "a tcp 192.0.2.0/24 80", "b tcp 192.0.2.0/24 80")]
    [InlineData("as wide", BindingProblemKind.Ambiguous, "'b tcp 192.0.2.0/24 85-95' and 'a tcp 192.0.2.0/24 80-90' have ports in common and neither is narrower", "a tcp 192.0.2.0/24 80-90", "b tcp 192.0.2.0/24 85-95")]
    public void What_cannot_stand_in_a_table_is_said_and_no_table_made(string rule, BindingProblemKind kind, string message, params string[] bindings)
    {
        Assert.NotEmpty(rule);
        var result = BindingTable.Create(bindings.Select(Parse), [IpPrefix.Parse("192.0.2.0/24"), IpPrefix.Parse("2001:db8::/44")]);

        var problem = Assert.Single(result.Problems);
        Assert.Equal((kind, message), (problem.Kind, problem.Message));
        Assert.Null(result.Table);
    }

    [Fact]
    public void All_problems_are_said_at_once()
    {
        var result = BindingTable.Create([Parse("a tcp 192.0.2.0/24 80"), Parse("b tcp 192.0.2.0/24 80"), Parse("a udp 10.0.0.0/8 any")], [IpPrefix.Parse("192.0.2.0/24")]);

        Assert.Equal([BindingProblemKind.OutsidePools, BindingProblemKind.Conflict], result.Problems.Select(p => p.Kind));
    }

    [Fact]
    public void More_bindings_than_the_kernel_holds_are_refused()
    {
        var bindings = Enumerable.Range(1, 16384).Select(port => new Binding(Label.Parse("a"), DispatchProtocol.Tcp, IpPrefix.Parse("192.0.2.0/24"), new PortRange((ushort)port, (ushort)port)));

        var problem = Assert.Single(BindingTable.Create(bindings, Everywhere).Problems);

        Assert.Equal("16384 bindings: a server holds at most 16383", problem.Message);
    }

    [Theory]
    [InlineData("-a", "tcp", "192.0.2.0/24", "80", "'-a' is not a label: 1 to 55 letters, digits, '-', '_' and '.', the first a letter or a digit")]
    [InlineData("a", "sctp", "192.0.2.0/24", "80", "'sctp' is not a protocol that is dispatched: tcp or udp")]
    [InlineData("a", "tcp", "192.0.2.1/24", "80", "'192.0.2.1/24' has bits set behind its length: 192.0.2.0/24 is the prefix, 192.0.2.1 the address")]
    [InlineData("a", "tcp", "example.com", "80", "'example.com' is neither a prefix nor an address")]
    [InlineData("a", "tcp", "192.0.2.0/24", "0", "'0' is neither a port, nor a range like 8000-8100, nor 'any'; ports are 1 to 65535")]
    [InlineData("a", "tcp", "192.0.2.0/24", "90-80", "'90-80' is neither a port, nor a range like 8000-8100, nor 'any'; ports are 1 to 65535")]
    public void A_malformed_binding_is_refused_with_what_would_be_right(string label, string protocol, string prefix, string ports, string message)
    {
        Assert.Null(Binding.TryParse(label, protocol, prefix, ports, out var error));
        Assert.Equal(message, error);
    }

    [Theory]
    [InlineData("a tcp 192.0.2.0/24 80", "a tcp 192.0.2.0/24 80")]
    [InlineData("a tcp 192.0.2.7 80-90", "a tcp 192.0.2.7/32 80-90")]
    [InlineData("a udp 2001:db8::/44 any", "a udp 2001:db8::/44 any")]
    public void A_binding_reads_as_it_is_written(string text, string written) => Assert.Equal(written, Parse(text).ToString());

    [Fact]
    public void A_binding_is_added_and_taken_out_and_its_table_does_not_change()
    {
        IpPrefix[] pools = [IpPrefix.Parse("192.0.2.0/24")];
        var (first, second) = (Parse("a tcp 192.0.2.0/24 80"), Parse("b tcp 192.0.2.0/25 80"));

        var one = BindingTable.Empty.With(first, pools).Table!;
        var two = one.With(second, pools).Table!;

        Assert.Equal([first], one.Bindings);
        Assert.Equal([first, second], two.Bindings);
        Assert.Equal([second], two.Without(first).Table!.Bindings);
        Assert.Equal("there is no binding 'b tcp 192.0.2.0/25 80'", Assert.Single(one.Without(second).Problems).Message);
        Assert.Equal(BindingProblemKind.OutsidePools, Assert.Single(two.With(Parse("a tcp 10.0.0.0/8 80"), pools).Problems).Kind);
    }

    [Fact]
    public void A_binding_that_leads_to_another_label_is_removed_and_added()
    {
        var diff = Table("a tcp 192.0.2.0/24 80", "a tcp 192.0.2.0/24 443").DiffTo(Table("b tcp 192.0.2.0/24 80", "a tcp 192.0.2.0/24 443"));

        Assert.Equal(["b tcp 192.0.2.0/24 80"], diff.Added.Select(b => b.ToString()));
        Assert.Equal(["a tcp 192.0.2.0/24 80"], diff.Removed.Select(b => b.ToString()));
        Assert.True(Table("a tcp 192.0.2.0/24 80").DiffTo(Table("a tcp 192.0.2.0/24 80")).IsEmpty);
    }

    internal static Binding Parse(string text)
    {
        var words = text.Split(' ');
        return Binding.TryParse(words[0], words[1], words[2], words[3], out var error) ?? throw new FormatException(error);
    }

    private static BindingTable Table(params string[] bindings) => BindingTable.Create(bindings.Select(Parse), Everywhere).Table!;
}
