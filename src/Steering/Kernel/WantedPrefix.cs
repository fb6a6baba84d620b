using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Kernel;

/// <summary>A /24 as the maps shall have it.</summary>
/// <param name="Owners">Codes of its slots: of an egress /24 those of its table, of peers their ranks.</param>
internal readonly record struct WantedPrefix(PrefixKind Kind, byte RowShift, byte Flags, ReadOnlyMemory<ushort> Owners)
{
    public SuPrefix EntryAt(RowRun run) => new() { RowBase = (uint)run.FirstSlot, Kind = (byte)Kind, RowShift = RowShift, Flags = Flags };

    /// <summary>Every /24 that a table has, by its upper 24 bits.</summary>
    public static SortedDictionary<uint, WantedPrefix> AllOf(SteeringTable table)
    {
        var wanted = new SortedDictionary<uint, WantedPrefix>();
        foreach (var prefix in table.Prefixes)
        {
            wanted.Add(
                prefix.Prefix.Network.ToUInt32() >> 8,
                new WantedPrefix(PrefixKind.Egress, (byte)(16 - prefix.SliceSize.Shift), (byte)prefix.Policies, prefix.OwnerCodes));
        }

        foreach (var group in table.Peers.GroupBy(p => p.Key.ToUInt32() >> 8))
        {
            var ranks = new ushort[256];
            foreach (var (peer, rank) in group)
            {
                ranks[(byte)peer.ToUInt32()] = (ushort)rank;
            }

            wanted.Add(group.Key, new WantedPrefix(PrefixKind.Peers, 0, 0, ranks));
        }

        return wanted;
    }
}
