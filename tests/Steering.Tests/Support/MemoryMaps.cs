using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>The maps in plain memory. Counts grace periods and cleared counters.</summary>
internal sealed class MemoryMaps : ISteeringMaps
{
    private readonly ushort[] l1 = new ushort[AbiLimits.L1Entries];
    private readonly SuPrefix[] l2 = new SuPrefix[AbiLimits.L2Entries];
    private readonly ushort[] rows = new ushort[AbiLimits.RowSlots];
    private readonly SuEndpoint[] endpoints = new SuEndpoint[AbiLimits.Endpoints];
    private readonly SuInterface[] interfaces = new SuInterface[AbiLimits.Interfaces];
    private readonly SuSettings[] settings = new SuSettings[1];

    public Span<ushort> L1 => l1;

    public Span<SuPrefix> L2 => l2;

    public Span<ushort> Rows => rows;

    public Span<SuEndpoint> Endpoints => endpoints;

    public Span<SuInterface> Interfaces => interfaces;

    public ref SuSettings Settings => ref settings[0];

    public int Waits { get; private set; }

    public List<int> ClearedCounters { get; } = [];

    public Action? OnWait { get; set; }

    public void ReadCounters(Span<SuCounter> byReason) => byReason.Clear();

    public void ReadEndpointCounters(int firstIndex, Span<SuCounter> counters) => counters.Clear();

    public Action<int>? OnClear { get; set; }

    public void ClearEndpointCounter(int index)
    {
        ClearedCounters.Add(index);
        OnClear?.Invoke(index);
    }

    public void WaitForReaders()
    {
        Waits++;
        OnWait?.Invoke();
    }
}
