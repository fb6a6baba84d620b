namespace SoftUnicast.Model.Tests;

public class PortTests
{
    [Theory]
    [InlineData("0-65535", 0, 65535)]
    [InlineData("2048-4095", 2048, 4095)]
    [InlineData("80", 80, 80)]
    [InlineData("80-80", 80, 80)]
    [InlineData("0", 0, 0)]
    public void A_port_range_is_two_ports_or_one(string text, int first, int last)
    {
        var range = PortRange.Parse(text);
        Assert.Equal((first, last), (range.First, range.Last));
        Assert.Equal(range, PortRange.Parse(range.ToString()));
        Order.FormatsLike(range);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1-")]
    [InlineData("-1")]
    [InlineData("2-1")]
    [InlineData("1-2-3")]
    [InlineData("1--2")]
    [InlineData("0-65536")]
    [InlineData("65536")]
    [InlineData("1 - 2")]
    [InlineData(" 1")]
    [InlineData("+1")]
    [InlineData("0x10")]
    [InlineData("010")]
    [InlineData("00")]
    [InlineData("1-02")]
    [InlineData("1,2")]
    [InlineData("http")]
    [InlineData("\u0661")]
    public void Bad_port_ranges_do_not_parse(string text)
    {
        Assert.False(PortRange.TryParse(text, out var range));
        Assert.Equal(default, range);
        Assert.Throws<FormatException>(() => PortRange.Parse(text));
    }

    [Fact]
    public void A_port_range_runs_upwards() => Assert.Throws<ArgumentException>(() => new PortRange(2, 1));

    [Fact]
    public void Port_ranges_sort_by_first_then_last() => Order.Holds(
        new PortRange(0, 0), new PortRange(0, 5), new PortRange(0, 65535), new PortRange(1, 1), new PortRange(32767, 32768), new PortRange(65535, 65535));

    [Fact]
    public void Containment_and_overlap_agree_with_counting_ports()
    {
        const int seed = 7;
        var random = new Random(seed);
        for (var i = 0; i < 2_000; i++)
        {
            PortRange one = Range(), other = Range();
            var ports = Enumerable.Range(one.First, one.Count).ToHashSet();
            var others = Enumerable.Range(other.First, other.Count).ToHashSet();
            Assert.True(one.Overlaps(other) == ports.Overlaps(others), $"seed {seed}: {one} {other}");
            Assert.True(one.Contains(other) == ports.IsSupersetOf(others), $"seed {seed}: {one} {other}");
            Assert.True(one.Contains(other.First) == ports.Contains(other.First), $"seed {seed}: {one} {other}");
        }

        PortRange Range()
        {
            var first = random.Next(40);
            return new PortRange((ushort)first, (ushort)(first + random.Next(20)));
        }
    }

    [Fact]
    public void All_ports_are_65536() => Assert.Equal((0, 65535, 65536), (PortRange.All.First, PortRange.All.Last, PortRange.All.Count));

    [Theory]
    [InlineData("192.0.2.7:2048-4095")]
    [InlineData("[2001:db8::7]:2048-4095")]
    [InlineData("[::]:0-65535")]
    public void A_range_on_an_address_round_trips(string text)
    {
        Assert.Equal(text, AddressPorts.Parse(text).ToString());
        Order.FormatsLike(AddressPorts.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":1-2")]
    [InlineData("192.0.2.7")]
    [InlineData("192.0.2.7:")]
    [InlineData("192.0.2.7:2-1")]
    [InlineData("192.0.2.7:1-2:3")]
    [InlineData("[192.0.2.7]:1-2")]
    [InlineData("2001:db8::7:1-2")]
    [InlineData("[2001:db8::7:1-2")]
    [InlineData("2001:db8::7]:1-2")]
    [InlineData("[]:1-2")]
    [InlineData("[2001:db8::7]1-2")]
    [InlineData("[[2001:db8::7]]:1-2")]
    [InlineData("[fe80::1%eth0]:1-2")]
    public void A_range_on_nothing_that_is_an_address_does_not_parse(string text)
    {
        Assert.False(AddressPorts.TryParse(text, out var value));
        Assert.Equal(default, value);
        Assert.Throws<FormatException>(() => AddressPorts.Parse(text));
    }

    [Fact]
    public void Ranges_on_addresses_sort_by_address_first() => Order.Holds(
        AddressPorts.Parse("192.0.2.1:0-1"),
        AddressPorts.Parse("192.0.2.1:0-65535"),
        AddressPorts.Parse("192.0.2.1:2048-4095"),
        AddressPorts.Parse("192.0.2.2:0-1"),
        AddressPorts.Parse("[::]:0-1"));

    [Fact]
    public void Ranges_overlap_only_on_one_address()
    {
        var block = AddressPorts.Parse("192.0.2.1:0-4095");
        Assert.True(block.Overlaps(AddressPorts.Parse("192.0.2.1:4095-5000")));
        Assert.False(block.Overlaps(AddressPorts.Parse("192.0.2.1:4096-5000")));
        Assert.False(block.Overlaps(AddressPorts.Parse("192.0.2.2:0-4095")));
        Assert.True(block.Contains(AddressPorts.Parse("192.0.2.1:2048-4095")));
        Assert.False(block.Contains(AddressPorts.Parse("192.0.2.1:2048-4096")));
        Assert.True(block.Contains(IpAddress.Parse("192.0.2.1"), 4095));
        Assert.False(block.Contains(IpAddress.Parse("192.0.2.1"), 4096));
        Assert.False(block.Contains(IpAddress.Parse("192.0.2.2"), 0));
    }
}
