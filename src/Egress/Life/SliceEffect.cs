namespace SoftUnicast.Egress.Life;

/// <summary>
/// What the driver is to do, in this order. What stands behind a <see cref="Write"/> waits until the record is durable, and so
/// does the new state; only <see cref="Close"/> may be done without it, for opening less is always safe.
/// </summary>
public abstract record SliceEffect
{
    /// <summary>Put it down in the attribution log.</summary>
    /// <param name="Event">The record's event: a <see cref="SliceRecords"/> name.</param>
    public sealed record Write(SliceState State, string Event) : SliceEffect;

    /// <summary>It may be handed out now.</summary>
    public sealed record Open : SliceEffect;

    /// <summary>Take it out of every policy and NAT chain and revoke its leases; keep steering it here.</summary>
    public sealed record Close : SliceEffect;

    /// <summary>It is free: stop steering it here.</summary>
    public sealed record GiveUp : SliceEffect;
}

/// <summary>What a record about a slice calls its event.</summary>
public static class SliceRecords
{
    public const string Free = "free";
    public const string Owned = "owned";
    public const string Draining = "draining";
    public const string Quarantined = "quarantined";

    /// <summary>It serves a use now.</summary>
    public const string Used = "used";

    /// <summary>It serves none any more.</summary>
    public const string Unused = "unused";

    public const string Granted = "granted";
    public const string Withdrawn = "withdrawn";
    public const string DrainAsked = "drain-asked";
    public const string DrainCancelled = "drain-cancelled";

    public static string Of(SlicePhase phase) => phase switch
    {
        SlicePhase.Free => Free,
        SlicePhase.Owned => Owned,
        SlicePhase.Draining => Draining,
        SlicePhase.Quarantined => Quarantined,
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, null),
    };
}
