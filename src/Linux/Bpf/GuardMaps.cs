using SoftUnicast.Egress.Abi;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Bpf;

/// <summary>What the guard tells: counters by reason, and some of the packets that it dropped.</summary>
public sealed class GuardMaps : IDisposable
{
    private readonly BpfMap counters;
    private readonly BpfMap events;
    private GuardEvents? reader;

    private GuardMaps(Func<string, BpfMap> open)
    {
        counters = open(GuardProgram.CountersMap);
        events = open(GuardProgram.EventsMap);
    }

    /// <summary>The counters by <see cref="GuardReason"/>, added up over the CPUs.</summary>
    /// <param name="byReason"><see cref="GuardReasons.Count"/> long, or shorter for the first ones.</param>
    public void ReadCounters(Span<SuCounter> byReason) => SteeringMaps.ReadSums(counters, 0, byReason);

    /// <summary>Packets of one reason.</summary>
    public ulong Count(GuardReason reason)
    {
        Span<SuCounter> byReason = stackalloc SuCounter[GuardReasons.Count];
        ReadCounters(byReason);
        return byReason[(int)reason].Packets;
    }

    /// <summary>
    /// Takes what was dropped since the last call: at most an event a CPU in 100 ms, oldest first. One process at a time
    /// may read: what one takes, another does not see.
    /// </summary>
    /// <param name="wait">How long to wait for the first; zero: not at all.</param>
    public IReadOnlyList<SuGuardEvent> ReadEvents(TimeSpan wait = default) => (reader ??= new GuardEvents(events)).Read(wait);

    public void Dispose()
    {
        reader?.Dispose();
        counters.Dispose();
        events.Dispose();
    }

    /// <summary>Pins the counters under another name, to remember something by.</summary>
    internal void PinCounters(string path) => counters.Pin(path);

    /// <summary>The maps of a loaded object.</summary>
    internal static GuardMaps Of(BpfObject loaded) => new(loaded.Map);
}
