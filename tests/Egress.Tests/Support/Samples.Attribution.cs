using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Egress.Tests.Support;

internal static partial class Samples
{
    public static AttributionEntry Now(SliceState state, string? name = null) =>
        new AttributionEntry.SliceChanged(state, name ?? SliceRecords.Of(state.Phase));

    public static AttributionEntry Taken(Lease lease) => new AttributionEntry.LeaseTaken(lease);

    public static AttributionEntry Lost(Lease lease, LeaseEnd how = LeaseEnd.Released) =>
        new AttributionEntry.LeaseLost(new LostLease(lease, lease.Slices, how));
}
