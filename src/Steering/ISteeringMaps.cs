using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>
/// The memory that the packet path reads, as <c>bpf/abi.h</c> lays it out. The spans are the kernel's own pages: what is
/// stored through them is what the next packet sees. Every span stays valid, at one address, as long as the object lives.
/// </summary>
public interface ISteeringMaps
{
    /// <summary><c>su_l1</c>: <see cref="AbiLimits.L1Entries"/> block numbers.</summary>
    Span<ushort> L1 { get; }

    /// <summary><c>su_l2</c>: <see cref="AbiLimits.L2Entries"/> /24s.</summary>
    Span<SuPrefix> L2 { get; }

    /// <summary><c>su_rows</c>: <see cref="AbiLimits.RowSlots"/> slots.</summary>
    Span<ushort> Rows { get; }

    /// <summary><c>su_endpoints</c>: <see cref="AbiLimits.Endpoints"/> entries.</summary>
    Span<SuEndpoint> Endpoints { get; }

    /// <summary><c>su_interfaces</c>: <see cref="AbiLimits.Interfaces"/> entries.</summary>
    Span<SuInterface> Interfaces { get; }

    /// <summary><c>su_settings</c>, its one element.</summary>
    ref SuSettings Settings { get; }

    /// <summary>Reads <c>su_counters</c>, each the sum over all CPUs.</summary>
    /// <param name="byReason"><see cref="AbiLimits.Reasons"/> entries, or fewer: the first ones are read.</param>
    void ReadCounters(Span<SuCounter> byReason);

    /// <summary>Reads <c>su_endpoint_counters</c>, each the sum over all CPUs, from entry <paramref name="firstIndex"/> on.</summary>
    void ReadEndpointCounters(int firstIndex, Span<SuCounter> counters);

    /// <summary>Sets one entry of <c>su_endpoint_counters</c> to zero on every CPU. No packet counts into it meanwhile.</summary>
    void ClearEndpointCounter(int index);

    /// <summary>
    /// Returns when every packet that was being handled at the time of the call has left the program: what was
    /// unreachable before the call is then read by nobody and may be reused.
    /// </summary>
    void WaitForReaders();
}
