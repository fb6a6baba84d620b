using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>What a plan changes, pool by pool.</summary>
/// <param name="Pools">By name, ascending: the fleet's pools, changed or not, and those that it has no more.</param>
public sealed record PlanDiff(long FromGeneration, long ToGeneration, ImmutableArray<PoolDiff> Pools)
{
    /// <summary>True if nothing changes: the generation stays.</summary>
    public bool IsEmpty => FromGeneration == ToGeneration;
}

/// <summary>What changes in one pool.</summary>
/// <param name="Change">Whether the pool itself came or went.</param>
/// <param name="SliceSizeBefore">The slice size it had, if it was another one: then nothing stays where it was.</param>
/// <param name="KeptCount">Slices whose owner stays.</param>
/// <param name="Added">Slices of servers that did not lose one.</param>
/// <param name="Removed">Slices of servers that get none instead.</param>
/// <param name="Moved">Slices that a server gets instead of one that it loses.</param>
/// <param name="Blocks">Port ranges whose datacenter changes, as large as they come; ascending.</param>
/// <param name="Summary">The pool as planned; null if the fleet has it no more.</param>
public sealed record PoolDiff(
    string Pool,
    PoolChange Change,
    SliceSize? SliceSizeBefore,
    int KeptCount,
    ImmutableArray<OwnedSlice> Added,
    ImmutableArray<RemovedSlice> Removed,
    ImmutableArray<MovedSlice> Moved,
    ImmutableArray<BlockChange> Blocks,
    PoolSummary? Summary)
{
    public bool IsEmpty => Change == PoolChange.None && SliceSizeBefore is null && Added.IsEmpty && Removed.IsEmpty && Moved.IsEmpty && Blocks.IsEmpty;
}

public enum PoolChange
{
    None = 0,

    /// <summary>No pool of this name was in force.</summary>
    Added = 1,

    /// <summary>The fleet has no pool of this name.</summary>
    Removed = 2,
}

/// <summary>Why a slice lost its owner.</summary>
public enum ReleaseReason
{
    /// <summary>The fleet has no such server.</summary>
    ServerGone = 0,

    /// <summary>The pool does not serve the server's datacenter.</summary>
    DatacenterNotServed = 1,

    /// <summary>No pool may assign the address.</summary>
    AddressNotAssignable = 2,

    /// <summary>The pool has another slice size.</summary>
    SliceSizeChanged = 3,

    /// <summary>The pool reserves the slice.</summary>
    SliceReserved = 4,

    /// <summary>The server had more slices than the pool's slices-per-server.</summary>
    MoreThanItsNumber = 5,
}

/// <param name="QuarantinedUntil">When it may have another owner; null: at the next plan.</param>
public readonly record struct RemovedSlice(AddressPorts Slice, string Server, ReleaseReason Reason, DateTimeOffset? QuarantinedUntil);

/// <param name="QuarantinedUntil">When <paramref name="From"/> may have another owner; null: at the next plan.</param>
public readonly record struct MovedSlice(string Server, AddressPorts From, AddressPorts To, ReleaseReason Reason, DateTimeOffset? QuarantinedUntil);

/// <param name="From">The datacenter that owned it; null: none.</param>
/// <param name="To">The datacenter that owns it; null: none.</param>
public readonly record struct BlockChange(AddressPorts Block, string? From, string? To);

/// <summary>A pool as planned, in numbers.</summary>
/// <param name="AddressCount">Addresses that it may assign.</param>
/// <param name="SlicesUsable">Slices that it may assign, owned ones included.</param>
/// <param name="SlicesQuarantined">Port ranges in quarantine; they are not free for others.</param>
/// <param name="SplitAddressCount">Addresses that several datacenters share by port range.</param>
/// <param name="BackboneEntryCount">Routes that say who owns its addresses, one a block.</param>
/// <param name="Datacenters">By name, ascending: all that it serves.</param>
public sealed record PoolSummary(
    IpPrefix Prefix,
    SliceSize SliceSize,
    int ServerCount,
    UInt128 AddressCount,
    long SlicesOwned,
    UInt128 SlicesUsable,
    int SlicesQuarantined,
    int SplitAddressCount,
    int BackboneEntryCount,
    ImmutableArray<DatacenterSummary> Datacenters);

/// <param name="WholeAddressCount">Addresses that are its own.</param>
/// <param name="SharedAddressCount">Addresses that it has a part of.</param>
public readonly record struct DatacenterSummary(string Name, int Weight, int ServerCount, int WholeAddressCount, int SharedAddressCount, int SlicesOwned);
