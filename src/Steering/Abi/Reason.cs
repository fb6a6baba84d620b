namespace SoftUnicast.Steering.Abi;

/// <summary>Why a packet got its verdict (<c>enum su_reason</c>): append-only, the numbers are in pinned counters.</summary>
public enum Reason
{
    /// <summary>Pass: neither an egress address nor a tunnel packet for us.</summary>
    NotOurs = 0,

    /// <summary>Pass: cut short before its destination could be read.</summary>
    Unreadable = 1,

    /// <summary>Pass: landed on the owner.</summary>
    Delivered = 2,

    /// <summary>Steer: to the owner or to the owner's datacenter.</summary>
    Steered = 3,

    /// <summary>Decapsulate: out of a tunnel, owned here.</summary>
    Decapsulated = 4,

    /// <summary>Transit: out of one tunnel into another.</summary>
    CarriedOn = 5,

    /// <summary>Answer: echo request answered where it landed.</summary>
    EchoAnswered = 6,

    /// <summary>Drop: no server owns the slice.</summary>
    Unowned = 7,

    /// <summary>Drop: the endpoint's next hop is not known.</summary>
    Unresolved = 8,

    /// <summary>Drop: would have to climb back.</summary>
    Rank = 9,

    /// <summary>Drop: not on an interface of this role.</summary>
    Role = 10,

    /// <summary>Drop: tunnel packet from an address that is no peer.</summary>
    UnknownPeer = 11,

    /// <summary>Drop: GUE or GRE header malformed, or with options that are not carried.</summary>
    TunnelHeader = 12,

    /// <summary>Drop: GRE key missing, unexpected or wrong.</summary>
    TunnelKey = 13,

    /// <summary>Drop: out of the tunnel came something that is for no egress address.</summary>
    InnerNotEgress = 14,

    /// <summary>Drop: would open a connection from outside.</summary>
    Opens = 15,

    /// <summary>Drop: a later fragment, without ports.</summary>
    Fragment = 16,

    /// <summary>Drop: larger than the tunnel's MTU.</summary>
    TooBig = 17,

    /// <summary>Drop: neither TCP, UDP, SCTP nor ICMP.</summary>
    Protocol = 18,

    /// <summary>Drop: ICMP that is neither echo nor an error.</summary>
    IcmpType = 19,

    /// <summary>Drop: the quoted packet did not come from the egress address, or quotes no ports.</summary>
    IcmpQuote = 20,

    /// <summary>Drop: for us, but cut short or with lengths that contradict each other.</summary>
    Malformed = 21,

    /// <summary>Drop: TTL used up.</summary>
    Ttl = 22,

    /// <summary>Drop: congestion marked outside, not ECN-capable inside (RFC 6040 4.2).</summary>
    Ecn = 23,

    /// <summary>Drop: the driver left no room for the outer header.</summary>
    Headroom = 24,
}
