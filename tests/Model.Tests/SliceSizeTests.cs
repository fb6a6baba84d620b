namespace SoftUnicast.Model.Tests;

public class SliceSizeTests
{
    [Fact]
    public void Every_power_of_two_from_256_to_32768_is_a_slice_size_and_nothing_else_is()
    {
        var sizes = Enumerable.Range(-1, 70_000).Where(n => SliceSize.TryCreate(n, out _));
        Assert.Equal([256, 512, 1024, 2048, 4096, 8192, 16384, 32768], sizes);
    }

    [Theory]
    [InlineData(int.MinValue)]
    [InlineData(-256)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(128)]
    [InlineData(2000)]
    [InlineData(65536)]
    [InlineData(int.MaxValue)]
    public void Any_other_number_is_refused(int portCount)
    {
        Assert.False(SliceSize.TryCreate(portCount, out var size));
        Assert.Equal(default, size);
        Assert.Throws<ArgumentException>(() => SliceSize.Create(portCount));
    }

    [Fact]
    public void The_default_is_2048() => Assert.Equal((2048, 11, 32, "2048"), (default(SliceSize).PortCount, default(SliceSize).Shift, default(SliceSize).SlicesPerAddress, default(SliceSize).ToString()));

    [Fact]
    public void Slices_cut_the_ports_of_an_address_without_gap_or_overlap()
    {
        for (var ports = 256; ports <= 32768; ports *= 2)
        {
            var size = SliceSize.Create(ports);
            Assert.Equal(65536, size.PortCount * size.SlicesPerAddress);
            var next = 0;
            for (var i = 0; i < size.SlicesPerAddress; i++)
            {
                var range = size.PortsOf(i);
                Assert.Equal((next, ports, i, i), (range.First, range.Count, size.IndexOf(range.First), size.IndexOf(range.Last)));
                Assert.True(size.IsSlice(range));
                next += ports;
            }

            Assert.Equal(65536, next);
        }
    }

    [Theory]
    [InlineData(2048, 4095, true)]
    [InlineData(2049, 4096, false)]
    [InlineData(2048, 4094, false)]
    [InlineData(2048, 6143, false)]
    [InlineData(0, 65535, false)]
    public void A_slice_is_aligned_and_whole(int first, int last, bool isSlice) =>
        Assert.Equal(isSlice, default(SliceSize).IsSlice(new PortRange((ushort)first, (ushort)last)));

    [Theory]
    [InlineData(-1)]
    [InlineData(32)]
    public void A_slice_index_out_of_range_is_refused(int index) => Assert.Throws<ArgumentOutOfRangeException>(() => default(SliceSize).PortsOf(index));

    [Fact]
    public void Slice_sizes_sort_by_size()
    {
        Order.Holds([.. Enumerable.Range(8, 8).Select(shift => SliceSize.Create(1 << shift))]);
        Assert.True(SliceSize.Create(256) < default(SliceSize) && default(SliceSize) <= SliceSize.Create(2048));
    }
}
