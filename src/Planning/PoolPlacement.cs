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
        placement.TakeEmptyAddresses();
        SharedPlacement.Run(table, weights: placement.weights, placement.lacks, placement.PlaceNext);
        placement.ShareOutEmptyAddresses();
    }

    private void TakeBack()
    {
        var left = TakeBack((row, datacenter) => row.IsEmpty || row.User == datacenter || Uses(row, datacenter));
        if (left > table.AvailableCells)
        {
            TakeBack((_, _) => true);
        }

        for (var s = 0; s < table.Lacks.Length; s++)
        {
            lacks[table.HomeOf[s]] += table.Lacks[s];
        }
    }

    private UInt128 TakeBack(Func<AddressRow, int, bool> mayShare)
    {
        UInt128 left = 0;
        for (var server = 0; server < table.Lacks.Length; server++)
        {
            foreach (var (row, cell) in table.MayTakeBack(server))
            {
                if (table.Lacks[server] > 0 && row.OwnerOf(cell) == AddressRow.Nobody && mayShare(row, table.HomeOf[server]))
                {
                    table.Place(row, cell, server);
                }
            }

            left += (UInt128)table.Lacks[server];
        }

        return left;
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
        foreach (var row in table.Rows.Where(r => r.User >= 0))
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

    /// <summary>Which empty address is for whom: whole ones by weight if there are enough, else some to be shared.</summary>
    private void ChooseAddresses()
    {
        var usable = table.Pool.UsableSlicesPerAddress;
        var wanted = Datacenters.Select(d => (lacks[d] + usable - 1) / usable).ToArray();
        if (table.IsTakenAsNeeded)
        {
            using var fresh = table.ListMore(wanted.Sum(w => (long)w)).GetEnumerator();
            foreach (var datacenter in Datacenters)
            {
                for (var i = 0; i < wanted[datacenter] && fresh.MoveNext(); i++)
                {
                    fresh.Current.Preferred = datacenter;
                }
            }

            return;
        }

        var empty = table.Rows.Where(r => r.IsEmpty).ToList();
        if (wanted.Sum(w => (long)w) <= empty.Count)
        {
            ShareOut(empty, wanted);
        }
        else
        {
            AddressSharing.Run(table, weights, lacks, empty);
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

    /// <summary>
    /// Quarantine may have made the chosen addresses too small: whoever still lacks slices takes an empty one meant for
    /// somebody else, the smallest that is enough, else the largest.
    /// </summary>
    private void TakeEmptyAddresses()
    {
        while (Lacking.FirstOrDefault(-1) is >= 0 and var datacenter)
        {
            var lack = lacks[datacenter];
            var row = table.Rows.Where(r => r.IsEmpty && r.Available > 0)
                .OrderBy(r => r.Available >= lack ? 0 : 1)
                .ThenBy(r => r.Available >= lack ? r.Available : -r.Available)
                .FirstOrDefault();
            if (row is null)
            {
                return;
            }

            row.Preferred = datacenter;
            FillRow(row, datacenter);
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
            ShareOut(table.Rows.Where(r => r.IsEmpty).ToList(), new int[table.DatacenterCount]);
        }
    }

    private void ShareOut(List<AddressRow> empty, int[] wanted)
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

        // Who has too many keeps those where late packets of former owners may still arrive, then the lowest.
        foreach (var row in empty.Where(r => r.Preferred >= 0).OrderBy(r => r.Available == table.Pool.UsableSlicesPerAddress ? 1 : 0).ThenBy(r => r.Address))
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
