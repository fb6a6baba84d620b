namespace SoftUnicast.Egress.Life;

/// <summary>What happened to a slice.</summary>
public abstract record SliceEvent
{
    /// <summary>The assignment gives it to this server.</summary>
    /// <param name="Pool">The name that its pool has now; null: as before.</param>
    public sealed record Granted(string? Pool = null) : SliceEvent;

    /// <summary>The assignment does not give it to this server any more.</summary>
    public sealed record Withdrawn : SliceEvent;

    /// <summary>The operator wants it empty.</summary>
    public sealed record DrainAsked : SliceEvent;

    /// <summary>The operator wants it back in use.</summary>
    public sealed record DrainCancelled : SliceEvent;

    /// <summary>Sockets and NAT entries with a local port in the slice, by a count that began after the last step's effects.</summary>
    public sealed record SocketsCounted(int Count) : SliceEvent;

    /// <summary>It is handed out for a use: the first one, or its own.</summary>
    public sealed record Used(SliceUse Use) : SliceEvent;

    /// <summary>The last holder is gone.</summary>
    public sealed record ReleasedByAll : SliceEvent;

    /// <summary>Time went by.</summary>
    public sealed record Tick : SliceEvent;
}
