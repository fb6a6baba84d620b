using System.Globalization;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Kernel;

/// <summary>
/// What a write needs, worked out before its first store: which /24s and blocks go, what is new, and whether it all fits.
/// </summary>
internal sealed class WritePlan
{
    private WritePlan(SortedDictionary<uint, WantedPrefix> wanted) => Wanted = wanted;

    public SortedDictionary<uint, WantedPrefix> Wanted { get; }

    /// <summary>/24s that are placed and not wanted.</summary>
    public List<uint> GonePrefixes { get; } = [];

    /// <summary>Upper halves that are placed and not wanted, or that point where they cannot.</summary>
    public List<uint> GoneBlocks { get; } = [];

    /// <summary>Upper halves that need a block.</summary>
    public List<uint> NewBlocks { get; } = [];

    /// <summary>/24s that need a run of slots.</summary>
    public List<uint> NewRuns { get; } = [];

    public List<SteeringEndpoint> NewEndpoints { get; } = [];

    /// <summary>True if what was given up, by this write or an earlier one, has to be freed first.</summary>
    public bool NeedsReaders { get; private set; }

    public string? Refusal { get; private set; }

    public static WritePlan Make(SteeringTable table, MapLayout layout, RetiredSpace retired)
    {
        var plan = new WritePlan(WantedPrefix.AllOf(table));
        plan.Compare(layout);
        plan.NewEndpoints.AddRange(table.Endpoints.Where(e => !layout.Endpoints.TryFind(e, out _) && !layout.Endpoints.IsRetired(e)));
        plan.CheckEndpoints(layout, table);
        plan.CheckBlocks(layout, retired);
        plan.CheckRows(layout, retired);
        return plan;
    }

    public int[] NewRunLengths() => [.. NewRuns.Select(key => Wanted[key].Owners.Length)];

    private void Compare(MapLayout layout)
    {
        GonePrefixes.AddRange(layout.Prefixes.Keys.Where(key => !Wanted.ContainsKey(key)).Order());
        var upperHalves = Wanted.Keys.Select(key => key >> 8).ToHashSet();
        GoneBlocks.AddRange(layout.Blocks.Where(b => b.Value == 0 || !upperHalves.Contains(b.Key)).Select(b => b.Key).Order());
        NewBlocks.AddRange(upperHalves.Where(u => !layout.Blocks.TryGetValue(u, out var block) || block == 0).Order());
        foreach (var (key, wanted) in Wanted)
        {
            if (!layout.Prefixes.TryGetValue(key, out var placed) || placed.Kind != wanted.Kind || placed.Run.SlotCount != wanted.Owners.Length)
            {
                NewRuns.Add(key);
            }
        }
    }

    private void CheckEndpoints(MapLayout layout, SteeringTable table)
    {
        var missing = NewEndpoints.Count - layout.Endpoints.FreeCount;
        if (missing > 0)
        {
            // Retired entries that this table takes up again are not freed.
            var revived = table.Endpoints.Count(layout.Endpoints.IsRetired);
            NeedsReaders = true;
            if (missing > layout.Endpoints.RetiredCount - revived)
            {
                Refuse($"{NewEndpoints.Count} new tunnel endpoints, and {layout.Endpoints.FreeCount + layout.Endpoints.RetiredCount - revived} of {AbiLimits.Endpoints - AbiLimits.FirstEndpoint} entries are free");
            }
        }
    }

    private void CheckBlocks(MapLayout layout, RetiredSpace retired)
    {
        var missing = NewBlocks.Count - layout.FreeBlocks.Count;
        if (missing > 0)
        {
            NeedsReaders = true;
            var freed = retired.Blocks.Count + GoneBlocks.Count(b => layout.Blocks[b] != 0);
            if (missing > freed)
            {
                Refuse($"{NewBlocks.Count} new /16s, and {layout.FreeBlocks.Count + freed} of {AbiLimits.L2Blocks - 1} blocks are free");
            }
        }
    }

    private void CheckRows(MapLayout layout, RetiredSpace retired)
    {
        var lengths = NewRunLengths();
        if (layout.Rows.Copy().TryPlace(lengths) is not null)
        {
            return;
        }

        NeedsReaders = true;
        var later = layout.Rows.Copy();
        foreach (var run in retired.Runs.Concat(GonePrefixes.Select(key => layout.Prefixes[key].Run)).Where(run => run.SlotCount > 0))
        {
            later.Free(run);
        }

        var free = later.FreeSlots;
        if (later.TryPlace(lengths) is null)
        {
            Refuse($"{lengths.Length} /24s need {lengths.Sum(l => (long)l)} slots in new places, and {free} of {AbiLimits.RowSlots} are free while the old ones are in use: withdraw a pool first");
        }
    }

    private void Refuse(FormattableString reason) => Refusal ??= reason.ToString(CultureInfo.InvariantCulture);
}
