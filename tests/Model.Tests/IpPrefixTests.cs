namespace SoftUnicast.Model.Tests;

public class IpPrefixTests
{
    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("10.0.0.0/8")]
    [InlineData("192.0.2.0/24")]
    [InlineData("192.0.2.1/32")]
    [InlineData("::/0")]
    [InlineData("2001:db8::/48")]
    [InlineData("2001:db8::1/128")]
    [InlineData("8000::/1")]
    public void Good_text_round_trips(string text)
    {
        Assert.Equal(text, IpPrefix.Parse(text).ToString());
        Order.FormatsLike(IpPrefix.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/24")]
    [InlineData("192.0.2.0")]
    [InlineData("192.0.2.0/")]
    [InlineData("192.0.2.0/33")]
    [InlineData("192.0.2.0/-1")]
    [InlineData("192.0.2.0/+24")]
    [InlineData("192.0.2.0/024")]
    [InlineData("192.0.2.0/00")]
    [InlineData("192.0.2.0/ 24")]
    [InlineData("192.0.2.0/24 ")]
    [InlineData("192.0.2.0/24/24")]
    [InlineData("192.0.2.0/255.255.255.0")]
    [InlineData("192.0.2.0/99999999999")]
    [InlineData("2001:db8::/129")]
    [InlineData("2001:db8::/0x30")]
    public void Bad_text_does_not_parse_not_even_loosely(string text)
    {
        Assert.False(IpPrefix.TryParse(text, out _));
        Assert.False(IpPrefix.TryParseLoose(text, out _, out _));
        Assert.Throws<FormatException>(() => IpPrefix.Parse(text));
    }

    [Theory]
    [InlineData("192.0.2.1/24", "192.0.2.0/24")]
    [InlineData("255.255.255.255/0", "0.0.0.0/0")]
    [InlineData("2001:db8:1:2::/47", "2001:db8::/47")]
    [InlineData("ffff::/0", "::/0")]
    public void Host_bits_parse_only_loosely_and_name_the_prefix_that_was_meant(string text, string meant)
    {
        Assert.False(IpPrefix.TryParse(text, out _));
        Assert.True(IpPrefix.TryParseLoose(text, out var address, out var length));
        Assert.Equal(meant, IpPrefix.Covering(address, length).ToString());
        Assert.Throws<ArgumentException>(() => new IpPrefix(address, length));
    }

    [Theory]
    [InlineData("192.0.2.0", 33)]
    [InlineData("192.0.2.0", -1)]
    [InlineData("::", 129)]
    [InlineData("::", -1)]
    public void A_length_out_of_range_is_refused(string network, int length)
    {
        Assert.Throws<ArgumentException>(() => new IpPrefix(IpAddress.Parse(network), length));
        Assert.Throws<ArgumentException>(() => IpPrefix.Covering(IpAddress.Parse(network), length));
    }

    [Fact]
    public void Order_is_by_network_then_the_wider_first() => Order.Holds(
        IpPrefix.Parse("0.0.0.0/0"),
        IpPrefix.Parse("0.0.0.0/8"),
        IpPrefix.Parse("10.0.0.0/8"),
        IpPrefix.Parse("10.0.0.0/24"),
        IpPrefix.Parse("192.0.2.0/24"),
        IpPrefix.Parse("::/0"),
        IpPrefix.Parse("2001:db8::/32"),
        IpPrefix.Parse("2001:db8::/48"));

    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.0", true)]
    [InlineData("192.0.2.0/24", "192.0.2.255", true)]
    [InlineData("192.0.2.0/24", "192.0.3.0", false)]
    [InlineData("192.0.2.0/24", "192.0.1.255", false)]
    [InlineData("0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("0.0.0.0/0", "::", false)]
    [InlineData("::/0", "0.0.0.0", false)]
    [InlineData("::/0", "ffff::", true)]
    [InlineData("192.0.2.1/32", "192.0.2.1", true)]
    [InlineData("192.0.2.1/32", "192.0.2.0", false)]
    public void An_address_is_in_a_prefix_of_its_family_that_shares_its_first_bits(string prefix, string address, bool contained) =>
        Assert.Equal(contained, IpPrefix.Parse(prefix).Contains(IpAddress.Parse(address)));

    [Theory]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", true, true)]
    [InlineData("10.1.0.0/16", "10.0.0.0/8", false, true)]
    [InlineData("10.0.0.0/8", "10.0.0.0/8", true, true)]
    [InlineData("10.0.0.0/8", "11.0.0.0/8", false, false)]
    [InlineData("0.0.0.0/0", "::/0", false, false)]
    public void One_prefix_holds_another_or_overlaps_it(string left, string right, bool contains, bool overlaps)
    {
        IpPrefix one = IpPrefix.Parse(left), other = IpPrefix.Parse(right);
        Assert.Equal((contains, overlaps, overlaps), (one.Contains(other), one.Overlaps(other), other.Overlaps(one)));
    }

    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.255", "256")]
    [InlineData("192.0.2.1/32", "192.0.2.1", "1")]
    [InlineData("0.0.0.0/0", "255.255.255.255", "4294967296")]
    [InlineData("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "340282366920938463463374607431768211455")]
    [InlineData("2001:db8::/127", "2001:db8::1", "2")]
    public void A_prefix_knows_its_last_address_and_its_count(string prefix, string last, string count)
    {
        Assert.Equal(last, IpPrefix.Parse(prefix).Last.ToString());
        Assert.Equal(count, IpPrefix.Parse(prefix).AddressCount.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_host_prefix_holds_its_address_alone()
    {
        Assert.Equal("192.0.2.1/32", IpPrefix.Host(IpAddress.Parse("192.0.2.1")).ToString());
        Assert.Equal("2001:db8::1/128", IpPrefix.Host(IpAddress.Parse("2001:db8::1")).ToString());
    }

    [Fact]
    public void The_default_is_all_of_IPv4() => Assert.Equal(IpPrefix.Parse("0.0.0.0/0"), default);
}
