using SoftUnicast.Model;

namespace SoftUnicast.Egress.Capacity;

/// <summary>Where sockets talk to.</summary>
/// <param name="Protocol">IP protocol number: 6 TCP, 17 UDP.</param>
/// <param name="Port">0 with no address: sockets without a peer, whose port is taken for every destination.</param>
/// <param name="Address">Null: nowhere in particular.</param>
public readonly record struct Destination(byte Protocol, IpAddress? Address, ushort Port) : IComparable<Destination>
{
    public bool IsAnywhere => Address is null;

    public int CompareTo(Destination other)
    {
        var order = Protocol.CompareTo(other.Protocol);
        order = order != 0 ? order : Nullable.Compare(Address, other.Address);
        return order != 0 ? order : Port.CompareTo(other.Port);
    }

    public override string ToString()
    {
        var protocol = Protocol switch { 6 => "tcp", 17 => "udp", 132 => "sctp", _ => $"protocol {Protocol}" };
        return Address is not { } address ? $"{protocol} anywhere" : $"{protocol} {(address.IsIPv6 ? $"[{address}]" : address.ToString())}:{Port}";
    }

    public static bool operator <(Destination left, Destination right) => left.CompareTo(right) < 0;

    public static bool operator >(Destination left, Destination right) => left.CompareTo(right) > 0;

    public static bool operator <=(Destination left, Destination right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Destination left, Destination right) => left.CompareTo(right) >= 0;
}

/// <summary>Ports of a slice that are taken for one destination.</summary>
/// <param name="Ports">Different local ports, TIME_WAIT and NAT entries included; at most the slice's port count.</param>
public readonly record struct SocketCount(AddressPorts Slice, Destination Destination, int Ports);
