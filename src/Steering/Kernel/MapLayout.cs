using System.Runtime.InteropServices;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Kernel;

/// <summary>A /24 as it lies in the maps.</summary>
/// <param name="Run">Its slots; empty if what was found there cannot be right.</param>
internal readonly record struct PlacedPrefix(int L2Index, PrefixKind Kind, RowRun Run);

/// <summary>
/// Where everything lies in the maps, found by walking them as a packet does: blocks by upper address half, /24s by their
/// upper 24 bits, runs of slots. What cannot be right (a block or run that two share, numbers out of range) is known to be
/// there but has no place of its own, so that the next write replaces it.
/// </summary>
internal sealed class MapLayout
{
    public Dictionary<uint, PlacedPrefix> Prefixes { get; } = [];

    /// <summary>By the upper half of the address. 0: an entry that cannot be right.</summary>
    public Dictionary<uint, ushort> Blocks { get; } = [];

    public HashSet<ushort> FreeBlocks { get; } = [];

    public RowSpace Rows { get; } = new();

    public EndpointSpace Endpoints { get; } = new();

    public static MapLayout Adopt(ISteeringMaps maps)
    {
        var layout = new MapLayout();
        for (var block = 1; block < AbiLimits.L2Blocks; block++)
        {
            layout.FreeBlocks.Add((ushort)block);
        }

        var inUse = new bool[AbiLimits.Endpoints];
        var l1 = maps.L1;
        for (uint upperHalf = 0; upperHalf < AbiLimits.L1Entries; upperHalf++)
        {
            var block = l1[AbiLimits.L1Index(upperHalf)];
            if (block == 0)
            {
                continue;
            }

            var sound = layout.FreeBlocks.Remove(block);
            layout.Blocks.Add(upperHalf, sound ? block : (ushort)0);
            if (sound)
            {
                layout.AdoptBlock(maps, upperHalf, block, inUse);
            }
        }

        layout.Endpoints.Adopt(inUse, maps.Endpoints);
        return layout;
    }

    /// <summary>Slots that an entry of <c>su_l2</c> has; 0 if it cannot be right.</summary>
    public static int SlotCountOf(in SuPrefix entry) => (PrefixKind)entry.Kind switch
    {
        PrefixKind.Egress when entry.RowShift is >= 1 and <= 8 => 256 << entry.RowShift,
        PrefixKind.Peers => 256,
        _ => 0,
    };

    private void AdoptBlock(ISteeringMaps maps, uint upperHalf, ushort block, bool[] inUse)
    {
        for (var third = 0; third < 256; third++)
        {
            var l2Index = (block * 256) + third;
            var entry = maps.L2[l2Index];
            if (MemoryMarshal.AsBytes(new ReadOnlySpan<SuPrefix>(in entry)).ContainsAnyExcept((byte)0))
            {
                var slots = SlotCountOf(in entry);
                var run = entry.RowBase <= AbiLimits.RowSlots ? new RowRun((int)entry.RowBase, slots) : default;
                run = Rows.TryClaim(run) ? run : default;
                Prefixes.Add((upperHalf << 8) | (uint)third, new PlacedPrefix(l2Index, (PrefixKind)entry.Kind, run));
                if (entry.Kind == (byte)PrefixKind.Egress)
                {
                    MarkEndpoints(maps.Rows.Slice(run.FirstSlot, run.SlotCount), inUse);
                }
            }
        }
    }

    private static void MarkEndpoints(ReadOnlySpan<ushort> row, bool[] inUse)
    {
        foreach (var slot in row)
        {
            if (slot < AbiLimits.Endpoints)
            {
                inUse[slot] = true;
            }
        }
    }
}
