namespace SoftUnicast.Control.Wire;

/// <summary>What one client may cost.</summary>
public sealed record ControlLimits
{
    /// <summary>Longest request line, without its line feed.</summary>
    public const int RequestBytes = 4096;

    /// <summary>Longest reply line that a client reads.</summary>
    public const int ReplyLineBytes = 256 * 1024;

    /// <summary>How long a client may be silent between requests.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a request line may take from its first byte to its line feed.</summary>
    public TimeSpan Request { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may leave what was sent to it unread.</summary>
    public TimeSpan Write { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many clients the listener serves at once.</summary>
    public int Clients { get; init; } = 64;
}
