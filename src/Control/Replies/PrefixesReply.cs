using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

public enum PrefixState
{
    /// <summary>gobgpd has it, to be announced on the Internet sessions.</summary>
    Announced = 0,

    /// <summary>Not announced, for the reason given.</summary>
    Held = 1,
}

/// <summary>An announced prefix (/24, IPv6 /48) and what the kernel's table holds of it.</summary>
/// <param name="Because">Why it is held; null if it is announced.</param>
/// <param name="InKernel">True if the packet path knows the prefix; else the counts are 0.</param>
/// <param name="SlicePortCount">Ports of a slice by the kernel's table; 0 if it is not in there.</param>
/// <param name="Rows">Addresses with a row in the table.</param>
/// <param name="Here">Slots of this server.</param>
/// <param name="Elsewhere">Slots that go to an endpoint.</param>
/// <param name="Unowned">Slots without an owner.</param>
/// <param name="Connections">What happens to packets that would open a connection: drop, owner.</param>
/// <param name="Echo">What happens to echo requests: drop, owner, answer.</param>
public sealed record PrefixRow(
    IpPrefix Prefix,
    string Pool,
    PrefixState State,
    string? Because,
    bool InKernel,
    int SlicePortCount,
    int Rows,
    int Here,
    int Elsewhere,
    int Unowned,
    string Connections,
    string Echo);

/// <summary><c>show prefixes</c>.</summary>
public sealed record PrefixesReply(ImmutableArray<PrefixRow> Prefixes) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Prefixes;

    public override IEnumerable<string> Lines() => Prefixes.Length == 0
        ? ["no pool has a prefix to announce"]
        : new TextTable<PrefixRow>(Prefixes)
            .Left("prefix", p => p.Prefix.ToString())
            .Left("pool", p => p.Pool)
            .Left("state", p => Units.Name(p.State))
            .Left("kernel", p => p.InKernel ? "yes" : "no")
            .Right("slice", p => p.InKernel ? Units.Count(p.SlicePortCount) : "")
            .Right("rows", p => Units.Count(p.Rows))
            .Right("here", p => Units.Count(p.Here))
            .Right("elsewhere", p => Units.Count(p.Elsewhere))
            .Right("unowned", p => Units.Count(p.Unowned))
            .Left("connections", p => p.Connections)
            .Left("echo", p => p.Echo)
            .Left("held because", p => p.Because)
            .Lines();
}
