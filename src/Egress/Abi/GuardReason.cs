namespace SoftUnicast.Egress.Abi;

/// <summary>
/// Why the guard let a packet go, or did not (<c>enum su_guard_reason</c>): append-only, the numbers are in pinned counters.
/// </summary>
public enum GuardReason
{
    /// <summary>Pass: its source is no egress address, or it is not IPv4.</summary>
    NotEgress = 0,

    /// <summary>Pass: its source port is owned here.</summary>
    Owned = 1,

    /// <summary>Drop: no server owns its source port.</summary>
    Unowned = 2,

    /// <summary>Drop: another server owns its source port.</summary>
    Foreign = 3,

    /// <summary>Drop: a later fragment, without ports.</summary>
    Fragment = 4,

    /// <summary>Drop: neither TCP, UDP, UDP-Lite, SCTP nor ICMP.</summary>
    Protocol = 5,

    /// <summary>Drop: ICMP that is neither echo nor an error.</summary>
    IcmpType = 6,

    /// <summary>Drop: the quoted packet did not come to the source address, or quotes no ports.</summary>
    IcmpQuote = 7,

    /// <summary>Drop: cut short, behind more than two VLAN tags, or with lengths that contradict each other.</summary>
    Unreadable = 8,
}

/// <summary>What the guard's reasons have in common.</summary>
public static class GuardReasons
{
    /// <summary>How many there are.</summary>
    public const int Count = (int)GuardReason.Unreadable + 1;

    public static bool IsDrop(GuardReason reason) => reason >= GuardReason.Unowned;

    /// <summary>As replies and docs/counters.md write it: <c>icmp-quote</c>.</summary>
    public static string Name(GuardReason reason) => reason switch
    {
        GuardReason.NotEgress => "not-egress",
        GuardReason.Owned => "owned",
        GuardReason.Unowned => "unowned",
        GuardReason.Foreign => "foreign",
        GuardReason.Fragment => "fragment",
        GuardReason.Protocol => "protocol",
        GuardReason.IcmpType => "icmp-type",
        GuardReason.IcmpQuote => "icmp-quote",
        GuardReason.Unreadable => "unreadable",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}
