namespace SoftUnicast.Egress;

/// <summary>
/// The port chooser that a slice serves. One slice serves one: each takes ports in a way that the others do not see, or that
/// keeps them out (an explicit bind takes a port away from late binding; NAT does not know of bound sockets).
/// </summary>
public enum SliceUse
{
    /// <summary>Nobody has asked for it yet.</summary>
    None = 0,

    /// <summary>Unmodified programs: a port is chosen at connect(2) by the cgroup program, per destination.</summary>
    Exec = 1,

    /// <summary>Programs that asked: the kernel chooses within <c>IP_LOCAL_PORT_RANGE</c> (ip(7)), per destination.</summary>
    Range = 2,

    /// <summary>Programs that asked: they bind to ports of their choice, UDP ports possibly shared by destination.</summary>
    Explicit = 3,

    /// <summary>Forwarded traffic, and datagrams of unconnected sockets: nftables chooses.</summary>
    Nat = 4,
}
