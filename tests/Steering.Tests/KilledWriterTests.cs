using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Steering.Tests;

/// <summary>
/// A writer that is killed between any two stores leaves, for every slice, what it was or what it becomes; the next
/// writer completes. What packets may still read is never overwritten.
/// </summary>
public class KilledWriterTests
{
    private static readonly string[] Probed = [.. RandomTables.Networks.SelectMany(n => Enumerable.Range(0, 4).Select(i => IpPrefix.Parse(n).Network.Add((UInt128)(i * 85)).ToString()))];

    private const int FilledEndpoints = 32736;
    private static readonly SteeringEndpoint[] FillerEndpoints =
        [.. Enumerable.Range(0, FilledEndpoints).Select(i => TestEndpoint.Make($"10.77.{i / 256}.{i % 256}"))];
    private static readonly int[] UpperHalves =
        [.. RandomTables.Networks.Select(n => IpPrefix.Parse(n).Network).Concat(RandomTables.Peers.Select(p => IpAddress.Parse(p))).Select(a => (int)(a.ToUInt32() >> 16)).Distinct()];

    [Fact]
    public void Killed_before_any_store_each_slice_is_old_or_new_and_a_restart_completes()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        for (var round = 0; round < 3; round++)
        {
            var (old, next) = (SmallTable(random), SmallTable(random));
            var kills = 0;
            while (KillAt(kills, old, next, Seed.Hint(seed)))
            {
                kills++;
            }

            Assert.True(kills > 10, Seed.Hint(seed));
        }
    }

    [Fact]
    public void What_a_packet_may_still_read_is_not_overwritten()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        var maps = new MemoryMaps();
        new SteeringWriter(maps).Apply(Filler().Build());
        var watch = new ReaderWatch(maps);
        maps.OnWait = watch.ReadersLeft;
        var writer = new SteeringWriter(maps, watch.BeforeStore);
        var waited = 0;
        for (var round = 0; round < 24; round++)
        {
            var report = writer.Apply(SmallTable(random, Filler()));
            Assert.Null(report.Refusal);
            waited += report.WaitedForReaders ? 1 : 0;
            watch.BeforeStore();
        }

        Assert.True(waited > 1, Seed.Hint(seed));
        Assert.NotEmpty(maps.ClearedCounters);
        Assert.True(watch.Violations.Count == 0, $"{string.Join("; ", watch.Violations.Take(5))}, {Seed.Hint(seed)}");
    }

    /// <returns>False if the writer was done before the kill.</returns>
    private static bool KillAt(int storeCount, SteeringTable old, SteeringTable next, string hint)
    {
        var maps = new MemoryMaps();
        new SteeringWriter(maps).Apply(old);
        var left = storeCount;
        var writer = new SteeringWriter(maps, () =>
        {
            if (left-- == 0)
            {
                throw new KilledException();
            }
        });
        var killed = false;
        try
        {
            writer.Apply(next);
        }
        catch (KilledException)
        {
            killed = true;
        }

        var kernel = KernelTable.Read(maps);
        Assert.Empty(kernel.Problems);
        foreach (var probe in Probed)
        {
            var address = IpAddress.Parse(probe);
            for (var port = 0; port < 65536; port += 256)
            {
                var owner = kernel.Table.OwnerOf(address, (ushort)port);
                Assert.True(
                    owner == old.OwnerOf(address, (ushort)port) || owner == next.OwnerOf(address, (ushort)port),
                    $"after {storeCount} stores {address}:{port} is {owner}, {hint}");
            }
        }

        var restarted = new SteeringWriter(maps);
        Assert.False(restarted.Apply(next).IsRefused, hint);
        Assert.True(Snapshot.Of(next).SequenceEqual(Snapshot.Of(KernelTable.Read(maps).Table)), hint);
        return killed;
    }

    /// <summary>Fills the maps but for 64 runs of 1,024 slots and some 30 endpoints, so that both are used again and again.</summary>
    private static SteeringTableBuilder Filler()
    {
        var builder = new SteeringTableBuilder();
        for (var i = 0; i < 63; i++)
        {
            builder.AddPrefix(IpPrefix.Parse($"172.16.{i}.0/24"), SliceSize.Create(256), EgressPolicies.None);
        }

        var network = IpPrefix.Parse("172.16.0.0/24").Network;
        for (var i = 0; i < FilledEndpoints; i++)
        {
            builder.SetOwner(network.Add((UInt128)(i / 256)), i % 256, SliceOwner.At(FillerEndpoints[i]));
        }

        return builder;
    }

    /// <summary>Slices of 16,384 and more, so that a write has some hundred stores.</summary>
    private static SteeringTable SmallTable(Random random, SteeringTableBuilder? filled = null)
    {
        var builder = filled ?? new SteeringTableBuilder();
        var endpoints = Enumerable.Range(0, 3).Select(_ => RandomTables.Endpoint(random)).ToArray();
        foreach (var network in RandomTables.Networks.Where(_ => random.Next(3) > 0))
        {
            var prefix = IpPrefix.Parse(network);
            var size = SliceSize.Create(random.Next(2) == 0 ? 16384 : 32768);
            builder.AddPrefix(prefix, size, (EgressPolicies)random.Next(8));
            for (var i = 0; i < 4 * size.SlicesPerAddress; i++)
            {
                builder.SetOwner(
                    prefix.Network.Add((UInt128)(i / size.SlicesPerAddress * 85)),
                    i % size.SlicesPerAddress,
                    random.Next(4) == 0 ? SliceOwner.Here : SliceOwner.At(endpoints[random.Next(3)]));
            }
        }

        foreach (var peer in RandomTables.Peers.Where(_ => random.Next(2) > 0))
        {
            builder.AddPeer(IpAddress.Parse(peer), random.Next(2) == 0 ? Rank.Datacenter : Rank.Backbone);
        }

        builder.AddLocal(new SteeringLocal(IpAddress.Parse(RandomTables.Locals[random.Next(2)]), AcceptedEncapsulations.GreKey, (uint)random.Next()));
        builder.AddInterface(new SteeringInterface(random.Next(1, 3), MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both));
        return builder.Build();
    }

    private sealed class KilledException : Exception;

    /// <summary>
    /// A reader that started at the last grace period and is still on its way: everything that was reachable since then may
    /// be under its eyes. Before each store it looks at what the one before it changed.
    /// </summary>
    private sealed class ReaderWatch(MemoryMaps maps)
    {
        /// <summary>The filler took the entries below.</summary>
        private const int FirstWatched = AbiLimits.FirstEndpoint + FilledEndpoints;
        private readonly bool[] endpointsInView = new bool[AbiLimits.Endpoints];
        private readonly HashSet<(uint Base, int Count, byte Kind)> runsInView = [];
        private readonly SuEndpoint[] endpointsBefore = maps.Endpoints[FirstWatched..].ToArray();

        public int Stores { get; private set; }

        public List<string> Violations { get; } = [];

        public void ReadersLeft()
        {
            endpointsInView.AsSpan().Clear();
            runsInView.Clear();
            Look();
        }

        public void BeforeStore()
        {
            Stores++;
            for (var i = 0; i < endpointsBefore.Length; i++)
            {
                var changed = !SteeringEndpoint.BytesOf(in endpointsBefore[i]).SequenceEqual(SteeringEndpoint.BytesOf(in maps.Endpoints[FirstWatched + i]));
                if (changed && endpointsInView[FirstWatched + i])
                {
                    Violations.Add($"endpoint {FirstWatched + i} changed in view before store {Stores}");
                }
            }

            maps.Endpoints[FirstWatched..].CopyTo(endpointsBefore);
            Look();
        }

        private void Look()
        {
            foreach (var upperHalf in UpperHalves)
            {
                var block = maps.L1[AbiLimits.L1Index((uint)upperHalf)];
                foreach (var entry in maps.L2.Slice(block * 256, 256))
                {
                    if (block != 0 && entry.Kind != (byte)PrefixKind.None)
                    {
                        LookAt(entry);
                    }
                }
            }
        }

        private void LookAt(SuPrefix entry)
        {
            var count = entry.Kind == (byte)PrefixKind.Egress ? 256 << entry.RowShift : 256;
            foreach (var run in runsInView)
            {
                var other = (entry.RowBase, count, entry.Kind);
                if (run != other && run.Base < entry.RowBase + count && entry.RowBase < run.Base + run.Count)
                {
                    Violations.Add($"slots from {entry.RowBase} are in view as another run before store {Stores}");
                }
            }

            runsInView.Add((entry.RowBase, count, entry.Kind));
            if (entry.Kind == (byte)PrefixKind.Egress)
            {
                foreach (var slot in maps.Rows.Slice((int)entry.RowBase, count))
                {
                    endpointsInView[slot] = true;
                }
            }
        }
    }
}
