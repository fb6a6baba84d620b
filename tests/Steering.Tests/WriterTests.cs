using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Steering.Tests;

public class WriterTests
{
    private static readonly IpPrefix Pool = IpPrefix.Parse("192.0.2.0/24");
    private static readonly IpAddress Address = IpAddress.Parse("192.0.2.7");
    private static readonly SteeringEndpoint A = TestEndpoint.Make("10.1.1.2");
    private static readonly SteeringEndpoint B = TestEndpoint.Make("10.1.1.3");
    private readonly MemoryMaps maps = new();

    [Fact]
    public void What_is_written_reads_back_the_same()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        var writer = new SteeringWriter(maps);
        for (var round = 0; round < 30; round++)
        {
            var table = RandomTables.Make(random);

            Assert.False(writer.Apply(table).IsRefused);

            var kernel = KernelTable.Read(maps);
            Assert.True(Snapshot.Of(table).SequenceEqual(Snapshot.Of(kernel.Table)), Seed.Hint(seed));
            Assert.Empty(kernel.Problems);
        }
    }

    [Fact]
    public void The_same_table_again_writes_nothing()
    {
        var table = RandomTables.Make(new Random(1));
        var writer = new SteeringWriter(maps);
        writer.Apply(table);
        var generation = maps.Settings.Generation;

        var report = writer.Apply(table);

        Assert.True(report.IsUnchanged);
        Assert.Equal(generation, maps.Settings.Generation);
    }

    [Fact]
    public void A_restart_with_the_same_table_writes_nothing()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var table = RandomTables.Make(new Random(seed));
            new SteeringWriter(maps).Apply(table);
            var generation = maps.Settings.Generation;

            Assert.True(new SteeringWriter(maps).Apply(table).IsUnchanged);
            Assert.Equal(generation, maps.Settings.Generation);
        }
    }

    [Fact]
    public void Moving_one_slice_to_a_known_endpoint_is_one_store()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(TableOf((1, A), (2, A), (3, B)));

        var report = writer.Apply(TableOf((1, A), (2, B), (3, B)));

        Assert.Equal(new WriteReport(1, 0, 0, 0, 0, 0, 0, false, null), report);
    }

    [Fact]
    public void A_changed_next_hop_is_a_new_entry_and_flips()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(TableOf((1, A), (2, A), (3, B)));
        var before = writer.IndexOf(A)!.Value;
        var moved = TestEndpoint.Make("10.1.1.2", vlan: 7);

        var report = writer.Apply(TableOf((1, moved), (2, moved), (3, B)));

        Assert.Equal(new WriteReport(2, 1, 0, 0, 0, 0, 1, false, null), report);
        Assert.NotEqual(before, writer.IndexOf(moved));
        Assert.Equal(A, SteeringEndpoint.FromEntry(in maps.Endpoints[before]));
    }

    [Fact]
    public void An_endpoint_that_comes_back_takes_up_its_entry_again()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(TableOf((1, A)));
        writer.Apply(TableOf((1, B)));

        Assert.Equal(new WriteReport(1, 0, 0, 0, 0, 0, 1, false, null), writer.Apply(TableOf((1, A))));
    }

    [Fact]
    public void An_unresolved_endpoint_is_an_entry_like_any_other()
    {
        var unresolved = TestEndpoint.Make("10.1.1.2", resolved: false);
        var writer = new SteeringWriter(maps);

        writer.Apply(TableOf((1, unresolved)));

        Assert.False(KernelTable.Read(maps).Table.OwnerOf(Address, 2048).Endpoint!.IsResolved);
    }

    [Fact]
    public void TryMove_is_one_store_and_the_next_apply_still_decides()
    {
        var writer = new SteeringWriter(maps);
        var table = TableOf((1, A), (3, B));
        writer.Apply(table);
        var slice = AddressPorts.Parse("192.0.2.7:2048-4095");

        Assert.True(writer.TryMove(slice, SliceOwner.At(B)));
        Assert.Equal(SliceOwner.At(B), KernelTable.Read(maps).Table.OwnerOf(Address, 2048));
        Assert.True(writer.TryMove(slice, SliceOwner.Here));
        Assert.Equal(SliceOwner.Here, KernelTable.Read(maps).Table.OwnerOf(Address, 2048));
        Assert.Equal(1, writer.Apply(table).SlotsWritten);
    }

    [Theory]
    [InlineData("192.0.2.7:2048-3071", "half a slice")]
    [InlineData("192.0.2.7:1024-3071", "not aligned")]
    [InlineData("203.0.113.7:2048-4095", "no /24 of the maps")]
    [InlineData("10.1.1.2:2048-4095", "a /24 of peers")]
    [InlineData("[2001:db8::7]:2048-4095", "IPv6")]
    public void TryMove_refuses_what_is_no_slice_of_the_maps(string slice, string why)
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(TableOf((1, A)));

        Assert.False(writer.TryMove(AddressPorts.Parse(slice), SliceOwner.Here), why);
    }

    [Fact]
    public void TryMove_refuses_an_endpoint_that_is_not_published()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(TableOf((1, A)));

        Assert.False(writer.TryMove(AddressPorts.Parse("192.0.2.7:2048-4095"), SliceOwner.At(B)));
        Assert.Equal(SliceOwner.At(A), KernelTable.Read(maps).Table.OwnerOf(Address, 2048));
    }

    [Fact]
    public void A_withdrawn_24_takes_one_store_for_itself_and_one_for_its_block()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(TableOf((1, A)));

        var report = writer.Apply(SteeringTable.Empty);

        // The pool's /24 and block, the peers' /24 and block, the interface, the outer address.
        Assert.Equal(new WriteReport(0, 0, 2, 2, 1, 1, 1, false, null), report);
        Assert.False(maps.L1.ContainsAnyExcept((ushort)0));
    }

    [Fact]
    public void A_reused_entry_starts_with_a_cleared_counter_after_the_readers_left()
    {
        var writer = new SteeringWriter(maps);
        maps.OnClear = index =>
        {
            if (maps.ClearedCounters.Count == 1)
            {
                var freed = SteeringEndpoint.FromEntry(in maps.Endpoints[index]);
                Assert.DoesNotContain(KernelTable.Read(maps).Table.Endpoints, e => e == freed);
            }
        };
        writer.Apply(TableOf((1, A)));
        Assert.Empty(maps.ClearedCounters);

        // Fill the entries up until those given up first are taken again.
        foreach (var (generation, count) in new[] { (0, 16000), (1, 16000), (2, 800), (3, 10) })
        {
            Assert.False(writer.Apply(Wide(generation, count)).IsRefused);
        }

        Assert.NotEmpty(maps.ClearedCounters);
        Assert.True(maps.Waits > 1);
        Assert.Equal(Snapshot.Of(Wide(3, 10)), Snapshot.Of(KernelTable.Read(maps).Table));
    }

    [Fact]
    public void Endpoints_that_do_not_fit_are_refused_with_numbers_and_the_old_table_stays()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(Wide(0, 20000));
        var before = Snapshot.Of(KernelTable.Read(maps).Table);

        var report = writer.Apply(Wide(1, 20000));

        Assert.Equal("20000 new tunnel endpoints, and 12766 of 32766 entries are free", report.Refusal);
        Assert.True(report.IsUnchanged);
        Assert.Equal(before, Snapshot.Of(KernelTable.Read(maps).Table));
    }

    [Fact]
    public void Row_space_that_does_not_fit_is_refused_and_the_old_table_stays()
    {
        var writer = new SteeringWriter(maps);
        Assert.Null(writer.WhyNot(Large(64, 256)));
        Assert.False(writer.Apply(Large(64, 256)).IsRefused);

        var foretold = writer.WhyNot(Large(64, 512));
        var report = writer.Apply(Large(64, 512));

        Assert.Equal(report.Refusal, foretold);
        Assert.Equal("64 /24s need 2097152 slots in new places, and 0 of 4194304 are free while the old ones are in use: withdraw a pool first", report.Refusal);
        Assert.True(writer.Apply(Large(64, 256)).IsUnchanged);
    }

    [Fact]
    public void Row_space_of_what_is_withdrawn_is_reused_in_the_same_write_after_the_readers_left()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(Large(64, 256));
        var waits = maps.Waits;
        maps.OnWait = () => Assert.False(maps.L1.ContainsAnyExcept((ushort)0));

        var report = writer.Apply(Large(64, 256, "172.20"));

        Assert.False(report.IsRefused);
        Assert.True(report.WaitedForReaders);
        Assert.Equal(waits + 1, maps.Waits);
        Assert.Equal(Snapshot.Of(Large(64, 256, "172.20")), Snapshot.Of(KernelTable.Read(maps).Table));
    }

    [Fact]
    public void Another_slice_size_is_a_new_row_and_one_flip_of_the_24()
    {
        var writer = new SteeringWriter(maps);
        writer.Apply(Large(1, 2048));

        var report = writer.Apply(Large(1, 1024));

        Assert.Equal(1, report.PrefixesWritten);
        Assert.Equal(Snapshot.Of(Large(1, 1024)), Snapshot.Of(KernelTable.Read(maps).Table));
    }

    [Fact]
    public void Maps_full_of_garbage_are_repaired()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        for (var round = 0; round < 5; round++)
        {
            var garbage = new MemoryMaps();
            Spoil(garbage, random);
            var table = RandomTables.Make(random);
            KernelTable.Read(garbage);

            var writer = new SteeringWriter(garbage);
            Assert.False(writer.Apply(table).IsRefused, Seed.Hint(seed));

            var kernel = KernelTable.Read(garbage);
            Assert.True(Snapshot.Of(table).SequenceEqual(Snapshot.Of(kernel.Table)), Seed.Hint(seed));
            Assert.Empty(kernel.Problems);
            Assert.True(new SteeringWriter(garbage).Apply(table).IsUnchanged, Seed.Hint(seed));
        }
    }

    [Fact]
    public void An_outer_address_in_an_egress_24_is_left_out_of_what_is_read_back()
    {
        new SteeringWriter(maps).Apply(TableOf((2, A)));
        maps.Settings.Locals[1].AddressBe = 0x070200c0; // 192.0.2.7 as it lies on the wire

        var kernel = KernelTable.Read(maps);

        Assert.Equal(["outer address 192.0.2.7 lies in an egress /24"], kernel.Problems);
        Assert.Equal(["10.1.1.1"], kernel.Table.Locals.Select(l => l.Address.ToString()));
    }

    private static void Spoil(MemoryMaps garbage, Random random)
    {
        for (var i = 0; i < 300; i++)
        {
            garbage.L1[random.Next(AbiLimits.L1Entries)] = (ushort)random.Next(400);
            garbage.L1[AbiLimits.L1Index(0xc000)] = (ushort)random.Next(400);
            garbage.L2[random.Next(AbiLimits.L2Entries)] = new SuPrefix
            {
                RowBase = random.Next(3) == 0 ? (uint)random.Next() : (uint)random.Next(AbiLimits.RowSlots / 256) * 256,
                Kind = (byte)random.Next(4),
                RowShift = (byte)random.Next(10),
                Flags = (byte)random.Next(256),
                Pad = (byte)random.Next(2),
            };
            garbage.Interfaces[random.Next(AbiLimits.Interfaces)].Roles = (byte)random.Next(256);
            garbage.Settings.Locals[random.Next(4)].AddressBe = (uint)random.Next(3);
            random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(garbage.Endpoints.Slice(random.Next(AbiLimits.Endpoints), 1)));
        }

        for (var i = 0; i < 100_000; i++)
        {
            garbage.Rows[random.Next(AbiLimits.RowSlots)] = (ushort)random.Next(65536);
        }
    }

    /// <summary>One /24, slices of 192.0.2.7 by index, peers, an interface and an outer address.</summary>
    private static SteeringTable TableOf(params (int Slice, SteeringEndpoint Endpoint)[] owners)
    {
        var builder = new SteeringTableBuilder()
            .AddPrefix(Pool, default, EgressPolicies.None)
            .AddPeer(IpAddress.Parse("10.1.1.2"), Rank.Datacenter)
            .AddLocal(new SteeringLocal(IpAddress.Parse("10.1.1.1"), AcceptedEncapsulations.Gue))
            .AddInterface(new SteeringInterface(1, MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both));
        foreach (var (slice, endpoint) in owners)
        {
            builder.SetOwner(Address, slice, SliceOwner.At(endpoint));
        }

        return builder.Build();
    }

    /// <summary>As many endpoints as asked for, none of them in another generation's table.</summary>
    private static SteeringTable Wide(int generation, int count)
    {
        var builder = new SteeringTableBuilder();
        for (var i = 0; i < count; i++)
        {
            var address = IpAddress.Parse("172.16.0.0").Add((UInt128)(i / 256));
            if (i % 65536 == 0)
            {
                builder.AddPrefix(new IpPrefix(address, 24), SliceSize.Create(256), EgressPolicies.None);
            }

            builder.SetOwner(address, i % 256, SliceOwner.At(TestEndpoint.Make($"10.{generation}.{i / 256}.{i % 256}")));
        }

        return builder.Build();
    }

    private static SteeringTable Large(int prefixes, int sliceSize, string start = "172.16")
    {
        var builder = new SteeringTableBuilder();
        for (var i = 0; i < prefixes; i++)
        {
            var prefix = IpPrefix.Parse($"{start}.{i}.0/24");
            builder.AddPrefix(prefix, SliceSize.Create(sliceSize), EgressPolicies.None);
            builder.SetOwner(prefix.Network, 1, SliceOwner.At(A));
        }

        return builder.Build();
    }
}
