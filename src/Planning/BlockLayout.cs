using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>A planned pool's blocks: whole addresses, and shared ones cut where their slices ask for it.</summary>
internal static class BlockLayout
{
    public static ImmutableArray<OwnedBlock> Of(PoolTable table)
    {
        var blocks = ImmutableArray.CreateBuilder<OwnedBlock>();
        foreach (var row in table.Rows)
        {
            if (row.IsShared)
            {
                AddShared(table, row, blocks);
            }
            else if (row.Preferred >= 0)
            {
                blocks.Add(new OwnedBlock(new AddressPorts(row.Address, PortRange.All), table.Input.Datacenters[row.Preferred].Name));
            }
        }

        return blocks.ToImmutable();
    }

    /// <summary>
    /// Every block holds a slice of its datacenter: a part that holds none goes to the block below it (the first one: above),
    /// for it would cost an entry on the backbone and lead nowhere.
    /// </summary>
    private static void AddShared(PoolTable table, AddressRow row, ImmutableArray<OwnedBlock>.Builder blocks)
    {
        var runs = new List<(int Datacenter, int First)>();
        for (var cell = 0; cell < row.CellCount;)
        {
            var datacenter = DatacenterOf(table, row, cell, out var used);
            var first = cell;
            for (cell++; cell < row.CellCount && DatacenterOf(table, row, cell, out var usedToo) == datacenter; cell++)
            {
                used |= usedToo;
            }

            if (used && (runs.Count == 0 || runs[^1].Datacenter != datacenter))
            {
                runs.Add((datacenter, runs.Count == 0 ? 0 : first));
            }
        }

        for (var i = 0; i < runs.Count; i++)
        {
            var end = i + 1 < runs.Count ? runs[i + 1].First : row.CellCount;
            var ports = new PortRange(table.Pool.SliceSize.PortsOf(runs[i].First).First, table.Pool.SliceSize.PortsOf(end - 1).Last);
            blocks.Add(new OwnedBlock(new AddressPorts(row.Address, ports), table.Input.Datacenters[runs[i].Datacenter].Name));
        }
    }

    private static int DatacenterOf(PoolTable table, AddressRow row, int cell, out bool used)
    {
        used = row.OwnerOf(cell) >= 0;
        return used ? table.HomeOf[row.OwnerOf(cell)] : row.TerritoryOf(cell);
    }
}
