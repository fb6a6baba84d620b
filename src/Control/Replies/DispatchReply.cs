using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>A prefix that bindings may lie in.</summary>
/// <param name="IsLocal">The kernel takes packets to it.</param>
/// <param name="IsAnnounced">To neighbours of the scope internet.</param>
/// <param name="Because">Why it is not announced; null: it is.</param>
public sealed record DispatchPrefixRow(string Pool, IpPrefix Prefix, bool IsLocal, bool IsAnnounced, string? Because);

/// <summary>A label that bindings or sockets or rules know.</summary>
/// <param name="Sockets">Live ones.</param>
/// <param name="Dead">Closed since this daemon started, and removed.</param>
/// <param name="Hits">Of all bindings that lead to it.</param>
/// <param name="MayRegister">Users and groups, as the configuration names them; empty: nobody.</param>
public sealed record LabelRow(string Label, int Bindings, int Sockets, long Dead, ulong Hits, ulong Misses, ulong Errors, ImmutableArray<string> MayRegister);

/// <summary>A registered socket, in one place.</summary>
/// <param name="Protocol">tcp, udp.</param>
/// <param name="Family">ipv4, ipv6.</param>
/// <param name="Cookie">The kernel's number of it (SO_COOKIE); <c>ss -e</c> shows it in hexadecimal after <c>sk:</c>.</param>
/// <param name="IsExact">It alone, and not the SO_REUSEPORT group that it is in.</param>
public sealed record SocketRow(string Label, string Protocol, string Family, int Slot, ulong Cookie, bool IsExact)
{
    internal static IEnumerable<string> Lines(ImmutableArray<SocketRow> sockets) => new TextTable<SocketRow>(sockets)
        .Left("label", s => s.Label)
        .Left("protocol", s => s.Protocol)
        .Left("family", s => s.Family)
        .Right("slot", s => Units.Count(s.Slot))
        .Right("cookie", s => Units.Count(s.Cookie))
        .Left("alone", s => s.IsExact ? "yes" : null)
        .Lines();
}

/// <summary><c>show dispatch</c>.</summary>
/// <param name="Folder">Where it is pinned.</param>
/// <param name="ProgramId">As bpftool shows it.</param>
/// <param name="Refused">Registrations that were refused since this daemon started.</param>
/// <param name="LastRefusal">Why, or null.</param>
public sealed record DispatchReply(
    string Folder,
    uint ProgramId,
    int Bindings,
    ImmutableArray<DispatchPrefixRow> Prefixes,
    ImmutableArray<LabelRow> Labels,
    ImmutableArray<SocketRow> Sockets,
    long Refused,
    string? LastRefusal) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Dispatch;

    public override IEnumerable<string> Lines()
    {
        yield return $"program {Units.Count(ProgramId)}, pinned in {Folder}; {Units.Of(Bindings, "binding")}";
        if (Refused > 0)
        {
            yield return $"{Units.Of(Refused, "registration")} refused, the last: {LastRefusal}";
        }

        var prefixes = new TextTable<DispatchPrefixRow>(Prefixes)
            .Left("pool", p => p.Pool)
            .Left("prefix", p => p.Prefix.ToString())
            .Left("local", p => p.IsLocal ? "yes" : "! no")
            .Left("announced", p => p.IsAnnounced ? "yes" : "no")
            .Left("because", p => p.Because);
        var labels = new TextTable<LabelRow>(Labels)
            .Left("label", l => l.Label)
            .Right("bindings", l => Units.Count(l.Bindings))
            .Right("sockets", l => l.Sockets == 0 && l.Bindings > 0 ? "! 0" : Units.Count(l.Sockets))
            .Right("died", l => Units.Count(l.Dead))
            .Right("hits", l => Units.Count(l.Hits))
            .Right("misses", l => Units.Count(l.Misses))
            .Right("errors", l => Units.Count(l.Errors))
            .Left("may register", l => l.MayRegister.IsEmpty ? "nobody" : string.Join(", ", l.MayRegister));
        foreach (var block in new[] { prefixes.Lines(), labels.Lines(), SocketRow.Lines(Sockets) })
        {
            foreach (var line in block.Select((l, i) => (l, i)).SelectMany(x => x.i == 0 ? ["", x.l] : new[] { x.l }))
            {
                yield return line;
            }
        }
    }
}

/// <summary><c>register</c>, <c>unregister</c>.</summary>
/// <param name="Sockets">The label's, as they are now.</param>
/// <param name="Notes">What whoever registered should know all the same.</param>
public sealed record RegisteredReply(string Label, int Changed, ImmutableArray<SocketRow> Sockets, ImmutableArray<string> Notes) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Registered;

    public override IEnumerable<string> Lines() =>
    [
        .. Sockets.IsEmpty ? [$"label {Label} has no socket"] : SocketRow.Lines(Sockets),
        .. Notes.Select(n => $"! {n}"),
    ];
}
