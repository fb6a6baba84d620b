using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>
/// A pool's addresses, cells, servers and what each still lacks. Built with every slice in place that may stay, and with
/// everything kept back that was released or is in quarantine.
/// </summary>
internal sealed class PoolTable
{
    /// <summary>A pool with more addresses than this is taken as needed instead of shared out whole: an IPv6 /48 cannot be listed.</summary>
    public const int MaxSharedOutAddresses = 65536;

    private readonly SortedDictionary<IpAddress, AddressRow> rows = [];
    private readonly bool[] reserved;
    private readonly Dictionary<string, int> serverIds = new(StringComparer.Ordinal);
    private readonly List<(AddressRow Row, int Cell)>?[] takeBack;

    private PoolTable(PoolInput input)
    {
        Input = input;
        reserved = new bool[Pool.SliceSize.SlicesPerAddress];
        foreach (var index in Pool.ReservedSlices)
        {
            reserved[index] = true;
        }

        var names = new List<string>();
        var homes = new List<int>();
        for (var d = 0; d < input.Datacenters.Length; d++)
        {
            foreach (var name in input.Datacenters[d].Servers)
            {
                serverIds[name] = names.Count;
                names.Add(name);
                homes.Add(d);
            }
        }

        ServerNames = [.. names];
        HomeOf = [.. homes];
        Lacks = new int[names.Count];
        Array.Fill(Lacks, Pool.SlicesPerServer);
        takeBack = new List<(AddressRow, int)>?[names.Count];
        LastIndex = Pool.LastAddress.Value - Pool.FirstAddress.Value;
        if (!IsTakenAsNeeded)
        {
            for (UInt128 i = 0; i <= LastIndex; i++)
            {
                RowAt(Pool.FirstAddress.Add(i));
            }
        }
    }

    public PoolInput Input { get; }

    public EgressPool Pool => Input.Pool;

    /// <summary>Addresses that may be assigned, less one: the count itself can need 129 bits.</summary>
    public UInt128 LastIndex { get; }

    public bool IsTakenAsNeeded => LastIndex >= MaxSharedOutAddresses;

    /// <summary>Datacenter by datacenter, inside one in natural order.</summary>
    public string[] ServerNames { get; }

    /// <summary>The datacenter of each server.</summary>
    public int[] HomeOf { get; }

    /// <summary>How many slices each server still has to get.</summary>
    public int[] Lacks { get; }

    public int DatacenterCount => Input.Datacenters.Length;

    /// <summary>Ascending by address.</summary>
    public IEnumerable<AddressRow> Rows => rows.Values;

    /// <summary>The slices in force that lose their owner.</summary>
    public List<OwnedSlice> Released { get; } = [];

    /// <summary>The quarantined slices in force whose time is not over.</summary>
    public List<QuarantinedSlice> StillQuarantined { get; } = [];

    public bool IsReserved(int cell) => reserved[cell];

    /// <summary>True if any server may have the cell now.</summary>
    public bool IsFree(AddressRow row, int cell) =>
        !reserved[cell] && row.OwnerOf(cell) == AddressRow.Nobody && row.FormerOf(cell) == AddressRow.Nobody;

    /// <summary>How many slices are missing for everyone to have enough; 0 if there are enough. Exact: blocks may be cut anywhere between slices.</summary>
    public long Shortfall
    {
        get
        {
            long wanted = 0;
            for (var s = 0; s < Lacks.Length; s++)
            {
                wanted += Math.Max(0, Lacks[s] - (takeBack[s]?.Count ?? 0));
            }

            return wanted == 0 ? 0 : (long)UInt128.Max(0, (UInt128)wanted - UInt128.Min((UInt128)wanted, AvailableCells));
        }
    }

    /// <summary>Cells that any server may have.</summary>
    public UInt128 AvailableCells
    {
        get
        {
            UInt128 known = 0;
            foreach (var row in rows.Values)
            {
                known += (UInt128)row.Available;
            }

            // Counted in slices this stays below 2^128 only if capped; no fleet wants 2^64 slices.
            return known + (UInt128.Min(UnlistedAddresses, ulong.MaxValue) * (UInt128)Pool.UsableSlicesPerAddress);
        }
    }

    private UInt128 UnlistedAddresses => LastIndex == UInt128.MaxValue ? LastIndex : LastIndex + 1 - (UInt128)rows.Count;

    public static PoolTable Build(PoolInput input, DateTimeOffset now)
    {
        var table = new PoolTable(input);
        table.NoteBlocks();
        table.KeepValidSlices();
        foreach (var slice in table.Released)
        {
            table.KeepBack(slice.Slice, slice.Server);
        }

        foreach (var slice in input.Quarantined.Where(q => q.Until > now))
        {
            table.StillQuarantined.Add(slice);
            table.KeepBack(slice.Slice, slice.FormerServer);
        }

        table.ListWhatMayGoBack();
        return table;
    }

    /// <summary>Gives a cell to a server.</summary>
    public void Place(AddressRow row, int cell, int server)
    {
        row.Place(cell, server, HomeOf[server]);
        Lacks[server]--;
    }

    /// <summary>The cells that only this server may have, for they were its own; ascending.</summary>
    public IReadOnlyList<(AddressRow Row, int Cell)> MayTakeBack(int server) => takeBack[server] ?? [];

    /// <summary>Lists the lowest addresses not listed yet, at most <paramref name="count"/>.</summary>
    public List<AddressRow> ListMore(long count)
    {
        var listed = new List<AddressRow>();
        for (UInt128 i = 0; listed.Count < count && UnlistedAddresses > 0; i++)
        {
            var address = Pool.FirstAddress.Add(i);
            if (!rows.ContainsKey(address))
            {
                listed.Add(RowAt(address));
            }

            if (i == LastIndex)
            {
                break;
            }
        }

        return listed;
    }

    private AddressRow RowAt(IpAddress address)
    {
        if (!rows.TryGetValue(address, out var row))
        {
            row = new AddressRow(address, Pool.SliceSize.SlicesPerAddress, Pool.UsableSlicesPerAddress);
            rows.Add(address, row);
        }

        return row;
    }

    private void NoteBlocks()
    {
        var ids = Input.Datacenters.Select((d, i) => (d.Name, i)).ToDictionary(p => p.Name, p => p.i, StringComparer.Ordinal);
        foreach (var onAddress in Input.Blocks.Where(b => Pool.MayAssign(b.Block.Address) && ids.ContainsKey(b.Datacenter)).GroupBy(b => b.Block.Address))
        {
            var row = RowAt(onAddress.Key);
            var ports = new SortedDictionary<int, int>();
            foreach (var block in onAddress)
            {
                var datacenter = ids[block.Datacenter];
                ports[datacenter] = ports.GetValueOrDefault(datacenter) + block.Block.Ports.Count;
                if (block.Block.Ports == PortRange.All)
                {
                    row.SetWholeTerritory(datacenter);
                }
                else
                {
                    // A slice whose first port lies in the block: right for a block cut to another slice size, too.
                    for (var cell = 0; cell < row.CellCount; cell++)
                    {
                        if (block.Block.Ports.Contains(Pool.SliceSize.PortsOf(cell).First))
                        {
                            row.SetTerritory(cell, datacenter);
                        }
                    }
                }
            }

            row.Preferred = ports.MaxBy(p => p.Value).Key;
        }
    }

    private void KeepValidSlices()
    {
        var valid = new SortedDictionary<int, List<(OwnedSlice Slice, AddressRow Row, int Cell)>>();
        var seen = new HashSet<AddressPorts>();
        foreach (var slice in Input.Slices)
        {
            // A second owner of one slice is a fault of the file: the first stays, and the slice itself is not released.
            if (!Pool.MayAssign(slice.Slice) || !serverIds.TryGetValue(slice.Server, out var server) || !seen.Add(slice.Slice))
            {
                Released.Add(slice);
                continue;
            }

            var row = RowAt(slice.Slice.Address);
            row.Touch(HomeOf[server]);
            valid.TryAdd(server, []);
            valid[server].Add((slice, row, Pool.SliceSize.IndexOf(slice.Slice.Ports.First)));
        }

        // Too many: those on addresses that other datacenters use go first, so that addresses become whole again.
        var kept = valid.SelectMany(v => v.Value
            .OrderBy(s => s.Row.User == HomeOf[v.Key] ? 0 : 1)
            .ThenBy(s => s.Slice.Slice)
            .Select((s, i) => (s.Slice, s.Row, s.Cell, Server: v.Key, Stays: i < Pool.SlicesPerServer))).ToList();
        foreach (var row in rows.Values)
        {
            row.ForgetUsers();
        }

        foreach (var slice in kept)
        {
            if (slice.Stays)
            {
                Place(slice.Row, slice.Cell, slice.Server);
            }
            else
            {
                Released.Add(slice.Slice);
            }
        }

        Released.Sort((a, b) => a.Slice.CompareTo(b.Slice));
    }

    private void KeepBack(AddressPorts range, string formerServer)
    {
        if (!Pool.MayAssign(range.Address))
        {
            return;
        }

        var row = RowAt(range.Address);
        var former = serverIds.TryGetValue(formerServer, out var id) ? id : AddressRow.Several;
        for (var cell = Pool.SliceSize.IndexOf(range.Ports.First); cell <= Pool.SliceSize.IndexOf(range.Ports.Last); cell++)
        {
            if (row.OwnerOf(cell) == AddressRow.Nobody)
            {
                row.Block(cell, former, reserved[cell]);
            }
        }
    }

    private void ListWhatMayGoBack()
    {
        foreach (var row in rows.Values)
        {
            for (var cell = 0; cell < row.CellCount; cell++)
            {
                if (row.FormerOf(cell) is >= 0 and var server && !reserved[cell] && row.OwnerOf(cell) == AddressRow.Nobody)
                {
                    (takeBack[server] ??= []).Add((row, cell));
                }
            }
        }
    }
}
