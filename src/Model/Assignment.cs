using System.Collections.Immutable;

namespace SoftUnicast.Model;

/// <summary>A slice and the server that owns it.</summary>
public readonly record struct OwnedSlice(AddressPorts Slice, string Server);

/// <summary>A whole address (ports 0-65535) or a part of one, and the datacenter that owns it.</summary>
public readonly record struct OwnedBlock(AddressPorts Block, string Datacenter);

/// <summary>A slice that lost its owner and may not have a new one before <see cref="Until"/>.</summary>
public readonly record struct QuarantinedSlice(AddressPorts Slice, string FormerServer, DateTimeOffset Until);

/// <summary>Who owns what in one pool. Every list is ascending by address and port and free of overlaps.</summary>
/// <param name="SliceSize">The slice size that it was made for; another one in the fleet file means that all of it moves.</param>
public sealed record PoolAssignment(
    string Pool,
    SliceSize SliceSize,
    ImmutableArray<OwnedBlock> Blocks,
    ImmutableArray<OwnedSlice> Slices,
    ImmutableArray<QuarantinedSlice> Quarantined);

/// <summary>Who owns what: the reviewed file that every server has.</summary>
/// <param name="Generation">Counts up by one with every plan that changes something.</param>
/// <param name="Pools">By pool name, ascending (ordinal).</param>
public sealed record Assignment(long Generation, ImmutableArray<PoolAssignment> Pools)
{
    public static Assignment Empty { get; } = new(0, []);

    public PoolAssignment? Pool(string name) => Pools.FirstOrDefault(p => p.Pool == name);
}
