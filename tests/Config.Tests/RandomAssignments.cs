using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config.Tests;

/// <summary>Valid assignments: blocks cut between slices, slices within them, quarantine beside them.</summary>
internal static class RandomAssignments
{
    public static Assignment Create(Random random)
    {
        var pools = Enumerable.Range(0, random.Next(4)).Select(i => CreatePool(random, $"p{i}", i)).ToImmutableArray();
        return new Assignment(random.NextInt64(1_000_000), pools);
    }

    public static Assignment Large(int sliceCount)
    {
        const int pools = 8;
        var size = SliceSize.Create(2048);
        var perPool = sliceCount / pools;
        return new Assignment(1, [.. Enumerable.Range(0, pools).Select(p =>
        {
            var slices = Enumerable.Range(0, perPool)
                .Select(i => new OwnedSlice(new AddressPorts(IpAddress.FromUInt32(0xC6120000u + (uint)((p * 1024) + (i / 31))), size.PortsOf((i % 31) + 1)), $"server-{i}"))
                .ToImmutableArray();
            var blocks = slices.Select(s => s.Slice.Address).Distinct().Select(a => new OwnedBlock(new AddressPorts(a, PortRange.All), "ams")).ToImmutableArray();
            return new PoolAssignment($"pool-{p}", size, blocks, slices, []);
        })]);
    }

    private static PoolAssignment CreatePool(Random random, string name, int index)
    {
        var size = SliceSize.Create(256 << random.Next(8));
        var blocks = ImmutableArray.CreateBuilder<OwnedBlock>();
        var slices = ImmutableArray.CreateBuilder<OwnedSlice>();
        var quarantined = ImmutableArray.CreateBuilder<QuarantinedSlice>();
        var start = random.Next(2) == 0 ? IpAddress.FromUInt32(0xC6120000u + (uint)(index << 16)) : IpAddress.Parse($"2001:db8:{index}::");
        for (var a = 0; a < random.Next(4); a++)
        {
            var address = start.Add((UInt128)a);
            var next = 0;
            while (next < size.SlicesPerAddress)
            {
                var count = random.Next(1, size.SlicesPerAddress - next + 1);
                var block = new AddressPorts(address, new PortRange(size.PortsOf(next).First, size.PortsOf(next + count - 1).Last));
                if (random.Next(5) != 0)
                {
                    blocks.Add(new OwnedBlock(block, $"dc{random.Next(3)}"));
                    AddSlices(next, count);
                }

                next += count;
            }

            void AddSlices(int first, int count)
            {
                for (var i = first; i < first + count; i++)
                {
                    var slice = new AddressPorts(address, size.PortsOf(i));
                    switch (random.Next(3))
                    {
                        case 0:
                            slices.Add(new OwnedSlice(slice, $"s{random.Next(20)}"));
                            break;
                        case 1:
                            quarantined.Add(new QuarantinedSlice(slice, $"s{random.Next(20)}", DateTimeOffset.UnixEpoch.AddTicks(random.NextInt64(1L << 60))));
                            break;
                    }
                }
            }
        }

        return new PoolAssignment(name, size, blocks.ToImmutable(), slices.ToImmutable(), quarantined.ToImmutable());
    }
}
