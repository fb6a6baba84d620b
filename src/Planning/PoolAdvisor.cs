using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>Finds what would let a pool serve everyone. Every piece of advice is tried before it is given.</summary>
internal static class PoolAdvisor
{
    public static PlanError Explain(PoolTable table, DateTimeOffset now)
    {
        var input = table.Input;
        var missing = table.Shortfall;
        var inQuarantine = table.Rows.Sum(r => Enumerable.Range(0, r.CellCount).LongCount(c => r.FormerOf(c) != AddressRow.Nobody && r.OwnerOf(c) == AddressRow.Nobody && !table.IsReserved(c)));
        var servers = input.Datacenters.Sum(d => d.Servers.Length);
        var perServer = input.Pool.SlicesPerServer == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({input.Pool.SlicesPerServer} each)");
        var message = string.Create(CultureInfo.InvariantCulture,
            $"pool {input.Pool.Name} cannot serve everyone: its {servers} servers need {input.SlicesWanted} slices{perServer}, {CapacityOf(input.Pool)} are usable")
            + (inQuarantine == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" less {inQuarantine} in quarantine"))
            + string.Create(CultureInfo.InvariantCulture, $"; {missing} missing");

        var newcomers = Newcomers(input);
        ImmutableArray<PlanAdvice> advice =
        [
            .. Wait(input, now),
            .. AddLater(input, newcomers, now),
            .. Empty(input, newcomers, now),
            .. Addresses(table, missing, now),
            .. SliceSizes(input, newcomers, now),
            .. PerServer(input, now),
        ];
        return new PlanError(input.Pool.Name, input.SlicesWanted, missing, inQuarantine, message, advice);
    }

    private static UInt128 CapacityOf(EgressPool pool) =>
        (UInt128.Min(pool.LastAddress.Value - pool.FirstAddress.Value, ulong.MaxValue) + 1) * (UInt128)pool.UsableSlicesPerAddress;

    private static bool FitsWhenAllIsFree(PoolInput input) => (UInt128)input.SlicesWanted <= CapacityOf(input.Pool);

    private static bool Suffices(PoolInput input, DateTimeOffset now) => PoolTable.Build(input, now).Shortfall == 0;

    private static ImmutableArray<string> Newcomers(PoolInput input)
    {
        var known = input.Slices.Select(s => s.Server).ToHashSet(StringComparer.Ordinal);
        return [.. input.Datacenters.SelectMany(d => d.Servers).Where(s => !known.Contains(s))];
    }

    private static PoolInput Without(PoolInput input, ImmutableArray<string> servers)
    {
        var gone = servers.ToHashSet(StringComparer.Ordinal);
        return input with
        {
            Datacenters = [.. input.Datacenters
                .Select(d => d with { Servers = [.. d.Servers.Where(s => !gone.Contains(s))] })
                .Where(d => !d.Servers.IsEmpty)],
        };
    }

    private static IEnumerable<PlanAdvice> Wait(PoolInput input, DateTimeOffset now) => input.Quarantined
        .Select(q => q.Until)
        .Where(until => until > now)
        .Distinct()
        .Order()
        .Where(until => Suffices(input, until))
        .Take(1)
        .Select(until => new WaitUntil(until));

    private static IEnumerable<PlanAdvice> AddLater(PoolInput input, ImmutableArray<string> newcomers, DateTimeOffset now)
    {
        if (!newcomers.IsEmpty && !WaitingSuffices(input) && FitsWhenAllIsFree(input) && Suffices(Without(input, newcomers), now))
        {
            yield return new AddServersLater(newcomers);
        }
    }

    private static IEnumerable<PlanAdvice> Empty(PoolInput input, ImmutableArray<string> newcomers, DateTimeOffset now)
    {
        if (!WaitingSuffices(input) && FitsWhenAllIsFree(input) && !Suffices(Without(input, newcomers), now))
        {
            yield return new EmptyFirst(input.Pool.Name);
        }
    }

    private static bool WaitingSuffices(PoolInput input) => Suffices(input, DateTimeOffset.MaxValue);

    private static IEnumerable<PlanAdvice> Addresses(PoolTable table, long missing, DateTimeOffset now)
    {
        var pool = table.Pool;
        if (pool.UsableSlicesPerAddress == 0)
        {
            return [];
        }

        // More than this only if addresses that the pool had before are in quarantine still.
        var fewest = (missing + pool.UsableSlicesPerAddress - 1) / pool.UsableSlicesPerAddress;
        var up = pool.Prefix.Last.Value - pool.LastAddress.Value;
        var down = pool.FirstAddress.Value - pool.Prefix.Network.Value;
        var most = (UInt128)fewest + (UInt128)table.Input.Quarantined.Concat(table.Input.Slices.Select(s => new QuarantinedSlice(s.Slice, s.Server, now))).Select(q => q.Slice.Address).Distinct().Count();
        for (var count = (UInt128)fewest; count <= most && count <= up + down; count++)
        {
            var last = pool.LastAddress.Add(UInt128.Min(count, up));
            var first = count <= up ? pool.FirstAddress : pool.Prefix.Network.Add(down - (count - up));
            if (Suffices(table.Input with { Pool = pool with { FirstAddress = first, LastAddress = last } }, now))
            {
                return [new MoreAddresses((long)count, (first, last))];
            }
        }

        return [new MoreAddresses(fewest, null)];
    }

    private static IEnumerable<PlanAdvice> SliceSizes(PoolInput input, ImmutableArray<string> newcomers, DateTimeOffset now)
    {
        SmallerSliceSize? inSteps = null;
        for (var shift = input.Pool.SliceSize.Shift - 1; 1 << shift >= SliceSize.MinPortCount; shift--)
        {
            var size = SliceSize.Create(1 << shift);
            var factor = input.Pool.SliceSize.PortCount / size.PortCount;
            ImmutableArray<int> reserved = [.. input.Pool.ReservedSlices.SelectMany(r => Enumerable.Range(r * factor, factor))];
            var changed = input with { Pool = input.Pool with { SliceSize = size, ReservedSlices = reserved } };
            if (Suffices(changed, now))
            {
                return [new SmallerSliceSize(size, reserved, [])];
            }

            // What the pool has to spare only after a quarantine is no reason for smaller slices.
            if (inSteps is null && !newcomers.IsEmpty && !FitsWhenAllIsFree(input) && FitsWhenAllIsFree(changed) && Suffices(Without(changed, newcomers), now))
            {
                inSteps = new SmallerSliceSize(size, reserved, newcomers);
            }
        }

        return inSteps is null ? [] : [inSteps];
    }

    private static IEnumerable<PlanAdvice> PerServer(PoolInput input, DateTimeOffset now)
    {
        for (var count = input.Pool.SlicesPerServer - 1; count > 0; count--)
        {
            if (Suffices(input with { Pool = input.Pool with { SlicesPerServer = count } }, now))
            {
                return [new FewerSlicesPerServer(count)];
            }
        }

        return [];
    }
}
