using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Bpf;

/// <summary>The steering program's maps. The tables are the kernel's own pages, or a copy of them to look at.</summary>
public sealed class SteeringMaps : ISteeringMaps, IDisposable
{
    // struct su_tables, in its order; a test holds this to the program's BTF.
    internal const int RowsOffset = 0;
    internal const int EndpointsOffset = RowsOffset + (AbiLimits.RowSlots * sizeof(ushort));
    internal const int L2Offset = EndpointsOffset + (AbiLimits.Endpoints * 64);
    internal const int L1Offset = L2Offset + (AbiLimits.L2Entries * 8);
    internal const int InterfacesOffset = L1Offset + (AbiLimits.L1Entries * sizeof(ushort));
    internal const int SettingsOffset = InterfacesOffset + (AbiLimits.Interfaces * 8);
    private const int EndpointsAtOnce = 1024;

    private readonly MapTables tables;
    private readonly BpfMap counters;
    private readonly BpfMap endpointCounters;

    private SteeringMaps(Func<string, BpfMap> open, bool copied)
    {
        using var map = open(SteeringProgram.TablesMap);
        tables = new MapTables(map, copied);
        counters = open(SteeringProgram.CountersMap);
        endpointCounters = open(SteeringProgram.EndpointCountersMap);
    }

    public Span<ushort> L1 => Table<ushort>(L1Offset, AbiLimits.L1Entries);

    public Span<SuPrefix> L2 => Table<SuPrefix>(L2Offset, AbiLimits.L2Entries);

    public Span<ushort> Rows => Table<ushort>(RowsOffset, AbiLimits.RowSlots);

    public Span<SuEndpoint> Endpoints => Table<SuEndpoint>(EndpointsOffset, AbiLimits.Endpoints);

    public Span<SuInterface> Interfaces => Table<SuInterface>(InterfacesOffset, AbiLimits.Interfaces);

    public ref SuSettings Settings => ref Table<SuSettings>(SettingsOffset, 1)[0];

    public void ReadCounters(Span<SuCounter> byReason) => ReadSums(counters, 0, byReason);

    public void ReadEndpointCounters(int firstIndex, Span<SuCounter> counters)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(counters.Length, AbiLimits.Endpoints - firstIndex);
        for (var done = 0; done < counters.Length; done += EndpointsAtOnce)
        {
            ReadSums(endpointCounters, (uint)(firstIndex + done), counters[done..Math.Min(counters.Length, done + EndpointsAtOnce)]);
        }
    }

    public void ClearEndpointCounter(int index) =>
        endpointCounters.WritePerCpu<SuCounter>((uint)index, new SuCounter[BpfMap.PossibleCpus]);

    public void WaitForReaders() => Host.GracePeriod.Wait();

    public void Dispose()
    {
        tables.Dispose();
        counters.Dispose();
        endpointCounters.Dispose();
    }

    /// <summary>The maps of a loaded object.</summary>
    internal static SteeringMaps Of(BpfObject loaded) => new(loaded.Map, copied: false);

    /// <summary>The maps that are pinned in a folder, to look at only.</summary>
    internal static SteeringMaps Copy(PinFolder pins) => new(name => BpfMap.OpenPinned(pins.MapPath(name), readOnly: true), copied: true);

    private Span<T> Table<T>(int offset, int entries)
        where T : unmanaged => tables.Table<T>(offset, entries);

    /// <summary>Counters of a per-CPU array, added up over the CPUs.</summary>
    internal static void ReadSums(BpfMap map, uint firstIndex, Span<SuCounter> sums)
    {
        if (sums.IsEmpty)
        {
            return;
        }

        var cpus = BpfMap.PossibleCpus;
        var values = new SuCounter[sums.Length * cpus];
        map.ReadPerCpu<SuCounter>(firstIndex, values);
        for (var i = 0; i < sums.Length; i++)
        {
            SuCounter sum = default;
            foreach (ref readonly var value in values.AsSpan(i * cpus, cpus))
            {
                sum.Packets += value.Packets;
                sum.Bytes += value.Bytes;
            }

            sums[i] = sum;
        }
    }
}
