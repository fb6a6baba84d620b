using System.Globalization;

namespace SoftUnicast.Model;

/// <summary>
/// A port range on one address: a slice when it is aligned to its pool's slice size, a block when a datacenter owns it.
/// Text: <c>192.0.2.7:2048-4095</c>, <c>[2001:db8::7]:2048-4095</c>.
/// </summary>
public readonly record struct AddressPorts(IpAddress Address, PortRange Ports) : IComparable<AddressPorts>, ISpanFormattable
{
    public bool Overlaps(AddressPorts other) => Address == other.Address && Ports.Overlaps(other.Ports);

    public bool Contains(AddressPorts other) => Address == other.Address && Ports.Contains(other.Ports);

    public bool Contains(IpAddress address, ushort port) => Address == address && Ports.Contains(port);

    /// <summary><c>ADDRESS:PORTS</c>, an IPv6 address in brackets (RFC 3986 3.2.2).</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressPorts value)
    {
        value = default;
        var colon = text.LastIndexOf(':');
        if (colon <= 0)
        {
            return false;
        }

        var host = text[..colon];
        var bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (!IpAddress.TryParse(bracketed ? host[1..^1] : host, out var address)
            || address.IsIPv6 != bracketed
            || !PortRange.TryParse(text[(colon + 1)..], out var ports))
        {
            return false;
        }

        value = new AddressPorts(address, ports);
        return true;
    }

    public static AddressPorts Parse(ReadOnlySpan<char> text) => TryParse(text, out var value)
        ? value
        : throw new FormatException($"'{text}' is not ADDRESS:FIRST-LAST");

    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider) => Address.IsIPv6
        ? destination.TryWrite(CultureInfo.InvariantCulture, $"[{Address}]:{Ports}", out charsWritten)
        : destination.TryWrite(CultureInfo.InvariantCulture, $"{Address}:{Ports}", out charsWritten);

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => Address.IsIPv6 ? $"[{Address}]:{Ports}" : $"{Address}:{Ports}";

    public int CompareTo(AddressPorts other)
    {
        var order = Address.CompareTo(other.Address);
        return order != 0 ? order : Ports.CompareTo(other.Ports);
    }

    public static bool operator <(AddressPorts left, AddressPorts right) => left.CompareTo(right) < 0;

    public static bool operator >(AddressPorts left, AddressPorts right) => left.CompareTo(right) > 0;

    public static bool operator <=(AddressPorts left, AddressPorts right) => left.CompareTo(right) <= 0;

    public static bool operator >=(AddressPorts left, AddressPorts right) => left.CompareTo(right) >= 0;
}
