namespace SoftUnicast.Planning;

/// <summary>
/// Too few empty addresses for everyone to have whole ones: decides who gets whole ones and which are cut into blocks, so
/// that as few as possible are cut. Marks the rows; places nothing.
/// </summary>
internal static class AddressSharing
{
    public static void Run(PoolTable table, int[] weights, int[] lacks, List<AddressRow> empty)
    {
        var left = lacks.ToArray();
        var order = Enumerable.Range(0, left.Length).OrderByDescending(d => left[d]).ThenByDescending(d => weights[d]).ThenBy(d => d).ToArray();
        var free = empty.Where(r => r.Available > 0).ToList();

        // Whole addresses that are needed in full.
        foreach (var datacenter in order)
        {
            while (BestWhole(free, datacenter) is { } row && left[datacenter] >= row.Available)
            {
                Give(row, datacenter);
            }
        }

        // The rest of each is less than an address: the largest rests get whole ones, the others are packed into what remains.
        var rests = order.Where(d => left[d] > 0).OrderByDescending(d => left[d]).ThenByDescending(d => weights[d]).ThenBy(d => d).ToList();
        var whole = WholeCount(table, rests, left, free);
        foreach (var datacenter in rests.Take(whole))
        {
            Give(BestWhole(free, datacenter)!, datacenter);
        }

        Pack(table, weights, [.. rests.Skip(whole)], left, free);

        void Give(AddressRow row, int datacenter)
        {
            row.Preferred = datacenter;
            left[datacenter] = Math.Max(0, left[datacenter] - row.Available);
            free.Remove(row);
        }
    }

    /// <summary>The address that it had, else one that nobody had, else any; the one with most free slices, the lowest of them.</summary>
    private static AddressRow? BestWhole(List<AddressRow> free, int datacenter) => free
        .OrderByDescending(r => r.Available)
        .ThenBy(r => r.Preferred == datacenter ? 0 : r.Preferred < 0 ? 1 : 2)
        .ThenBy(r => r.Address)
        .FirstOrDefault();

    /// <summary>How many get whole ones: so that fewest addresses are cut, then fewest of those with slices on them, then most.</summary>
    private static int WholeCount(PoolTable table, List<int> rests, int[] left, List<AddressRow> free)
    {
        var shared = table.Rows.Where(r => r.IsShared).Sum(r => (long)r.Available);
        var used = table.Rows.Where(r => r.User >= 0 && r.Available > 0).Select(r => (r.Available, IsUsed: true)).ToList();
        var bySize = free.OrderByDescending(r => r.Available).Select(r => (r.Available, IsUsed: false)).ToList();
        return Enumerable.Range(0, Math.Min(rests.Count, free.Count) + 1)
            .MinBy(whole =>
            {
                var lacking = rests.Skip(whole).Sum(d => (long)left[d]) - shared;
                int cut = 0, cutUsed = 0;
                foreach (var (available, isUsed) in bySize.Skip(whole).Concat(used).OrderByDescending(r => r.Available).ThenBy(r => r.IsUsed))
                {
                    if (lacking <= 0)
                    {
                        break;
                    }

                    lacking -= available;
                    cut++;
                    cutUsed += isUsed ? 1 : 0;
                }

                return (lacking > 0, cut, cutUsed, -whole);
            });
    }

    /// <summary>Best fit, largest first; a rest that fits nowhere is spread; what does not fit at all is left for later.</summary>
    private static void Pack(PoolTable table, int[] weights, List<int> rests, int[] left, List<AddressRow> free)
    {
        var room = free.ToDictionary(r => r, r => r.Available);
        var pieces = free.ToDictionary(r => r, _ => new SortedDictionary<int, int>());
        foreach (var datacenter in rests)
        {
            while (left[datacenter] > 0)
            {
                var row = free.Where(r => room[r] > 0)
                    .OrderBy(r => room[r] >= left[datacenter] ? 0 : 1)
                    .ThenBy(r => room[r] >= left[datacenter] ? room[r] : -room[r])
                    .ThenBy(r => r.Address)
                    .FirstOrDefault();
                if (row is null)
                {
                    break;
                }

                var piece = Math.Min(room[row], left[datacenter]);
                pieces[row][datacenter] = pieces[row].GetValueOrDefault(datacenter) + piece;
                room[row] -= piece;
                left[datacenter] -= piece;
            }
        }

        foreach (var row in free)
        {
            CutIntoBlocks(table, row, weights, pieces[row]);
        }
    }

    /// <summary>One block a datacenter, by weight, but never smaller than its piece: room to grow without being cut again.</summary>
    private static void CutIntoBlocks(PoolTable table, AddressRow row, int[] weights, SortedDictionary<int, int> pieces)
    {
        if (pieces.Count == 0)
        {
            return;
        }

        int[] sharers = [.. pieces.Keys];
        var shares = Apportionment.Share([.. sharers.Select(d => weights[d])], [.. pieces.Values], row.Available, new int[sharers.Length]);
        row.Preferred = AddressRow.Nobody;
        var current = 0;
        for (var cell = 0; cell < row.CellCount; cell++)
        {
            if (table.IsFree(row, cell))
            {
                while (shares[current] == 0)
                {
                    current++;
                }

                shares[current]--;
            }

            row.SetTerritory(cell, sharers[current]);
        }
    }
}
