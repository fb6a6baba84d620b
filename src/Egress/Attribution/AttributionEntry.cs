using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Egress.Attribution;

/// <summary>What somebody wants written down.</summary>
public abstract record AttributionEntry
{
    /// <summary>A slice changed: the effect of a step of its life.</summary>
    public sealed record SliceChanged(SliceState State, string Event) : AttributionEntry
    {
        public static SliceChanged From(SliceEffect.Write effect)
        {
            ArgumentNullException.ThrowIfNull(effect);
            return new(effect.State, effect.Event);
        }
    }

    /// <summary>A lease was taken, or has other slices than before.</summary>
    public sealed record LeaseTaken(Lease Lease) : AttributionEntry;

    /// <summary>A lease lost slices, or all of them.</summary>
    public sealed record LeaseLost(LostLease Lost) : AttributionEntry;
}
