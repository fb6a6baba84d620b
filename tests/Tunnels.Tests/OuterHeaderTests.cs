using SoftUnicast.Model;

namespace SoftUnicast.Tunnels.Tests;

public sealed class OuterHeaderTests
{
    private static readonly IpAddress Source = IpAddress.Parse("10.1.1.1");
    private static readonly IpAddress Endpoint = IpAddress.Parse("10.2.1.7");

    // version/ihl TOS length | id DF | TTL protocol checksum | source | endpoint | tunnel header
    [Theory]
    [InlineData("gue", null, "45000000 00004000 40110000 0a010101 0a020107 000017c0 00000000 00040000")]
    [InlineData("gre", null, "45000000 00004000 402f0000 0a010101 0a020107 00000800")]
    [InlineData("gre", 7u, "45000000 00004000 402f0000 0a010101 0a020107 20000800 00000007")]
    [InlineData("gre", 0u, "45000000 00004000 402f0000 0a010101 0a020107 20000800 00000000")]
    [InlineData("gre", 0xfffffffeu, "45000000 00004000 402f0000 0a010101 0a020107 20000800 fffffffe")]
    [InlineData("ipip", null, "45000000 00004000 40040000 0a010101 0a020107")]
    public void The_template_of_each_encapsulation_is_exactly_this(string kind, uint? key, string hex)
    {
        var encapsulation = new Encapsulation(Enum.Parse<EncapsulationKind>(kind, ignoreCase: true), key);

        var header = OuterHeader.Build(Source, Endpoint, encapsulation);

        Assert.Equal(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), header);
        Assert.Equal(encapsulation.OverheadBytes, header.Length);
        Assert.True(header.Length <= 32, "struct su_endpoint has room for 32 bytes");
        Assert.True(OuterHeader.TryParse(header, out var fields));
        Assert.Equal(new OuterHeaderFields(Source, Endpoint, encapsulation), fields);
    }

    [Fact]
    public void Every_built_header_reads_back_and_every_changed_bit_shows()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 500; round++)
        {
            var kind = (EncapsulationKind)random.Next(3);
            var encapsulation = new Encapsulation(kind, kind == EncapsulationKind.Gre && random.Next(2) == 0 ? (uint)random.NextInt64(1L << 32) : null);
            var source = IpAddress.FromUInt32((uint)random.NextInt64(1L << 32));
            var endpoint = IpAddress.FromUInt32((uint)random.NextInt64(1L << 32));
            var header = OuterHeader.Build(source, endpoint, encapsulation);
            Assert.True(OuterHeader.TryParse(header, out var fields), $"seed {seed} round {round}");
            Assert.Equal(new OuterHeaderFields(source, endpoint, encapsulation), fields);

            var bit = random.Next(header.Length * 8);
            header[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(!OuterHeader.TryParse(header, out var changed) || changed != fields, $"seed {seed} round {round} bit {bit}");
        }
    }

    [Fact]
    public void What_was_not_built_here_does_not_read_back()
    {
        var header = OuterHeader.Build(Source, Endpoint, new Encapsulation(EncapsulationKind.Gre, 7));

        Assert.False(OuterHeader.TryParse([], out _));
        for (var length = 0; length < header.Length; length++)
        {
            Assert.False(OuterHeader.TryParse(header.AsSpan(0, length), out _), $"cut to {length} bytes");
        }

        Assert.False(OuterHeader.TryParse([.. header, 0], out _));
        header[9] = 6;
        Assert.False(OuterHeader.TryParse(header, out _));
    }

    [Fact]
    public void An_IPv6_underlay_is_refused_with_both_addresses_named()
    {
        var six = IpAddress.Parse("2001:db8::7");

        Assert.False(OuterHeader.Carries(six));
        var error = Assert.Throws<NotSupportedException>(() => OuterHeader.Build(Source, six, default));
        Assert.Equal("the packet path does not carry an IPv6 underlay yet (tunnel from 10.1.1.1 to 2001:db8::7)", error.Message);
        Assert.Throws<NotSupportedException>(() => OuterHeader.Build(six, Endpoint, default));
    }
}
