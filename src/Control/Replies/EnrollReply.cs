using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>A slice that somebody was given.</summary>
public sealed record HeldSlice(AddressPorts Slice, string Pool)
{
    internal static IEnumerable<string> Lines(ImmutableArray<HeldSlice> slices) => new TextTable<HeldSlice>(slices)
        .Left("slice", s => s.Slice.ToString())
        .Left("pool", s => s.Pool)
        .Lines();
}

/// <summary><c>enroll</c>: from now on, processes of the cgroup connect from these slices.</summary>
/// <param name="Cgroup">Its id.</param>
/// <param name="Path">Its path as it was told, or null.</param>
/// <param name="DatagramsNated">
/// True if datagrams of sockets that are not connected leave from slices too, by NAT; false: they are refused with EADDRNOTAVAIL.
/// </param>
/// <param name="Because">Why they are not, or null.</param>
public sealed record EnrollReply(
    ulong Cgroup,
    string? Path,
    ImmutableArray<HeldSlice> Slices,
    bool DatagramsNated,
    string? Because) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Enrolled;

    public override IEnumerable<string> Lines() => HeldSlice.Lines(Slices)
        .Prepend($"cgroup {Cgroup}{(Path is null ? "" : $" {Path}")} has {Units.Of(Slices.Length, "slice")}")
        .Append($"datagrams of unconnected sockets: {(DatagramsNated ? "by NAT" : $"! not served{(Because is null ? "" : $", {Because}")}")}");
}

/// <summary><c>leave</c>: the cgroup's new connections use no slice any more.</summary>
/// <param name="Slices">What it had.</param>
public sealed record LeaveReply(ulong Cgroup, string? Path, ImmutableArray<HeldSlice> Slices) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Left;

    public override IEnumerable<string> Lines() => HeldSlice.Lines(Slices)
        .Prepend($"cgroup {Cgroup}{(Path is null ? "" : $" {Path}")} gave back {Units.Of(Slices.Length, "slice")}");
}
