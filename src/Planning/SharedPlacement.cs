namespace SoftUnicast.Planning;

/// <summary>
/// The last resort: no empty address is left, so a datacenter takes free slices out of blocks of others. It prefers what was
/// its own, then addresses that are shared already, and takes a run of slices at an end of a block, with room to grow.
/// </summary>
internal sealed class SharedPlacement
{
    private readonly PoolTable table;
    private readonly int[] weights;
    private readonly int[] lacks;
    private readonly Action<AddressRow, int, int> placeNext;

    private SharedPlacement(PoolTable table, int[] weights, int[] lacks, Action<AddressRow, int, int> placeNext)
    {
        this.table = table;
        this.weights = weights;
        this.lacks = lacks;
        this.placeNext = placeNext;
    }

    public static void Run(PoolTable table, int[] weights, int[] lacks, Action<AddressRow, int, int> placeNext)
    {
        var placement = new SharedPlacement(table, weights, lacks, placeNext);
        foreach (var datacenter in Enumerable.Range(0, lacks.Length).OrderByDescending(d => lacks[d]).ThenByDescending(d => weights[d]).ThenBy(d => d).ToArray())
        {
            while (lacks[datacenter] > 0)
            {
                placement.TakeFrom(placement.Best(datacenter), datacenter);
            }
        }
    }

    private Segment Best(int datacenter)
    {
        var segments = table.Rows.Where(r => r.Available > 0).SelectMany(r => SegmentsOf(r, datacenter)).ToList();
        var lack = lacks[datacenter];

        // Once an address must be cut anyway, cutting one that has room for all is better than filling crumbs first.
        var cuts = segments.Where(s => !s.Cuts).Sum(s => (long)s.Free) < lack;
        return segments
            .OrderBy(s => s.Cuts == cuts ? 0 : 1)
            .ThenBy(s => s.Cuts && s.Row.Available < lack ? 1 : 0)
            .ThenBy(s => s.Free >= lack ? 0 : 1)
            .ThenBy(s => s.Rank)
            .ThenByDescending(s => s.Free)
            .ThenBy(s => s.Row.Address)
            .ThenBy(s => s.First)
            .First();
    }

    private void TakeFrom(Segment segment, int datacenter)
    {
        var row = segment.Row;
        var take = segment.Free;
        if (segment.Rank != Rank.OwnBlock)
        {
            if (segment.Free >= lacks[datacenter] && segment.Owner >= 0)
            {
                var fair = (long)segment.Free * weights[datacenter] / (weights[datacenter] + weights[segment.Owner]);
                take = Math.Max(lacks[datacenter], (int)fair);
            }

            // The cells get the owner they have in effect first, so that the block around the taken ones stays what it is.
            for (var cell = 0; cell < row.CellCount; cell++)
            {
                row.SetTerritory(cell, InEffect(row, cell));
            }
        }

        var taken = FreeCells(segment);
        taken = segment.TakeFromEnd ? [.. taken.TakeLast(take)] : [.. taken.Take(take)];
        for (var cell = taken[0]; cell <= taken[^1]; cell++)
        {
            row.SetTerritory(cell, datacenter);
        }

        foreach (var cell in taken.TakeWhile(_ => lacks[datacenter] > 0))
        {
            placeNext(row, cell, datacenter);
        }
    }

    private List<int> FreeCells(Segment segment) =>
        [.. Enumerable.Range(segment.First, segment.Last - segment.First + 1).Where(c => table.IsFree(segment.Row, c))];

    /// <summary>Runs of cells without an owner inside one block.</summary>
    private IEnumerable<Segment> SegmentsOf(AddressRow row, int datacenter)
    {
        var uses = row.User == datacenter;
        for (var cell = 0; row.IsShared && !uses && cell < row.CellCount; cell++)
        {
            uses = UserOf(row, cell) == datacenter;
        }

        for (var first = 0; first < row.CellCount;)
        {
            if (row.OwnerOf(first) != AddressRow.Nobody)
            {
                first++;
                continue;
            }

            var owner = InEffect(row, first);
            int last = first, free = table.IsFree(row, first) ? 1 : 0;
            while (last + 1 < row.CellCount && row.OwnerOf(last + 1) == AddressRow.Nobody && InEffect(row, last + 1) == owner)
            {
                last++;
                free += table.IsFree(row, last) ? 1 : 0;
            }

            if (free > 0)
            {
                var before = first == 0 ? AddressRow.Nobody : InEffect(row, first - 1);
                var after = last == row.CellCount - 1 ? AddressRow.Nobody : InEffect(row, last + 1);
                var joins = before == datacenter || after == datacenter;
                var rank = owner == datacenter ? Rank.OwnBlock
                    : joins ? Rank.JoinsOwnBlock
                    : uses ? Rank.SameAddress
                    : Rank.AnyBlock;

                // The end where its own block begins, else the upper one, unless that would leave a part cut off below.
                var fromEnd = after == datacenter || (before != datacenter && (after != owner || before == owner));
                yield return new Segment(row, first, last, free, owner, rank, !row.IsShared && !row.IsEmpty && !uses, fromEnd);
            }

            first = last + 1;
        }
    }

    private int UserOf(AddressRow row, int cell) => row.OwnerOf(cell) is >= 0 and var server ? table.HomeOf[server] : AddressRow.Nobody;

    /// <summary>The datacenter that the cell belongs to as things stand.</summary>
    private int InEffect(AddressRow row, int cell)
    {
        var user = UserOf(row, cell);
        return user >= 0 ? user : row.TerritoryOf(cell) >= 0 ? row.TerritoryOf(cell) : row.User;
    }

    private enum Rank
    {
        OwnBlock,
        JoinsOwnBlock,
        SameAddress,
        AnyBlock,
    }

    private readonly record struct Segment(AddressRow Row, int First, int Last, int Free, int Owner, Rank Rank, bool Cuts, bool TakeFromEnd);
}
