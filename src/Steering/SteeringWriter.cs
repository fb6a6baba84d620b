using System.Runtime.InteropServices;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Kernel;

namespace SoftUnicast.Steering;

/// <summary>
/// Writes steering tables into the maps that the packet path reads, while packets flow. At every moment each slot says
/// what it said before or what it shall say, and leads to a complete endpoint entry:
/// <list type="number">
/// <item>what goes is made unreachable (interfaces, outer addresses, /24s, then their blocks);</item>
/// <item>what is freed is reused only after every packet that may still read it has left;</item>
/// <item>new endpoint entries are filled; slots are flipped to them one by one; entries are never changed while a slot leads to them;</item>
/// <item>new rows are filled before their /24 leads to them, new blocks before the upper half does;</item>
/// <item>what is new becomes reachable last.</item>
/// </list>
/// There is one writer for a set of maps, used by one thread. It adopts what it finds there: a process that was killed
/// between any two stores leaves maps that are whole, and the next writer only stores what differs.
/// </summary>
public sealed class SteeringWriter
{
    private readonly ISteeringMaps maps;
    private readonly MapStores stores;
    private readonly MapLayout layout;
    private readonly RetiredSpace retired = new();

    /// <summary>Adopts what is in the maps. Writes nothing.</summary>
    public SteeringWriter(ISteeringMaps maps)
        : this(maps, null)
    {
    }

    internal SteeringWriter(ISteeringMaps maps, Action? beforeStore)
    {
        ArgumentNullException.ThrowIfNull(maps);
        this.maps = maps;
        stores = new MapStores(maps) { BeforeStore = beforeStore };
        layout = MapLayout.Adopt(maps);

        // A writer before this one may have made entries unreachable just now; what looks free is free after this.
        maps.WaitForReaders();
    }

    /// <summary>Why <see cref="Apply"/> would refuse the table now; null: it would not. Writes nothing.</summary>
    public string? WhyNot(SteeringTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return WritePlan.Make(table, layout, retired).Refusal;
    }

    /// <summary>Makes the maps say what the table says, by the fewest stores.</summary>
    /// <returns>What was written; if it does not fit, why: then nothing was.</returns>
    public WriteReport Apply(SteeringTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        stores.Reset();
        var plan = WritePlan.Make(table, layout, retired);
        if (plan.Refusal is not null)
        {
            return Report(0, false, plan.Refusal);
        }

        var locals = PlaceLocals(table);
        CloseDoors(table, locals);
        Withdraw(plan);
        foreach (var endpoint in table.Endpoints)
        {
            layout.Endpoints.TryRevive(endpoint);
        }

        if (plan.NeedsReaders)
        {
            maps.WaitForReaders();
            retired.Reclaim(layout);
            layout.Endpoints.Reclaim();
        }

        PublishEndpoints(plan);
        WriteRows(plan, SlotValues(table));
        OpenDoors(table, locals);
        var endpointsRetired = layout.Endpoints.RetireAllBut(table.Endpoints.ToHashSet());
        if (stores.Any)
        {
            stores.CountGeneration();
        }

        return Report(endpointsRetired, plan.NeedsReaders, null);
    }

    /// <summary>
    /// Gives one slice another owner by one store, if the packet path knows both already: for what cannot wait for a
    /// whole table. The next <see cref="Apply"/> still decides.
    /// </summary>
    /// <returns>False, and nothing is written, if the address or slice is not in the maps or the endpoint owns nothing yet.</returns>
    public bool TryMove(AddressPorts slice, SliceOwner owner)
    {
        if (slice.Address.IsIPv6 || !layout.Prefixes.TryGetValue(slice.Address.ToUInt32() >> 8, out var placed)
            || placed.Kind != PrefixKind.Egress || placed.Run.SlotCount == 0)
        {
            return false;
        }

        var slotsPerAddress = placed.Run.SlotCount / 256;
        var portCount = 65536 / slotsPerAddress;
        ushort value = owner.IsHere ? AbiLimits.SlotHere : AbiLimits.SlotUnowned;
        if (slice.Ports.Count != portCount || slice.Ports.First % portCount != 0
            || (owner.Endpoint is { } endpoint && !layout.Endpoints.TryFind(endpoint, out value)))
        {
            return false;
        }

        stores.StoreSlot(placed.Run.FirstSlot + ((byte)slice.Address.ToUInt32() * slotsPerAddress) + (slice.Ports.First / portCount), value);
        return true;
    }

    /// <summary>Index of an endpoint's entry, which is also that of its counter; null if the packet path does not have it.</summary>
    public int? IndexOf(SteeringEndpoint endpoint) => layout.Endpoints.TryFind(endpoint, out var index) ? index : null;

    private void Withdraw(WritePlan plan)
    {
        foreach (var key in plan.GonePrefixes)
        {
            layout.Prefixes.Remove(key, out var placed);
            stores.StorePrefix(placed.L2Index, default);
            Retire(placed.Run);
        }

        foreach (var upperHalf in plan.GoneBlocks)
        {
            layout.Blocks.Remove(upperHalf, out var block);
            stores.StoreBlock(upperHalf, 0);
            if (block != 0)
            {
                retired.Blocks.Add(block);
            }
        }
    }

    private void PublishEndpoints(WritePlan plan)
    {
        foreach (var endpoint in plan.NewEndpoints)
        {
            var index = layout.Endpoints.Take(endpoint);
            if (SteeringEndpoint.BytesOf(in maps.Endpoints[index]).ContainsAnyExcept((byte)0))
            {
                maps.ClearEndpointCounter(index);
            }

            stores.StoreEndpoint(index, endpoint.ToEntry());
        }
    }

    /// <summary>By owner code of the table: what a slot holds.</summary>
    private ushort[] SlotValues(SteeringTable table)
    {
        var values = new ushort[table.Endpoints.Length + AbiLimits.FirstEndpoint];
        values[AbiLimits.SlotHere] = AbiLimits.SlotHere;
        for (var i = 0; i < table.Endpoints.Length; i++)
        {
            layout.Endpoints.TryFind(table.Endpoints[i], out values[i + AbiLimits.FirstEndpoint]);
        }

        return values;
    }

    private void WriteRows(WritePlan plan, ushort[] endpointValues)
    {
        ushort[] rankValues = [0, (ushort)Rank.Datacenter, (ushort)Rank.Backbone];
        var runs = plan.NewRuns.Zip(layout.Rows.TryPlace(plan.NewRunLengths())!).ToDictionary(p => p.First, p => p.Second);
        var newBlocks = plan.NewBlocks.ToDictionary(upperHalf => upperHalf, upperHalf => EmptyBlock());
        foreach (var (key, wanted) in plan.Wanted)
        {
            var known = layout.Prefixes.TryGetValue(key, out var placed);
            var moves = runs.TryGetValue(key, out var run);
            run = moves ? run : placed.Run;
            stores.StoreSlots(run.FirstSlot, wanted.Owners.Span, wanted.Kind == PrefixKind.Egress ? endpointValues : rankValues);

            var upperHalf = key >> 8;
            var block = newBlocks.TryGetValue(upperHalf, out var fresh) ? fresh : layout.Blocks[upperHalf];
            var l2Index = (block * 256) + (int)(key & 0xff);
            stores.StorePrefix(l2Index, wanted.EntryAt(run));
            layout.Prefixes[key] = new PlacedPrefix(l2Index, wanted.Kind, run);
            if (known && moves)
            {
                Retire(placed.Run);
            }
        }

        foreach (var (upperHalf, block) in newBlocks)
        {
            stores.StoreBlock(upperHalf, block);
            layout.Blocks[upperHalf] = block;
        }
    }

    /// <summary>Takes a free block and clears what an earlier user left there.</summary>
    private ushort EmptyBlock()
    {
        var block = layout.FreeBlocks.Min();
        layout.FreeBlocks.Remove(block);
        for (var third = 0; third < 256; third++)
        {
            stores.StorePrefix((block * 256) + third, default);
        }

        return block;
    }

    private void Retire(RowRun run)
    {
        if (run.SlotCount > 0)
        {
            retired.Runs.Add(run);
        }
    }

    /// <summary>Where each outer address goes: one that is there already keeps its place.</summary>
    private SuLocal[] PlaceLocals(SteeringTable table)
    {
        var wanted = table.Locals.Select(ToEntry).ToList();
        var placed = new SuLocal[AbiLimits.Locals];
        for (var i = 0; i < placed.Length; i++)
        {
            var address = maps.Settings.Locals[i].AddressBe;
            var match = wanted.FindIndex(w => w.AddressBe == address);
            if (match >= 0)
            {
                placed[i] = wanted[match];
                wanted.RemoveAt(match);
            }
        }

        for (var i = 0; i < placed.Length && wanted.Count > 0; i++)
        {
            if (placed[i].AddressBe == 0)
            {
                placed[i] = wanted[0];
                wanted.RemoveAt(0);
            }
        }

        return placed;
    }

    /// <summary>Interfaces and outer addresses that go.</summary>
    private void CloseDoors(SteeringTable table, SuLocal[] locals)
    {
        for (var i = 0; i < locals.Length; i++)
        {
            if (locals[i].AddressBe == 0)
            {
                stores.StoreLocal(i, default);
            }
        }

        for (var index = 0; index < maps.Interfaces.Length; index++)
        {
            if (!table.Interfaces.ContainsKey(index))
            {
                stores.StoreInterface(index, default);
            }
        }
    }

    /// <summary>Interfaces and outer addresses that come or change.</summary>
    private void OpenDoors(SteeringTable table, SuLocal[] locals)
    {
        for (var i = 0; i < locals.Length; i++)
        {
            stores.StoreLocal(i, locals[i]);
        }

        foreach (var device in table.Interfaces.Values)
        {
            var entry = new SuInterface { Roles = (byte)device.Roles };
            device.Mac.CopyTo(entry.Mac);
            stores.StoreInterface(device.Index, entry);
        }
    }

    private static SuLocal ToEntry(SteeringLocal local) => new()
    {
        AddressBe = MemoryMarshal.Read<uint>(local.Address.ToBytes()),
        Accept = (uint)local.Accept,
        GreKeyBe = MemoryMarshal.Read<uint>(IpAddress.FromUInt32(local.GreKey ?? 0).ToBytes()),
    };

    private WriteReport Report(int endpointsRetired, bool waited, string? refusal) => new(
        stores.Slots,
        stores.Endpoints,
        stores.Prefixes,
        stores.Blocks,
        stores.Interfaces,
        stores.Locals,
        endpointsRetired,
        waited,
        refusal);
}
