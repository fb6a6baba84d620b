using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Capacity;

/// <summary>Counts how full slices, addresses and pools are.</summary>
public static class CapacityCount
{
    /// <param name="slices">The slices of this server and their pools.</param>
    /// <param name="counts">What was counted; what is in none of the slices is left out.</param>
    public static CapacityReport Of(IEnumerable<(AddressPorts Slice, string Pool)> slices, IEnumerable<SocketCount> counts)
    {
        var perSlice = counts.ToLookup(c => c.Slice);
        var all = slices.Distinct().OrderBy(s => s.Slice)
            .Select(s => (s.Slice, s.Pool, Counts: Sum(perSlice[s.Slice])))
            .ToList();

        return new CapacityReport(
            [.. all.GroupBy(s => s.Slice.Address).SelectMany(g => Uses([.. g.Select(s => (s.Slice, s.Counts))]).Select(u => new AddressUse(g.Key, u)))],
            [.. all.Select(s => new SliceCapacity(s.Slice, s.Pool, s.Counts.Values.Sum(), Uses([(s.Slice, s.Counts)]).FirstOrDefault()))],
            [.. all.GroupBy(s => s.Pool).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new PoolCapacity(
                g.Key,
                g.Count(),
                g.Sum(s => s.Slice.Ports.Count),
                g.Sum(s => s.Counts.Values.Sum()),
                Uses([.. g.Select(s => (s.Slice, s.Counts))]).FirstOrDefault()))]);
    }

    private static Dictionary<Destination, int> Sum(IEnumerable<SocketCount> counts) =>
        counts.GroupBy(c => c.Destination).ToDictionary(g => g.Key, g => g.Sum(c => c.Ports));

    /// <summary>Of some slices together, the fullest destination first. A socket without a peer takes its port for all of its protocol.</summary>
    private static List<DestinationUse> Uses(List<(AddressPorts Slice, Dictionary<Destination, int> Counts)> slices)
    {
        var ports = slices.Sum(s => s.Slice.Ports.Count);
        var anywhere = slices.SelectMany(s => s.Counts).Where(c => c.Key.IsAnywhere)
            .GroupBy(c => c.Key.Protocol).ToDictionary(g => g.Key, g => g.Sum(c => c.Value));
        return [.. slices.SelectMany(s => s.Counts)
            .GroupBy(c => c.Key)
            .Select(g => new DestinationUse(
                g.Key,
                Math.Min(ports, g.Sum(c => c.Value) + (g.Key.IsAnywhere ? 0 : anywhere.GetValueOrDefault(g.Key.Protocol))),
                ports))
            .OrderByDescending(u => u.Used).ThenBy(u => u.Destination)];
    }
}
