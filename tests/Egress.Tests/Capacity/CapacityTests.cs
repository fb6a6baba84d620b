using SoftUnicast.Egress.Capacity;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests.Capacity;

public sealed class CapacityTests
{
    private static readonly AddressPorts One = AddressPorts.Parse("192.0.2.7:2048-4095");
    private static readonly AddressPorts Two = AddressPorts.Parse("192.0.2.7:4096-6143");
    private static readonly AddressPorts Far = AddressPorts.Parse("192.0.2.8:2048-4095");
    private static readonly Destination Web = new(6, IpAddress.Parse("203.0.113.1"), 443);
    private static readonly Destination Mail = new(6, IpAddress.Parse("203.0.113.2"), 25);
    private static readonly Destination Dns = new(17, IpAddress.Parse("203.0.113.1"), 53);
    private static readonly Destination AnywhereUdp = new(17, null, 0);

    [Theory]
    [InlineData(0, CapacityLevel.None)]
    [InlineData(74.99, CapacityLevel.None)]
    [InlineData(75, CapacityLevel.Notice)]
    [InlineData(84.99, CapacityLevel.Notice)]
    [InlineData(85, CapacityLevel.Warning)]
    [InlineData(95, CapacityLevel.Alarm)]
    [InlineData(100, CapacityLevel.Alarm)]
    public void Levels_begin_at_75_85_and_95_percent(double percent, CapacityLevel level) => Assert.Equal(level, CapacityReport.LevelOf(percent));

    [Fact]
    public void A_slice_is_as_full_as_its_fullest_destination()
    {
        var slice = Count((One, Web, 2048), (One, Mail, 1024), (One, Dns, 10)).Slices[0];
        Assert.Equal((3082, 100.0, CapacityLevel.Alarm), (slice.Sockets, slice.Percent, slice.Level));
        Assert.Equal(new DestinationUse(Web, 2048, 2048), slice.Fullest);
        Assert.Equal("tcp 203.0.113.1:443", slice.Fullest!.Destination.ToString());
    }

    [Fact]
    public void An_empty_slice_is_empty() => Assert.Equal(new SliceCapacity(One, "us", 0, null), Count().Slices[0]);

    [Fact]
    public void An_address_adds_up_its_slices_for_each_destination() => Assert.Equal(
        [
            new AddressUse(One.Address, new DestinationUse(Web, 700, 4096)),
            new AddressUse(One.Address, new DestinationUse(Mail, 300, 4096)),
            new AddressUse(Far.Address, new DestinationUse(Web, 50, 2048)),
        ],
        Count((One, Web, 500), (Two, Web, 200), (Two, Mail, 300), (Far, Web, 50)).Addresses);

    [Fact]
    public void A_pool_is_as_full_as_the_destination_with_fewest_ports_left_in_all_its_slices()
    {
        // Web fills one slice of three, mail half of each.
        var pool = Assert.Single(Count((One, Web, 2048), (One, Mail, 1024), (Two, Mail, 1024), (Far, Mail, 1024)).Pools);
        Assert.Equal(new PoolCapacity("us", 3, 6144, 5120, new DestinationUse(Mail, 3072, 6144)), pool);
        Assert.Equal((50.0, CapacityLevel.None), (pool.Percent, pool.Level));
    }

    [Fact]
    public void A_socket_without_a_peer_takes_its_port_for_every_destination_of_its_protocol()
    {
        var slice = Count((One, Dns, 1000), (One, AnywhereUdp, 740), (One, Web, 100)).Slices[0];
        Assert.Equal(new DestinationUse(Dns, 1740, 2048), slice.Fullest);
        Assert.Equal(CapacityLevel.Notice, slice.Level);
        Assert.Equal("udp anywhere", AnywhereUdp.ToString());
    }

    [Fact]
    public void What_lies_in_no_slice_of_ours_does_not_count() =>
        Assert.Equal(0, CapacityCount.Of([(One, "us")], [new SocketCount(Far, Web, 5)]).Pools[0].Sockets);

    [Fact]
    public void The_same_destination_counted_twice_adds_up() =>
        Assert.Equal(7, Count((One, Web, 3), (One, Web, 4)).Slices[0].Fullest!.Used);

    private static CapacityReport Count(params (AddressPorts Slice, Destination To, int Ports)[] counts) =>
        CapacityCount.Of([(Two, "us"), (One, "us"), (Far, "us")], counts.Select(c => new SocketCount(c.Slice, c.To, c.Ports)));
}
