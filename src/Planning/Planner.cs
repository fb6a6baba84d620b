using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>
/// Makes the next assignment from the fleet and the assignment in force, moving nothing that need not move. Deterministic:
/// the same input gives the same assignment, and a plan of its own result changes nothing.
/// </summary>
public static class Planner
{
    /// <param name="inForce">Read whole: also what names servers, datacenters and pools that the fleet has no more.</param>
    /// <param name="quarantine">How long a slice that loses its owner gets no other one; 120 s by default in the command line.</param>
    /// <exception cref="ArgumentOutOfRangeException">The quarantine is negative.</exception>
    public static PlanResult Plan(Fleet fleet, Assignment inForce, DateTimeOffset now, TimeSpan quarantine)
    {
        ArgumentNullException.ThrowIfNull(fleet);
        ArgumentNullException.ThrowIfNull(inForce);
        ArgumentOutOfRangeException.ThrowIfLessThan(quarantine, TimeSpan.Zero);

        var input = PlanInput.From(fleet, inForce);
        var tables = input.Pools.Select(p => PoolTable.Build(p, now)).ToList();
        var errors = tables.Where(t => t.Shortfall > 0).OrderBy(t => t.Pool.Name, StringComparer.Ordinal).Select(t => PoolAdvisor.Explain(t, now)).ToImmutableArray();
        if (!errors.IsEmpty)
        {
            return new PlanResult(null, null, errors);
        }

        var until = QuarantineEnd(now, quarantine);
        var pools = new SortedDictionary<string, PoolAssignment>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            PoolPlacement.Run(table);
            pools[table.Pool.Name] = Assigned(table, now, until, input.Strays.GetValueOrDefault(table.Pool.Name));
        }

        foreach (var stray in input.Strays.Values.Where(s => !pools.ContainsKey(s.Pool)))
        {
            pools[stray.Pool] = stray with { Blocks = [], Slices = [], Quarantined = QuarantineList.Of(stray.Slices, stray.Quarantined, [], now, until) };
        }

        var next = new Assignment(inForce.Generation + 1, [.. pools.Values.Where(IsWorthWriting)]);
        var result = SameOwners(inForce, next, now) ? inForce : next;
        return new PlanResult(result, PlanComparison.Compare(fleet, inForce, result, now), []);
    }

    private static PoolAssignment Assigned(PoolTable table, DateTimeOffset now, DateTimeOffset until, PoolAssignment? stray)
    {
        var slices = ImmutableArray.CreateBuilder<OwnedSlice>();
        foreach (var row in table.Rows)
        {
            for (var cell = 0; cell < row.CellCount; cell++)
            {
                if (row.OwnerOf(cell) is >= 0 and var server)
                {
                    slices.Add(new OwnedSlice(new AddressPorts(row.Address, table.Pool.SliceSize.PortsOf(cell)), table.ServerNames[server]));
                }
            }
        }

        var owned = slices.ToImmutable();
        return new PoolAssignment(
            table.Pool.Name,
            table.Pool.SliceSize,
            BlockLayout.Of(table),
            owned,
            QuarantineList.Of([.. table.Released, .. stray?.Slices ?? []], [.. table.StillQuarantined, .. stray?.Quarantined ?? []], owned, now, until));
    }

    /// <summary>Whole seconds, rounded up, in UTC: what the file can say.</summary>
    private static DateTimeOffset QuarantineEnd(DateTimeOffset now, TimeSpan quarantine)
    {
        var ticks = (now.UtcTicks + quarantine.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond;
        return new DateTimeOffset(ticks, TimeSpan.Zero);
    }

    private static bool IsWorthWriting(PoolAssignment pool) => pool.Blocks.Length + pool.Slices.Length + pool.Quarantined.Length > 0;

    /// <summary>True if they differ at most in quarantine that is over, which is no reason for a new generation.</summary>
    private static bool SameOwners(Assignment before, Assignment after, DateTimeOffset now)
    {
        var old = before.Pools.Select(p => p with { Quarantined = [.. p.Quarantined.Where(q => q.Until > now)] }).Where(IsWorthWriting).ToList();
        return old.Count == after.Pools.Length && old.Zip(after.Pools).All(p =>
            p.First.Pool == p.Second.Pool
            && p.First.SliceSize == p.Second.SliceSize
            && p.First.Blocks.SequenceEqual(p.Second.Blocks)
            && p.First.Slices.SequenceEqual(p.Second.Slices)
            && p.First.Quarantined.SequenceEqual(p.Second.Quarantined));
    }
}
