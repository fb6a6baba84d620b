namespace SoftUnicast.Planning;

/// <summary>
/// Gives every server what it lacks, in this order: its own quarantined slices, its datacenter's addresses, empty addresses,
/// and only then addresses that have to be shared. Nothing that is placed ever moves. docs/plan.md tells it for people.
/// </summary>
internal sealed class PoolPlacement
{
    private readonly PoolTable table;
    private readonly int[] weights;
    private readonly int[] lacks;
    private readonly int[][] serversOf;
    private readonly int[] nextServer;

    private PoolPlacement(PoolTable table)
    {
        this.table = table;
        weights = [.. table.Input.Datacenters.Select(d => d.Weight)];
        lacks = new int[table.DatacenterCount];
        serversOf = [.. table.HomeOf.Select((home, server) => (home, server)).GroupBy(p => p.home, p => p.server).OrderBy(g => g.Key).Select(g => g.ToArray())];
        nextServer = new int[table.DatacenterCount];
    }

    private IEnumerable<int> Datacenters => Enumerable.Range(0, table.DatacenterCount);

    /// <summary>Those that lack most first: the hardest to fit.</summary>
    private IEnumerable<int> Lacking => Datacenters.Where(d => lacks[d] > 0).OrderByDescending(d => lacks[d]).ThenByDescending(d => weights[d]).ThenBy(d => d);

    /// <summary>Places everything; <see cref="PoolTable.Shortfall"/> must be 0. Afterwards each row's preferred datacenter is its owner.</summary>
    public static void Run(PoolTable table)
    {
        var placement = new PoolPlacement(table);
        placement.TakeBack();
        placement.FillOwn();
        placement.ChooseAddresses();
        placement.FillChosen();
        SharedPlacement.Run(table, weights: placement.weights, placement.lacks, placement.PlaceNext);
        placement.ShareOutEmptyAddresses();
    }

    private void TakeBack()
    {
        // Where it splits no address; elsewhere only as much as is missing otherwise.
        TakeBack(long.MaxValue, (row, datacenter) => row.IsEmpty || Uses(row, datacenter));
        var missing = (Int128)table.Lacks.Sum(l => (long)l) - (Int128)UInt128.Min(table.AvailableCells, long.MaxValue);
        TakeBack((long)missing, (_, _) => true);

        for (var s = 0; s < table.Lacks.Length; s++)
        {
            lacks[table.HomeOf[s]] += table.Lacks[s];
        }
    }

    private void TakeBack(long limit, Func<AddressRow, int, bool> mayShare)
    {
        for (var server = 0; server < table.Lacks.Length; server++)
        {
            foreach (var (row, cell) in table.MayTakeBack(server))
            {
                if (limit > 0 && table.Lacks[server] > 0 && row.OwnerOf(cell) == AddressRow.Nobody && mayShare(row, table.HomeOf[server]))
                {
                    table.Place(row, cell, server);
                    limit--;
                }
            }
        }
    }

    private bool Uses(AddressRow row, int datacenter)
    {
        for (var cell = 0; row.IsShared && cell < row.CellCount; cell++)
        {
            if (row.OwnerOf(cell) is >= 0 and var server && table.HomeOf[server] == datacenter)
            {
                return true;
            }
        }

        return row.User == datacenter;
    }

    /// <summary>Free cells of addresses that the datacenter has to itself, then of its blocks on shared ones.</summary>
    private void FillOwn()
    {
        // The lowest first; but where addresses will have to be cut, the fullest first, so that one cut is enough for more.
        var own = table.Rows.Where(r => r.User >= 0);
        foreach (var row in MustCut() ? own.OrderBy(r => r.Available) : own)
        {
            FillRow(row, row.User);
        }

        foreach (var row in table.Rows.Where(r => r.IsShared && r.Available > 0))
        {
            for (var cell = 0; cell < row.CellCount; cell++)
            {
                if (row.TerritoryOf(cell) is >= 0 and var datacenter && lacks[datacenter] > 0 && table.IsFree(row, cell) && Uses(row, datacenter))
                {
                    PlaceNext(row, cell, datacenter);
                }
            }
        }
    }

    private bool MustCut()
    {
        var own = new long[table.DatacenterCount];
        foreach (var row in table.Rows.Where(r => r.User >= 0))
        {
            own[row.User] += row.Available;
        }

        var usable = table.Pool.UsableSlicesPerAddress;
        return !table.IsTakenAsNeeded
            && Datacenters.Sum(d => (Math.Max(0, lacks[d] - own[d]) + usable - 1) / usable) > table.Rows.Count(r => r.IsEmpty);
    }

    /// <summary>Which empty address is for whom: whole ones by weight if there are enough, else some to be shared.</summary>
    private void ChooseAddresses()
    {
        var usable = table.Pool.UsableSlicesPerAddress;
        var wanted = Datacenters.Select(d => (lacks[d] + usable - 1) / usable).ToArray();
        if (table.IsTakenAsNeeded)
        {
            // Those that it had and that are empty count first; the rest has never been anyone's.
            var had = table.Rows.Where(r => r.IsEmpty && r.Preferred >= 0).GroupBy(r => r.Preferred).ToDictionary(g => g.Key, g => g.Sum(r => (long)r.Available));
            foreach (var datacenter in Datacenters)
            {
                foreach (var row in table.ListMore((Math.Max(0, lacks[datacenter] - had.GetValueOrDefault(datacenter)) + usable - 1) / usable))
                {
                    row.Preferred = datacenter;
                }
            }

            return;
        }

        var empty = table.Rows.Where(r => r.IsEmpty).ToList();
        if (wanted.Sum(w => (long)w) > empty.Count || !GiveWhole(empty, wanted))
        {
            AddressSharing.Run(table, weights, lacks, empty);
        }
    }

    /// <summary>Whole addresses for everyone, by weight; false, and nothing chosen, if quarantine leaves too little on them.</summary>
    private bool GiveWhole(List<AddressRow> empty, int[] wanted)
    {
        var preferred = empty.Select(r => r.Preferred).ToArray();
        ShareOut(empty, wanted, []);
        if (IsEnough())
        {
            return true;
        }

        // By size then: each takes the smallest that is enough, or the largest; only what nobody needs follows the weights.
        Restore();
        var claimed = new HashSet<AddressRow>();
        var counts = new int[table.DatacenterCount];
        foreach (var datacenter in Lacking.ToArray())
        {
            for (var lack = lacks[datacenter]; lack > 0; counts[datacenter]++)
            {
                var row = empty.Where(r => r.Available > 0 && !claimed.Contains(r))
                    .OrderBy(r => r.Available >= lack ? 0 : 1)
                    .ThenBy(r => r.Available >= lack ? r.Available : -r.Available)
                    .ThenBy(r => r.Preferred == datacenter ? 0 : r.Preferred < 0 ? 1 : 2)
                    .FirstOrDefault();
                if (row is null)
                {
                    Restore();
                    return false;
                }

                claimed.Add(row);
                row.Preferred = datacenter;
                lack -= row.Available;
            }
        }

        ShareOut(empty, counts, claimed);
        return true;

        bool IsEnough() => Datacenters.All(d => lacks[d] == 0 || empty.Where(r => r.Preferred == d).Sum(r => (long)r.Available) >= lacks[d]);

        void Restore()
        {
            for (var i = 0; i < preferred.Length; i++)
            {
                empty[i].Preferred = preferred[i];
            }
        }
    }

    private void FillChosen()
    {
        foreach (var row in table.Rows.Where(r => r.IsEmpty && r.Available > 0).ToList())
        {
            if (row.Preferred >= 0)
            {
                FillRow(row, row.Preferred);
                continue;
            }

            for (var cell = 0; cell < row.CellCount; cell++)
            {
                if (row.TerritoryOf(cell) is >= 0 and var datacenter && lacks[datacenter] > 0 && table.IsFree(row, cell))
                {
                    PlaceNext(row, cell, datacenter);
                }
            }
        }
    }

    /// <summary>The addresses that stay empty, by weight: what is placed is a minimum now.</summary>
    private void ShareOutEmptyAddresses()
    {
        foreach (var row in table.Rows.Where(r => r.User >= 0))
        {
            row.Preferred = row.User;
        }

        if (!table.IsTakenAsNeeded)
        {
            ShareOut(table.Rows.Where(r => r.IsEmpty).ToList(), new int[table.DatacenterCount], []);
        }
    }

    private void ShareOut(List<AddressRow> empty, int[] wanted, HashSet<AddressRow> claimed)
    {
        if (table.DatacenterCount == 0)
        {
            return;
        }

        var used = new int[table.DatacenterCount];
        foreach (var row in table.Rows.Where(r => r.User >= 0))
        {
            used[row.User]++;
        }

        var minimum = Datacenters.Select(d => used[d] + wanted[d]).ToArray();
        var previous = Datacenters.Select(d => used[d] + empty.Count(r => r.Preferred == d)).ToArray();
        var shares = Apportionment.Share(weights, minimum, used.Sum() + empty.Count, previous);
        var left = Datacenters.Select(d => shares[d] - used[d]).ToArray();

        // Who has too many keeps what it claimed, then those where late packets of former owners may still arrive, then the lowest.
        foreach (var row in empty.Where(r => r.Preferred >= 0).OrderBy(r => claimed.Contains(r) ? 0 : r.Available < table.Pool.UsableSlicesPerAddress ? 1 : 2).ThenBy(r => r.Address))
        {
            if (left[row.Preferred]-- <= 0)
            {
                left[row.Preferred] = 0;
                row.Preferred = AddressRow.Nobody;
            }
        }

        var next = 0;
        foreach (var row in empty.Where(r => r.Preferred < 0))
        {
            while (left[next] == 0)
            {
                next++;
            }

            row.Preferred = next;
            left[next]--;
        }
    }

    private void FillRow(AddressRow row, int datacenter)
    {
        for (var cell = 0; cell < row.CellCount && lacks[datacenter] > 0; cell++)
        {
            if (table.IsFree(row, cell))
            {
                PlaceNext(row, cell, datacenter);
            }
        }
    }

    /// <summary>Gives the cell to the first server of the datacenter that lacks one.</summary>
    private void PlaceNext(AddressRow row, int cell, int datacenter)
    {
        var servers = serversOf[datacenter];
        ref var next = ref nextServer[datacenter];
        while (table.Lacks[servers[next]] == 0)
        {
            next++;
        }

        table.Place(row, cell, servers[next]);
        lacks[datacenter]--;
    }
}
