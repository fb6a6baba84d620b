using System.Collections.Immutable;
using SoftUnicast.Egress.Nat;

namespace SoftUnicast.Linux.Net;

/// <summary>
/// A <see cref="NatPlan"/> in the kernel: written, compared with what was there right after writing, put back, taken away. One
/// thread at a time; the network namespace is that of the calling thread.
/// </summary>
public sealed class NatTable(Nftables nft) : INatTable
{
    private const int MostTries = 8;
    private NftGeneration? tables; // of the namespace of the first plan
    private NftTable? written;
    private uint? generation;

    /// <summary>What was written last; null before the first time and after <see cref="Remove"/>.</summary>
    public NatPlan? Plan { get; private set; }

    /// <summary>Cgroups of the plan that are not there below /sys/fs/cgroup: nft could not name them, and the rest was written.</summary>
    public ImmutableArray<string> GoneCgroups { get; private set; } = [];

    /// <summary>Puts the plan in the place of the one before, in one transaction. Flows that are translated already stay so.</summary>
    /// <exception cref="NftablesException">nft refuses it: the former table is untouched.</exception>
    public void Apply(NatPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var gone = plan.Cgroups.Where(c => !IsThere(c)).ToList();
        var script = (plan with { Cgroups = plan.Cgroups.RemoveRange(gone) }).Script(nft.CgroupMount ?? "");
        for (var tries = 0; tries < MostTries && !TryWrite(plan.Table, script); tries++)
        {
        }

        if (Plan is { } former && former.Table != plan.Table)
        {
            nft.Remove(former.Table);
            generation = null; // so that the next look is a whole one
        }

        GoneCgroups = [.. gone.Select(c => c.Path)];
        Plan = plan;
    }

    /// <summary>What somebody changed since, each in a text; empty: nothing. Changes nothing.</summary>
    public ImmutableArray<string> Differences()
    {
        if (Plan is not { } plan)
        {
            return [];
        }

        var now = nft.Read(plan.Table);
        return written is null
            ? now is null ? [] : [$"table {plan.Table} is there"]
            : written.Differences(now);
    }

    /// <summary>
    /// Writes the plan again if somebody changed the table. What was changed, as <see cref="Differences"/> says. As long as nobody
    /// changed anything in any table it costs one message.
    /// </summary>
    /// <exception cref="NftablesException">nft refuses it.</exception>
    public ImmutableArray<string> Repair()
    {
        var now = tables?.Read();
        if (now is null || now == generation)
        {
            return [];
        }

        generation = now;
        var differences = Differences();
        if (!differences.IsEmpty)
        {
            Apply(Plan!);
        }

        return differences;
    }

    /// <summary>Takes our table away. False if it was not there.</summary>
    public bool Remove(string table)
    {
        var removed = nft.Remove(table);
        if (Plan?.Table == table)
        {
            Plan = null;
            written = null;
            GoneCgroups = [];
        }

        return removed;
    }

    public void Dispose() => tables?.Dispose();

    /// <returns>False: somebody changed a table meanwhile, and so what was read may not be what was written.</returns>
    private bool TryWrite(string table, string script)
    {
        tables ??= new NftGeneration();
        var before = tables.Read();
        nft.Apply(script);
        generation = tables.Read();
        written = nft.Read(table);
        return generation == unchecked(before + 1) && tables.Read() == generation;
    }

    private bool IsThere(NatCgroup cgroup) => nft is { CgroupMountPoint: { } mount, CgroupMount: not null } && Directory.Exists(Path.Combine(mount, cgroup.Path));
}
