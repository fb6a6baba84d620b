namespace SoftUnicast.Steering.Kernel;

/// <summary>Runs of slots and blocks that nothing leads to any more, but that a packet on its way may still read.</summary>
internal sealed class RetiredSpace
{
    public List<RowRun> Runs { get; } = [];

    public List<ushort> Blocks { get; } = [];

    /// <summary>Readers are gone: all of it is free.</summary>
    public void Reclaim(MapLayout layout)
    {
        Runs.ForEach(layout.Rows.Free);
        layout.FreeBlocks.UnionWith(Blocks);
        Runs.Clear();
        Blocks.Clear();
    }
}
