namespace SoftUnicast.Egress.Abi;

/// <summary>What became of a socket of an enrolled cgroup (<c>enum su_choice</c>): append-only, the numbers are in pinned counters.</summary>
public enum Choice
{
    /// <summary>Got a port, for a TCP connection.</summary>
    Tcp = 0,

    /// <summary>Got a port, for a connected UDP socket.</summary>
    Udp = 1,

    /// <summary>A slice was full for the destination: the search went on to the next.</summary>
    NextSlice = 2,

    /// <summary>Got a port that a closed connection still keeps (TIME_WAIT), for want of another.</summary>
    TimeWait = 3,

    /// <summary>Refused, EADDRNOTAVAIL: no slice has a port left for the destination.</summary>
    Exhausted = 4,

    /// <summary>Refused, EADDRNOTAVAIL: a datagram of an unconnected socket, and no NAT for it.</summary>
    DatagramRefused = 5,

    /// <summary>Let go: a datagram of an unconnected socket, for NAT.</summary>
    DatagramPassed = 6,

    /// <summary>Let go: the program has bound the socket itself.</summary>
    Bound = 7,

    /// <summary>Refused, with the error of the bind: the address is not this host's, for one.</summary>
    Failed = 8,

    /// <summary>Ports looked at, for all of them.</summary>
    Probes = 9,
}
