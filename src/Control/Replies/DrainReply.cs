using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>A slice that drains, or does no longer.</summary>
/// <param name="Use">exec, range, explicit, nat; none: nobody has it.</param>
/// <param name="State">free, owned, draining, quarantined.</param>
/// <param name="Sockets">Sockets left on it.</param>
/// <param name="QuarantinedUntil">No new owner before; null if it is not in quarantine.</param>
public sealed record DrainRow(AddressPorts Slice, string Pool, string Use, string State, int Sockets, DateTimeOffset? QuarantinedUntil);

/// <summary><c>drain</c> and <c>undrain</c>: what the slices named are now.</summary>
/// <param name="Undone">True for <c>undrain</c>.</param>
public sealed record DrainReply(bool Undone, ImmutableArray<DrainRow> Slices) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Drained;

    public int SocketsLeft => Slices.Sum(s => s.Sockets);

    public override IEnumerable<string> Lines() => new TextTable<DrainRow>(Slices)
        .Left("slice", s => s.Slice.ToString())
        .Left("pool", s => s.Pool)
        .Left("use", s => s.Use)
        .Left("state", s => s.State)
        .Right("sockets", s => Units.Count(s.Sockets))
        .Left("quarantined until", s => Units.Time(s.QuarantinedUntil))
        .Lines()
        .Append(Undone
            ? $"new flows may begin; {Units.Of(SocketsLeft, "socket")} there"
            : $"nothing new begins; {Units.Of(SocketsLeft, "socket")} left");
}
