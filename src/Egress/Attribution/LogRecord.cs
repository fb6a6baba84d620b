using System.Collections.Immutable;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Egress.Attribution;

/// <summary>What a record says, beside its place in the chain.</summary>
internal abstract record LogBody
{
    /// <summary>A slice or a lease changed.</summary>
    internal sealed record Entry(AttributionEntry What) : LogBody;

    /// <summary>Everything in force: the first record of every file.</summary>
    /// <param name="Former">The file that came before, or null.</param>
    internal sealed record Snapshot(AttributionState State, string? Former) : LogBody;

    /// <summary>Nobody wrote from <paramref name="From"/> until the record's time.</summary>
    /// <param name="Cut">What stood at the end of the file, cut short by a crash and never in force; null if nothing.</param>
    /// <param name="Broken">What is wrong with the chain before it, as it was found at the start; null if nothing.</param>
    internal sealed record Gap(DateTimeOffset From, string Reason, string? Cut, string? Broken) : LogBody;

    /// <summary>The wall clock was set: it said <paramref name="From"/> when it was set to the record's time.</summary>
    internal sealed record ClockSet(DateTimeOffset From) : LogBody;

    /// <summary>The daemon ended in order.</summary>
    internal sealed record Stopped : LogBody;

    /// <summary>The last record of a file.</summary>
    /// <param name="Next">The file that goes on.</param>
    internal sealed record Closed(string Next) : LogBody;

    /// <summary>A record of a kind that this version does not know.</summary>
    internal sealed record Other(string Event) : LogBody;
}

/// <summary>One line of the log.</summary>
/// <param name="Seq">Counts up by one over all files.</param>
/// <param name="Time">The wall clock, to the millisecond.</param>
/// <param name="Boot">The boot that it was written in, and how long that had lasted.</param>
/// <param name="Prev">SHA-256 of the former line's bytes, without its line feed.</param>
internal sealed record LogRecord(long Seq, DateTimeOffset Time, string Boot, TimeSpan SinceBoot, string Server, LogBody Body, string Prev);

internal static class LogWords
{
    public const string Snapshot = "snapshot";
    public const string Gap = "gap";
    public const string ClockSet = "clock-set";
    public const string Stopped = "stopped";
    public const string Closed = "closed";
    public const string Leased = "leased";

    public static readonly ImmutableDictionary<LeaseEnd, string> LeaseEnds = ImmutableDictionary.CreateRange<LeaseEnd, string>(
    [
        new(LeaseEnd.Released, "released"),
        new(LeaseEnd.Revoked, "revoked"),
        new(LeaseEnd.Ended, "ended"),
    ]);

    /// <summary>The hash that the first record of all carries.</summary>
    public static readonly string NoHash = new('0', 64);
}
