using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>What must hold between the parts of a fleet.</summary>
internal static class FleetRules
{
    public static void CheckDatacenterName(DiagnosticBag bag, Place place, string name, HashSet<string> known)
    {
        // Without any datacenter the file has another fault, which is reported; not each mention of one, too.
        if (known.Count > 0 && !known.Contains(name))
        {
            bag.Error(
                place,
                $"there is no datacenter '{Quoted.Short(name)}'",
                bag.Nearest.Hint(name, known) ?? (known.Count <= 12 ? $"known here: {string.Join(", ", known)}" : null));
        }
    }

    /// <summary>An endpoint names one datacenter or one server: the packet path tells peers apart by it.</summary>
    public static void CheckEndpoints(DiagnosticBag bag, List<(IpAddress Address, string Owner, Place Place)> endpoints)
    {
        var first = new Dictionary<IpAddress, (string Owner, int Line)>();
        foreach (var (address, owner, place) in endpoints)
        {
            if (!first.TryAdd(address, (owner, place.Line)))
            {
                bag.Error(place, FormattableString.Invariant($"endpoint {address} of {owner} is that of {first[address].Owner} in line {first[address].Line}"));
            }
        }
    }

    public static void CheckPools(DiagnosticBag bag, List<(IpPrefix Prefix, string Pool, Place Place)> prefixes)
    {
        (IpPrefix Prefix, string Pool, Place Place)? widest = null;
        foreach (var pool in prefixes.OrderBy(p => p.Prefix).ThenBy(p => p.Place.Line))
        {
            if (widest is { } other && other.Prefix.Overlaps(pool.Prefix))
            {
                // The later one in the file is the one to blame, whichever sorts first.
                var (late, early) = other.Place.Line > pool.Place.Line ? (other, pool) : (pool, other);
                bag.Error(late.Place, FormattableString.Invariant($"{late.Prefix} overlaps {early.Prefix} of pool '{early.Pool}' in line {early.Place.Line}"));
            }
            else
            {
                widest = pool;
            }
        }
    }

    /// <summary>A tunnel to an egress address would be steered itself, and so would what is announced beside it.</summary>
    public static void CheckEndpointsOutsidePools(
        DiagnosticBag bag,
        List<(IpAddress Address, string Owner, Place Place)> endpoints,
        List<(IpPrefix Prefix, string Pool, Place Place)> prefixes)
    {
        var sorted = prefixes.OrderBy(p => p.Prefix).ToArray();
        foreach (var (address, owner, place) in endpoints)
        {
            if (Holding(sorted, address) is { } pool)
            {
                bag.Error(
                    place,
                    $"endpoint {address} of {owner} lies in {pool.Prefix} of pool '{pool.Pool}'",
                    "endpoints and egress addresses never share a /24 (IPv6: /48): take an underlay address");
            }
        }
    }

    private static (IpPrefix Prefix, string Pool, Place Place)? Holding((IpPrefix Prefix, string Pool, Place Place)[] sorted, IpAddress address)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle].Prefix.Network <= address ? (middle + 1, high) : (low, middle);
        }

        // Overlaps are errors of their own, so the nearest network below is the only candidate that matters.
        return low > 0 && sorted[low - 1].Prefix.Contains(address) ? sorted[low - 1] : null;
    }
}
