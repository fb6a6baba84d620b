using System.Collections.Immutable;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Attribution;

/// <summary>
/// Everything that the log says is in force, and no more: who steps the lives keeps holders and counts of sockets beside it
/// (<see cref="SliceState.AfterRestart"/>).
/// </summary>
/// <param name="Slices">By slice; those that there is nothing to remember of are not in it.</param>
public sealed record AttributionState(ImmutableSortedDictionary<AddressPorts, SliceState> Slices, Leases Leases)
{
    public static AttributionState Empty { get; } = new(ImmutableSortedDictionary<AddressPorts, SliceState>.Empty, Leases.None);

    public AttributionState Apply(AttributionEntry entry) => entry switch
    {
        AttributionEntry.SliceChanged(var slice, _) => this with
        {
            Slices = slice.IsForgotten ? Slices.Remove(slice.Slice) : Slices.SetItem(slice.Slice, slice.AfterRestart()),
        },
        AttributionEntry.LeaseTaken(var lease) => this with { Leases = Leases.With(lease) },
        AttributionEntry.LeaseLost(var lost) => this with { Leases = Leases.Without(lost) },
        _ => throw new ArgumentOutOfRangeException(nameof(entry), entry, null),
    };
}
