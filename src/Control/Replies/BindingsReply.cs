using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>A binding as the kernel has it.</summary>
/// <param name="Protocol">tcp, udp.</param>
/// <param name="Ports">A port, a range, or any.</param>
/// <param name="Origin">configuration, command.</param>
/// <param name="Sockets">Live ones that it leads to.</param>
/// <param name="Hits">Connections and packets that were handed to a socket, since it was bound.</param>
/// <param name="Misses">That found no live socket.</param>
/// <param name="Errors">Whose socket the kernel refused.</param>
public sealed record BindingRow(
    string Label, string Protocol, IpPrefix Prefix, string Ports, string Origin, int Sockets, ulong Hits, ulong Misses, ulong Errors);

/// <summary><c>show bindings</c>.</summary>
/// <param name="NotBound">What is meant to be bound and is not, in words.</param>
public sealed record BindingsReply(ImmutableArray<BindingRow> Bindings, ImmutableArray<string> NotBound) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Bindings;

    public override IEnumerable<string> Lines() => NotBound.Select(n => $"! not bound: {n}").Concat(Bindings.Length == 0
        ? ["nothing is bound"]
        : new TextTable<BindingRow>(Bindings)
            .Left("label", b => b.Label)
            .Left("protocol", b => b.Protocol)
            .Left("prefix", b => b.Prefix.ToString())
            .Left("ports", b => b.Ports)
            .Left("by", b => b.Origin)
            .Right("sockets", b => b.Sockets == 0 ? "! 0" : Units.Count(b.Sockets))
            .Right("hits", b => Units.Count(b.Hits))
            .Right("misses", b => Units.Count(b.Misses))
            .Right("errors", b => Units.Count(b.Errors))
            .Lines());
}

/// <summary><c>bind</c>, <c>unbind</c>.</summary>
/// <param name="Note">What the operator should know all the same; null: nothing.</param>
public sealed record BoundReply(string Binding, bool IsBound, string? Note) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Bound;

    public override IEnumerable<string> Lines()
    {
        yield return $"{(IsBound ? "bound" : "not bound any more")}: {Binding}";
        if (Note is not null)
        {
            yield return Note;
        }
    }
}
