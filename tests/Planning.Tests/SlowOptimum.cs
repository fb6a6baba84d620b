using SoftUnicast.Model;

namespace SoftUnicast.Planning.Tests;

/// <summary>
/// The best assignment of a small pool, by trying all of them: as many slices kept as possible, then as few addresses split
/// as possible. It knows the rules only: each server its number of slices, no slice to anyone but its owner or former owner.
/// </summary>
internal static class SlowOptimum
{
    public readonly record struct Best(int Kept, int Split);

    /// <summary>Null if nobody can serve everyone.</summary>
    public static Best? Find(Fleet fleet, EgressPool pool, Assignment inForce, DateTimeOffset now)
    {
        var servers = fleet.Servers.Values.Where(s => pool.Weights.ContainsKey(s.Datacenter)).OrderBy(s => s.Name, StringComparer.Ordinal).ToArray();
        var datacenters = servers.Select(s => s.Datacenter).Distinct().Order(StringComparer.Ordinal).ToList();
        var before = inForce.Pool(pool.Name);
        var cells = new List<AddressPorts>();
        for (var i = 0; i < pool.AddressCount; i++)
        {
            for (var index = 0; index < pool.SliceSize.SlicesPerAddress; index++)
            {
                var slice = new AddressPorts(pool.FirstAddress.Add((UInt128)i), pool.SliceSize.PortsOf(index));
                if (pool.MayAssign(slice))
                {
                    cells.Add(slice);
                }
            }
        }

        // The servers that may have each cell: all, or who has or had it. Taking a cell from its owner would release it, and
        // what a plan releases has no new owner in it.
        var held = cells.Select(c => (before?.Slices ?? []).Where(s => s.Slice.Overlaps(c)).Select(s => s.Server)
            .Concat((before?.Quarantined ?? []).Where(q => q.Until > now && q.Slice.Overlaps(c)).Select(q => q.FormerServer)).Distinct().ToList()).ToList();
        var own = cells.Select(c => (before?.Slices ?? []).Where(s => s.Slice == c).Select(s => s.Server).FirstOrDefault()).ToList();
        var may = held.Select(h => Enumerable.Range(0, servers.Length).Where(s => h.Count == 0 || h.TrueForAll(f => f == servers[s].Name)).ToArray()).ToList();
        var firstOfAddress = cells.Select((c, i) => i == 0 || cells[i - 1].Address != c.Address).ToList();

        // Between cells only what each server lacks, what is kept and which datacenters use this address so far matters.
        var memo = new Dictionary<(int Cell, long Lacks, int Users), Best?>();
        return Search(0, Enumerable.Repeat(pool.SlicesPerServer, servers.Length).ToArray(), 0);

        Best? Search(int cell, int[] lacks, int users)
        {
            if (cell < cells.Count && firstOfAddress[cell])
            {
                users = 0;
            }

            if (cell == cells.Count)
            {
                return lacks.All(l => l == 0) ? new Best(0, 0) : null;
            }

            var key = (cell, lacks.Aggregate(0L, (sum, lack) => (sum * 8) + lack), users);
            if (memo.TryGetValue(key, out var known))
            {
                return known;
            }

            var best = Search(cell + 1, lacks, users);
            foreach (var server in may[cell].Where(s => lacks[s] > 0))
            {
                var bit = 1 << datacenters.IndexOf(servers[server].Datacenter);
                var splits = users != 0 && (users & (users - 1)) == 0 && (users & bit) == 0 ? 1 : 0;
                lacks[server]--;
                var rest = Search(cell + 1, lacks, users | bit);
                lacks[server]++;
                if (rest is { } found)
                {
                    var candidate = new Best(found.Kept + (own[cell] == servers[server].Name ? 1 : 0), found.Split + splits);
                    if (best is not { } b || candidate.Kept > b.Kept || (candidate.Kept == b.Kept && candidate.Split < b.Split))
                    {
                        best = candidate;
                    }
                }
            }

            memo[key] = best;
            return best;
        }
    }
}
