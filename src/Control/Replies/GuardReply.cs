using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>An interface that the guard should be on.</summary>
/// <param name="Attached">By the kernel's word.</param>
/// <param name="Problem">Why it is not, or null.</param>
public sealed record GuardPlace(string Interface, bool Attached, string? Problem);

/// <summary>One of the guard's counters.</summary>
/// <param name="Dropped">True if such packets are dropped.</param>
public sealed record GuardReason(string Reason, bool Dropped, ulong Packets, ulong Bytes, string Meaning);

/// <summary>A packet that was dropped; not every one is told.</summary>
/// <param name="Packet">One line: <c>udp 192.0.2.7:9 &gt; 203.0.113.9:53</c>.</param>
/// <param name="Culprit">The process or the rule that sent it, where that can be known.</param>
public sealed record GuardEvent(DateTimeOffset At, string Interface, string Reason, string Packet, string? Culprit);

/// <summary><c>show guard</c>.</summary>
/// <param name="Events">The last ones, newest first.</param>
public sealed record GuardReply(
    ImmutableArray<GuardPlace> Places,
    ImmutableArray<GuardReason> Reasons,
    ImmutableArray<GuardEvent> Events) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Guard;

    /// <summary>True if it is where it should be: else no slices are handed out.</summary>
    public bool Holds => Places.Length > 0 && Places.All(p => p.Attached);

    public override IEnumerable<string> Lines()
    {
        if (Places.Length == 0)
        {
            yield return "! the guard is on no interface";
        }

        foreach (var place in Places)
        {
            yield return place.Attached ? $"on {place.Interface}" : $"! not on {place.Interface}{(place.Problem is null ? "" : $": {place.Problem}")}";
        }

        var reasons = new TextTable<GuardReason>(Reasons)
            .Left("reason", r => r.Reason)
            .Left("verdict", r => r.Dropped ? "! drop" : "  pass")
            .Right("packets", r => Units.Count(r.Packets))
            .Right("bytes", r => Units.Bytes(r.Bytes))
            .Left("meaning", r => r.Meaning);
        var events = new TextTable<GuardEvent>(Events)
            .Left("dropped at", e => Units.Time(e.At))
            .Left("interface", e => e.Interface)
            .Left("reason", e => e.Reason)
            .Left("packet", e => e.Packet)
            .Left("sent by", e => e.Culprit)
            .Lines();
        foreach (var line in reasons.Lines().Concat(Events.Length == 0 ? [] : events.Prepend("")))
        {
            yield return line;
        }
    }
}
