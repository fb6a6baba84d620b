using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;

namespace SoftUnicast.Egress.Attribution;

/// <summary>Where a record stands.</summary>
/// <param name="File">The file's name, without its folder.</param>
/// <param name="Line">From 1.</param>
public sealed record RecordPlace(string File, int Line, long Seq)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line} (record {Seq})");
}

/// <summary>Who had an address and a port at a time.</summary>
public abstract record WhoAnswer
{
    private WhoAnswer()
    {
    }

    /// <summary>This server did.</summary>
    /// <param name="Slice">The slice and its phase, use and pool at that time.</param>
    /// <param name="Holders">Leases in force then, enrolled cgroups among them; none: nobody held it.</param>
    /// <param name="Record">The latest record that says so.</param>
    public sealed record Had(string Server, SliceState Slice, ImmutableArray<Lease> Holders, RecordPlace Record) : WhoAnswer;

    /// <summary>This server did not.</summary>
    /// <param name="Record">The latest record that says so.</param>
    public sealed record NotOurs(string Server, RecordPlace Record) : WhoAnswer;

    /// <summary>The log does not say.</summary>
    /// <param name="Reason">One sentence.</param>
    /// <param name="Record">The gap, or the record at fault; null if there is none of that time.</param>
    /// <param name="Slice">In a gap: the slice was this server's all through it, only its holders are unknown. Else null.</param>
    public sealed record Unknown(string Reason, RecordPlace? Record, SliceState? Slice = null) : WhoAnswer;
}

/// <summary>Something is wrong with the log.</summary>
/// <param name="Line">0: the file as a whole.</param>
public sealed record LogFault(string File, int Line, string What)
{
    public override string ToString() => Line == 0 ? $"{File}: {What}" : string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}: {What}");
}
