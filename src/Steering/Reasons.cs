using System.Collections.Immutable;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>A reason in words, the same in every show: name, verdict and what it means.</summary>
/// <param name="Name">Lower case with hyphens, as operators type and read it.</param>
public sealed record ReasonInfo(Reason Reason, Verdict Verdict, string Name, string Meaning)
{
    public bool IsDrop => Verdict == Verdict.Drop;
}

/// <summary>Every reason of the packet path, in the order of its number.</summary>
public static class Reasons
{
    public static ImmutableArray<ReasonInfo> All { get; } =
    [
        new(Reason.NotOurs, Verdict.Pass, "not-ours", "neither for an egress address nor a tunnel packet for this server"),
        new(Reason.Unreadable, Verdict.Pass, "unreadable", "cut short before its destination could be read"),
        new(Reason.Delivered, Verdict.Pass, "delivered", "landed on the owner"),
        new(Reason.Steered, Verdict.Steer, "steered", "sent to the owner, or to the owner's datacenter"),
        new(Reason.Decapsulated, Verdict.Decapsulate, "decapsulated", "came by tunnel, is owned here"),
        new(Reason.CarriedOn, Verdict.Transit, "carried-on", "came by one tunnel, left by another"),
        new(Reason.EchoAnswered, Verdict.Answer, "echo-answered", "echo request, answered where it landed"),
        new(Reason.Unowned, Verdict.Drop, "unowned", "no server owns the slice"),
        new(Reason.Unresolved, Verdict.Drop, "unresolved", "the next hop to the owner's endpoint is not known"),
        new(Reason.Rank, Verdict.Drop, "rank", "would have had to climb back to where it came from"),
        new(Reason.Role, Verdict.Drop, "role", "came by an interface that is not for such packets"),
        new(Reason.UnknownPeer, Verdict.Drop, "unknown-peer", "tunnel packet from an address that is no server of the fleet"),
        new(Reason.TunnelHeader, Verdict.Drop, "tunnel-header", "GUE or GRE header malformed, or with options that are not carried"),
        new(Reason.TunnelKey, Verdict.Drop, "tunnel-key", "GRE key missing, unexpected or wrong"),
        new(Reason.InnerNotEgress, Verdict.Drop, "inner-not-egress", "what came by tunnel is for no egress address"),
        new(Reason.Opens, Verdict.Drop, "opens", "would open a connection from outside"),
        new(Reason.Fragment, Verdict.Drop, "fragment", "a fragment that does not say its port"),
        new(Reason.TooBig, Verdict.Drop, "too-big", "larger than the tunnel's MTU"),
        new(Reason.Protocol, Verdict.Drop, "protocol", "neither TCP, UDP, SCTP nor ICMP"),
        new(Reason.IcmpType, Verdict.Drop, "icmp-type", "ICMP that is neither echo nor an error"),
        new(Reason.IcmpQuote, Verdict.Drop, "icmp-quote", "quotes a packet that did not come from that address, or no ports"),
        new(Reason.Malformed, Verdict.Drop, "malformed", "cut short, or with lengths that contradict each other"),
        new(Reason.Ttl, Verdict.Drop, "ttl", "time to live used up"),
        new(Reason.Ecn, Verdict.Drop, "ecn", "congestion marked outside, not ECN-capable inside"),
        new(Reason.Headroom, Verdict.Drop, "headroom", "the driver left no room for the outer header"),
    ];

    public static ReasonInfo Of(Reason reason) => All[(int)reason];

    /// <summary>A verdict as operators read it.</summary>
    public static string NameOf(Verdict verdict) => verdict switch
    {
        Verdict.Pass => "pass",
        Verdict.Steer => "steer",
        Verdict.Decapsulate => "decapsulate",
        Verdict.Transit => "transit",
        Verdict.Answer => "answer",
        _ => "drop",
    };
}
