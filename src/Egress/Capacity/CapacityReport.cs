using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Capacity;

/// <summary>How near the end something is.</summary>
public enum CapacityLevel
{
    None = 0,

    /// <summary>75 % or more.</summary>
    Notice = 75,

    /// <summary>85 % or more: NAT begins to lose connections here and there.</summary>
    Warning = 85,

    /// <summary>95 % or more.</summary>
    Alarm = 95,
}

/// <summary>Ports taken for one destination.</summary>
/// <param name="Used">Ports taken, those of sockets without a peer included.</param>
/// <param name="Ports">Ports there are.</param>
public sealed record DestinationUse(Destination Destination, int Used, int Ports)
{
    public double Percent => 100.0 * Used / Ports;
}

/// <summary>One address of this server's, towards one destination.</summary>
public sealed record AddressUse(IpAddress Address, DestinationUse Use);

/// <summary>One slice. It is as full as its fullest destination, for ports are shared between destinations.</summary>
/// <param name="Sockets">All sockets, whatever their destination: may be more than there are ports.</param>
/// <param name="Fullest">Null: nothing is open.</param>
public sealed record SliceCapacity(AddressPorts Slice, string Pool, int Sockets, DestinationUse? Fullest)
{
    public double Percent => Fullest?.Percent ?? 0;

    public CapacityLevel Level => CapacityReport.LevelOf(Percent);
}

/// <summary>All slices that this server has of a pool. It is as full as the destination that has fewest ports left in it.</summary>
/// <param name="Slices">How many.</param>
/// <param name="Ports">The ports of all of them together.</param>
public sealed record PoolCapacity(string Pool, int Slices, int Ports, int Sockets, DestinationUse? Fullest)
{
    public double Percent => Fullest?.Percent ?? 0;

    public CapacityLevel Level => CapacityReport.LevelOf(Percent);
}

/// <summary>How full everything is.</summary>
/// <param name="Addresses">Ascending by address, fullest destination first.</param>
/// <param name="Slices">Ascending.</param>
/// <param name="Pools">Ascending by name.</param>
public sealed record CapacityReport(
    ImmutableArray<AddressUse> Addresses,
    ImmutableArray<SliceCapacity> Slices,
    ImmutableArray<PoolCapacity> Pools)
{
    public static CapacityLevel LevelOf(double percent) => percent switch
    {
        >= (int)CapacityLevel.Alarm => CapacityLevel.Alarm,
        >= (int)CapacityLevel.Warning => CapacityLevel.Warning,
        >= (int)CapacityLevel.Notice => CapacityLevel.Notice,
        _ => CapacityLevel.None,
    };
}
