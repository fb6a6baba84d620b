using System.Collections.Immutable;
using SoftUnicast.Control.Replies;
using SoftUnicast.Egress.Capacity;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Egress;

/// <summary>What the last pass knew of slices and their holders, for the shows.</summary>
/// <param name="Refusal">Why nothing is handed out, or null.</param>
/// <param name="Changed">Kernel settings that were made.</param>
/// <param name="Dropped">What the guard dropped last, newest first.</param>
internal sealed record EgressView(
    string? Refusal,
    ImmutableSortedDictionary<AddressPorts, SliceState> Slices,
    Leases Leases,
    CapacityReport Capacity,
    ImmutableArray<GuardPlace> Guarded,
    ImmutableArray<ChangedSetting> Changed,
    ImmutableArray<GuardEvent> Dropped)
{
    public static EgressView Nothing(string because) => new(
        because, ImmutableSortedDictionary<AddressPorts, SliceState>.Empty, Leases.None, new CapacityReport([], [], []), [], [], []);

    public int CountIn(SlicePhase phase) => Slices.Values.Count(s => s.Phase == phase);
}
