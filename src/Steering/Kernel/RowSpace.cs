using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Kernel;

/// <summary>A run of slots in <c>su_rows</c>: a power of two of at least 256, at a multiple of its own length.</summary>
internal readonly record struct RowRun(int FirstSlot, int SlotCount);

/// <summary>
/// Which slots of <c>su_rows</c> are in use. Runs lie at multiples of their length, so that freed runs join up again; a
/// row of 32 slots is one cache line.
/// </summary>
internal sealed class RowSpace
{
    public const int UnitSlots = 256;
    private const int Units = AbiLimits.RowSlots / UnitSlots;
    private readonly bool[] used;

    public RowSpace() => used = new bool[Units];

    private RowSpace(bool[] used) => this.used = used;

    public int FreeSlots => used.Count(u => !u) * UnitSlots;

    public RowSpace Copy() => new([.. used]);

    /// <summary>Takes a run that is in use already; false if it is no run, or a part of it belongs to another.</summary>
    public bool TryClaim(RowRun run)
    {
        if (run.SlotCount < UnitSlots || run.FirstSlot < 0 || run.FirstSlot % UnitSlots != 0 || run.FirstSlot > AbiLimits.RowSlots - run.SlotCount)
        {
            return false;
        }

        var units = UnitsOf(run);
        if (units.Contains(true))
        {
            return false;
        }

        units.Fill(true);
        return true;
    }

    public void Free(RowRun run) => UnitsOf(run).Clear();

    /// <summary>Places runs of these lengths, the longest first; null if they do not all fit.</summary>
    /// <returns>Runs in the order of the lengths given.</returns>
    public RowRun[]? TryPlace(ReadOnlySpan<int> slotCounts)
    {
        var runs = new RowRun[slotCounts.Length];
        var order = Enumerable.Range(0, slotCounts.Length).ToArray();
        var counts = slotCounts.ToArray();
        Array.Sort(order, (a, b) => counts[b] != counts[a] ? counts[b].CompareTo(counts[a]) : a.CompareTo(b));
        var (length, unit) = (0, 0);
        foreach (var i in order)
        {
            var units = counts[i] / UnitSlots;
            (length, unit) = units == length ? (length, unit) : (units, 0);
            while (unit < Units && used.AsSpan(unit, units).Contains(true))
            {
                unit += units;
            }

            if (unit >= Units)
            {
                return null;
            }

            used.AsSpan(unit, units).Fill(true);
            runs[i] = new RowRun(unit * UnitSlots, counts[i]);
        }

        return runs;
    }

    private Span<bool> UnitsOf(RowRun run) => used.AsSpan(run.FirstSlot / UnitSlots, run.SlotCount / UnitSlots);
}
