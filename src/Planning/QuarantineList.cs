using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>What may have no new owner yet: what was released now, and what was before and is not free yet.</summary>
internal static class QuarantineList
{
    /// <summary>Ascending and free of overlaps, also with the slices that are owned: a former owner may have part of its range back.</summary>
    public static ImmutableArray<QuarantinedSlice> Of(
        IEnumerable<OwnedSlice> released,
        IEnumerable<QuarantinedSlice> still,
        ImmutableArray<OwnedSlice> owned,
        DateTimeOffset now,
        DateTimeOffset until)
    {
        var entries = still.Where(q => q.Until > now).ToList();
        if (until > now)
        {
            entries.AddRange(released.Select(r => new QuarantinedSlice(r.Slice, r.Server, until)));
        }

        if (entries.Count == 0)
        {
            return [];
        }

        var addresses = entries.Select(e => e.Slice.Address).ToHashSet();
        var taken = owned.Where(o => addresses.Contains(o.Slice.Address))
            .GroupBy(o => o.Slice.Address, o => o.Slice.Ports)
            .ToDictionary(g => g.Key, g => g.ToList());

        var result = ImmutableArray.CreateBuilder<QuarantinedSlice>();

        // Only a file with overlaps has two entries for one port: the longer one counts.
        foreach (var entry in entries.OrderByDescending(e => e.Until).ThenBy(e => e.Slice).ThenBy(e => e.FormerServer, StringComparer.Ordinal))
        {
            if (!taken.TryGetValue(entry.Slice.Address, out var ports))
            {
                taken[entry.Slice.Address] = ports = [];
            }

            foreach (var rest in Subtract(entry.Slice.Ports, ports))
            {
                result.Add(entry with { Slice = new AddressPorts(entry.Slice.Address, rest) });
            }

            ports.Add(entry.Slice.Ports);
        }

        result.Sort((a, b) => a.Slice.CompareTo(b.Slice));
        return result.ToImmutable();
    }

    private static IEnumerable<PortRange> Subtract(PortRange range, List<PortRange> taken)
    {
        int first = range.First;
        foreach (var hole in taken.Where(t => t.Overlaps(range)).Order())
        {
            if (hole.First > first)
            {
                yield return new PortRange((ushort)first, (ushort)(hole.First - 1));
            }

            first = Math.Max(first, hole.Last + 1);
        }

        if (first <= range.Last)
        {
            yield return new PortRange((ushort)first, range.Last);
        }
    }
}
