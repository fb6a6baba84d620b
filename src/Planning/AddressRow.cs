using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>
/// One address while a pool is being planned, as cells (one a slice, reserved ones included). Servers and datacenters are
/// numbers, indices into the pool's tables.
/// </summary>
internal sealed class AddressRow(IpAddress address, int cellCount, int usableCells)
{
    public const int Nobody = -1;

    /// <summary>As a user: slices of several datacenters. As a former owner: several, so that no server may have it back.</summary>
    public const int Several = -2;

    // Made when first needed: most addresses of a large pool have nothing on them.
    private int[]? owners;
    private int[]? formers;
    private int[]? territory;
    private int wholeTerritory = Nobody;

    public IpAddress Address => address;

    public int CellCount => cellCount;

    /// <summary>The datacenter that all its slices belong to; <see cref="Nobody"/> if it has none, <see cref="Several"/> if it is shared.</summary>
    public int User { get; private set; } = Nobody;

    public bool IsEmpty => User == Nobody;

    public bool IsShared => User == Several;

    /// <summary>The datacenter that owned it, or most of it, or that is meant to: kept if nothing speaks against it.</summary>
    public int Preferred { get; set; } = Nobody;

    /// <summary>Cells that any server may have.</summary>
    public int Available { get; private set; } = usableCells;

    public int OwnerOf(int cell) => owners is null ? Nobody : owners[cell];

    public int FormerOf(int cell) => formers is null ? Nobody : formers[cell];

    /// <summary>The datacenter whose block the cell lies in so far; <see cref="Nobody"/> if in none.</summary>
    public int TerritoryOf(int cell) => territory is null ? wholeTerritory : territory[cell];

    public void SetTerritory(int cell, int datacenter) => (territory ??= Filled(wholeTerritory))[cell] = datacenter;

    public void SetWholeTerritory(int datacenter) => wholeTerritory = datacenter;

    /// <summary>Says whose slice lies here before the slices are placed, so that servers with too many give up the right ones.</summary>
    public void Touch(int datacenter) => User = User == Nobody || User == datacenter ? datacenter : Several;

    public void ForgetUsers() => User = Nobody;

    public void Place(int cell, int server, int datacenter)
    {
        if (FormerOf(cell) == Nobody)
        {
            Available--;
        }

        (owners ??= Filled())[cell] = server;
        Touch(datacenter);
    }

    /// <summary>Keeps the cell for its former owner; from two former owners it becomes nobody's.</summary>
    public void Block(int cell, int formerOwner, bool isReserved)
    {
        formers ??= Filled();
        if (formers[cell] == Nobody && !isReserved)
        {
            Available--;
        }

        formers[cell] = formers[cell] == Nobody || formers[cell] == formerOwner ? formerOwner : Several;
    }

    private int[] Filled(int value = Nobody)
    {
        var cells = new int[cellCount];
        Array.Fill(cells, value);
        return cells;
    }
}
