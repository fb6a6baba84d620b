using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace SoftUnicast.Control.Replies;

/// <summary>One of the packet path's counters.</summary>
/// <param name="Number">The reason's number in the binary interface.</param>
/// <param name="Reason">Its name.</param>
/// <param name="Verdict">What such packets got: pass, steer, decapsulate, transit, answer, drop.</param>
/// <param name="Dropped">True if that is drop.</param>
/// <param name="Bytes">Of the frames as they arrived.</param>
/// <param name="Meaning">One line.</param>
public sealed record ReasonRow(int Number, string Reason, string Verdict, bool Dropped, ulong Packets, ulong Bytes, string Meaning);

/// <summary><c>show drops</c>: every reason, in the order of its number.</summary>
public sealed record DropsReply(ImmutableArray<ReasonRow> Reasons) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Drops;

    public ulong DroppedPackets => Reasons.Where(r => r.Dropped).Aggregate(0ul, (sum, r) => sum + r.Packets);

    public ulong DroppedBytes => Reasons.Where(r => r.Dropped).Aggregate(0ul, (sum, r) => sum + r.Bytes);

    public override IEnumerable<string> Lines() => new TextTable<ReasonRow>(Reasons)
        .Left("reason", r => r.Reason)
        .Left("verdict", r => r.Dropped ? $"! {r.Verdict}" : $"  {r.Verdict}")
        .Right("packets", r => Units.Count(r.Packets))
        .Right("bytes", r => Units.Bytes(r.Bytes))
        .Left("meaning", r => r.Meaning)
        .Lines()
        .Append($"dropped: {Units.Of((long)DroppedPackets, "packet")}, {Units.Bytes(DroppedBytes)}");
}
