using System.Globalization;
using System.Net;

namespace SoftUnicast.Model.Tests;

public class IpAddressTests
{
    [Theory]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("2001:DB8::1", "2001:db8::1")]
    [InlineData("2001:db8:0:0:0:0:0:1", "2001:db8::1")]
    [InlineData("2001:0db8::0001", "2001:db8::1")]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.1")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    public void Good_text_parses_and_has_one_canonical_form(string text, string canonical)
    {
        var address = IpAddress.Parse(text);
        Assert.Equal(canonical, address.ToString());
        Assert.Equal(address, IpAddress.Parse(canonical));
        Assert.Equal(text.Contains(':', StringComparison.Ordinal), address.IsIPv6);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("1")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.")]
    [InlineData(".1.2.3")]
    [InlineData("1..2.3")]
    [InlineData("01.2.3.4")]
    [InlineData("1.2.3.00")]
    [InlineData("0x1.2.3.4")]
    [InlineData("+1.2.3.4")]
    [InlineData("1.2.3.4 ")]
    [InlineData(" 1.2.3.4")]
    [InlineData("1.2.3.4/32")]
    [InlineData("1.2.3.4:80")]
    [InlineData("3232235777")]
    [InlineData("a.b.c.d")]
    [InlineData("\u0661.2.3.4")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("12345::")]
    [InlineData("g::")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%1")]
    [InlineData("[::1]")]
    [InlineData("[::1]:80")]
    [InlineData("::1/128")]
    [InlineData("2001:db8::1/64")]
    [InlineData(" ::1")]
    [InlineData("::1 ")]
    [InlineData("::1.2.3")]
    [InlineData("::1.2.3.256")]
    [InlineData("::1.2.3.04")]
    [InlineData("0x10::")]
    [InlineData("localhost")]
    public void Bad_text_does_not_parse(string text)
    {
        Assert.False(IpAddress.TryParse(text, out var address));
        Assert.Equal(default, address);
        Assert.Throws<FormatException>(() => IpAddress.Parse(text));
    }

    [Fact]
    public void IPv4_sorts_before_IPv6_and_each_family_by_number() => Order.Holds(
        IpAddress.Parse("0.0.0.0"),
        IpAddress.Parse("0.0.0.1"),
        IpAddress.Parse("127.255.255.255"),
        IpAddress.Parse("128.0.0.0"),
        IpAddress.Parse("255.255.255.255"),
        IpAddress.Parse("::"),
        IpAddress.Parse("::1"),
        IpAddress.Parse("::ffff:0.0.0.1"),
        IpAddress.Parse("7fff::"),
        IpAddress.Parse("8000::"),
        IpAddress.Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));

    [Fact]
    public void Operators_agree_with_the_order()
    {
        IpAddress low = IpAddress.Parse("192.0.2.1"), high = IpAddress.Parse("::");
        Assert.True(low < high && low <= high && high > low && high >= low);
        Assert.False(low > high || low >= high || high < low || high <= low);
    }

    [Fact]
    public void The_default_is_the_IPv4_zero() => Assert.Equal(IpAddress.Parse("0.0.0.0"), default);

    [Fact]
    public void The_same_number_in_two_families_is_two_addresses() =>
        Assert.NotEqual(IpAddress.FromUInt32(1), IpAddress.FromUInt128(1));

    [Fact]
    public void Random_addresses_survive_text_bytes_and_IPAddress_and_agree_with_it()
    {
        const int seed = 20261122;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[i % 2 == 0 ? 4 : 16];
            random.NextBytes(bytes);
            for (var zeroes = random.Next(bytes.Length); zeroes > 0; zeroes--)
            {
                bytes[random.Next(bytes.Length)] = 0;
            }

            var address = IpAddress.FromBytes(bytes);
            var reference = new IPAddress(bytes);
            Assert.True(address.ToString() == reference.ToString(), $"seed {seed}, {reference}");
            Assert.Equal(address, IpAddress.Parse(address.ToString()));
            Assert.Equal(bytes, address.ToBytes());
            Assert.Equal(address, IpAddress.FromIPAddress(address.ToIPAddress()));
            Assert.Equal(address, address.IsIPv6 ? IpAddress.FromUInt128(address.Value) : IpAddress.FromUInt32(address.ToUInt32()));
        }
    }

    [Fact]
    public void Numbers_are_in_host_byte_order()
    {
        Assert.Equal(0xC0000201u, IpAddress.Parse("192.0.2.1").ToUInt32());
        Assert.Equal(UInt128.Parse("20010db8000000000000000000000001", NumberStyles.HexNumber, CultureInfo.InvariantCulture), IpAddress.Parse("2001:db8::1").Value);
        Assert.Throws<InvalidOperationException>(() => IpAddress.Parse("::1").ToUInt32());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(17)]
    public void An_address_has_four_or_sixteen_bytes(int count) => Assert.Throws<ArgumentException>(() => IpAddress.FromBytes(new byte[count]));

    [Fact]
    public void Adding_stays_in_the_family()
    {
        Assert.Equal(IpAddress.Parse("192.0.3.0"), IpAddress.Parse("192.0.2.255").Add(1));
        Assert.Equal(IpAddress.Parse("2001:db8:0:1::"), IpAddress.Parse("2001:db8::ffff:ffff:ffff:ffff").Add(1));
        Assert.Equal(IpAddress.Parse("255.255.255.255"), IpAddress.Parse("0.0.0.0").Add(uint.MaxValue));
        Assert.Throws<OverflowException>(() => IpAddress.Parse("255.255.255.255").Add(1));
        Assert.Throws<OverflowException>(() => IpAddress.Parse("0.0.0.1").Add(UInt128.MaxValue));
        Assert.Throws<OverflowException>(() => IpAddress.FromUInt128(UInt128.MaxValue).Add(1));
    }

    [Fact]
    public void Formatting_into_a_span_is_formatting()
    {
        Order.FormatsLike(IpAddress.Parse("192.0.2.1"));
        Order.FormatsLike(IpAddress.Parse("2001:db8::1"));
    }
}
