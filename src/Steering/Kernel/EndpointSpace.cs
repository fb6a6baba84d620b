using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Kernel;

/// <summary>
/// Which entries of <c>su_endpoints</c> hold what. An entry is <b>live</b> while slots may point to it, <b>retired</b> when none
/// does but a packet on its way may still read it, and <b>free</b> after that.
/// </summary>
internal sealed class EndpointSpace
{
    private readonly Dictionary<SteeringEndpoint, ushort> live = [];
    private readonly Dictionary<SteeringEndpoint, ushort> retired = [];
    private readonly List<ushort> nameless = [];
    private readonly List<ushort> retiredNameless = [];
    private readonly PriorityQueue<ushort, ushort> free = new();

    public int FreeCount => free.Count;

    public int RetiredCount => retired.Count + retiredNameless.Count;

    /// <summary>Takes over what was found: entries that slots point to, and all others as free.</summary>
    public void Adopt(ReadOnlySpan<bool> inUse, ReadOnlySpan<SuEndpoint> entries)
    {
        for (var index = AbiLimits.FirstEndpoint; index < AbiLimits.Endpoints; index++)
        {
            if (!inUse[index])
            {
                free.Enqueue((ushort)index, (ushort)index);
            }
            else if (SteeringEndpoint.FromEntry(in entries[index]) is not { } endpoint || !live.TryAdd(endpoint, (ushort)index))
            {
                nameless.Add((ushort)index);
            }
        }
    }

    public bool TryFind(SteeringEndpoint endpoint, out ushort index) => live.TryGetValue(endpoint, out index);

    public bool IsRetired(SteeringEndpoint endpoint) => retired.ContainsKey(endpoint);

    /// <summary>Makes a retired entry live again, as it stands.</summary>
    public bool TryRevive(SteeringEndpoint endpoint)
    {
        if (!retired.Remove(endpoint, out var index))
        {
            return false;
        }

        live.Add(endpoint, index);
        return true;
    }

    /// <summary>Takes a free entry. The caller fills it before a slot points to it.</summary>
    public ushort Take(SteeringEndpoint endpoint)
    {
        var index = free.Dequeue();
        live.Add(endpoint, index);
        return index;
    }

    /// <summary>Retires all live entries but these, now that no slot points to them any more.</summary>
    /// <returns>How many.</returns>
    public int RetireAllBut(IReadOnlySet<SteeringEndpoint> wanted)
    {
        var count = 0;
        foreach (var (endpoint, index) in live.Where(l => !wanted.Contains(l.Key)).ToList())
        {
            live.Remove(endpoint);
            retired.Add(endpoint, index);
            count++;
        }

        // What was never a complete entry has no content to know it by: reclaim it with the rest.
        retiredNameless.AddRange(nameless);
        count += nameless.Count;
        nameless.Clear();
        return count;
    }

    /// <summary>Frees what is retired. Readers are gone.</summary>
    public void Reclaim()
    {
        foreach (var index in retired.Values.Concat(retiredNameless))
        {
            free.Enqueue(index, index);
        }

        retired.Clear();
        retiredNameless.Clear();
    }
}
