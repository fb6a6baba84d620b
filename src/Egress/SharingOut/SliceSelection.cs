using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.SharingOut;

/// <summary>Which pools somebody asks for: one by name, or all that carry some tags.</summary>
/// <param name="Pool">A pool's name, or null.</param>
/// <param name="Tags">All of them must match; empty with a name.</param>
public sealed record SliceSelection(string? Pool, ImmutableSortedDictionary<string, string> Tags)
{
    public static SliceSelection ByPool(string name) => new(name, ImmutableSortedDictionary<string, string>.Empty);

    public static SliceSelection ByTags(IEnumerable<KeyValuePair<string, string>> tags) =>
        new(null, ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, tags));

    public override string ToString() => Pool ?? string.Join(" and ", Tags.Select(t => $"{t.Key}={t.Value}"));
}

/// <summary>A slice that this server has, or had a moment ago.</summary>
/// <param name="State">Its life.</param>
/// <param name="PercentUsed">How full its fullest destination is, 0 to 100.</param>
public sealed record SliceOnHand(Life.SliceState State, double PercentUsed);

/// <summary>All that decides what somebody gets.</summary>
/// <param name="Pools">Every pool of the fleet.</param>
/// <param name="Slices">The slices of this server.</param>
/// <param name="Refusal">Why nothing is handed out at all (the guard is not attached, a kernel setting is wrong), or null.</param>
public sealed record SlicesOnHand(ImmutableArray<EgressPool> Pools, ImmutableArray<SliceOnHand> Slices, string? Refusal);

/// <summary>What somebody gets.</summary>
/// <param name="Slices">In the order of use: an address's slices stand together. Empty with an error.</param>
/// <param name="Pools">The pools that they belong to, ascending.</param>
/// <param name="Taken">The one of <paramref name="Slices"/> that begins to serve the use with this, or null.</param>
/// <param name="Error">Why there is nothing, or null.</param>
public sealed record SharedOut(
    ImmutableArray<AddressPorts> Slices,
    ImmutableArray<string> Pools,
    AddressPorts? Taken,
    SharingError? Error);

/// <summary>Why somebody gets nothing.</summary>
/// <param name="Message">One sentence that says what there is instead.</param>
public sealed record SharingError(SharingErrorKind Kind, string Message);

public enum SharingErrorKind
{
    UnknownPool = 0,

    UnknownTag = 1,

    /// <summary>The tag exists, no pool has that value of it, or no pool has all that was asked for.</summary>
    NoPoolWithTags = 2,

    NoSliceHere = 3,

    /// <summary>All of them are drained or in quarantine.</summary>
    NoneOpen = 4,

    /// <summary>All open ones serve another use.</summary>
    NoneForUse = 5,

    /// <summary>Nothing is handed out on this server at present.</summary>
    Refused = 6,
}
