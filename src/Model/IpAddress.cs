using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace SoftUnicast.Model;

/// <summary>
/// One IPv4 or IPv6 address, in host byte order. IPv4 sorts before IPv6; inside a family the order is numeric.
/// <c>default</c> is 0.0.0.0.
/// </summary>
public readonly record struct IpAddress : IComparable<IpAddress>, ISpanFormattable
{
    private IpAddress(bool isIPv6, UInt128 value)
    {
        IsIPv6 = isIPv6;
        Value = value;
    }

    /// <summary>True for IPv6 (128 bits), false for IPv4 (32 bits).</summary>
    public bool IsIPv6 { get; }

    /// <summary>The address as a number: 32 significant bits for IPv4, 128 for IPv6.</summary>
    public UInt128 Value { get; }

    /// <summary>32 for IPv4, 128 for IPv6.</summary>
    public int BitCount => IsIPv6 ? 128 : 32;

    /// <summary>The IPv4 address as a number in host byte order.</summary>
    /// <exception cref="InvalidOperationException">The address is IPv6.</exception>
    public uint ToUInt32() => IsIPv6
        ? throw new InvalidOperationException($"{this} is not an IPv4 address")
        : (uint)Value;

    public static IpAddress FromUInt32(uint value) => new(false, value);

    public static IpAddress FromUInt128(UInt128 value) => new(true, value);

    /// <summary>Reads 4 or 16 bytes in network byte order.</summary>
    public static IpAddress FromBytes(ReadOnlySpan<byte> networkOrder) => networkOrder.Length switch
    {
        4 => FromUInt32(BinaryPrimitives.ReadUInt32BigEndian(networkOrder)),
        16 => FromUInt128(BinaryPrimitives.ReadUInt128BigEndian(networkOrder)),
        _ => throw new ArgumentException($"an address has 4 or 16 bytes, not {networkOrder.Length}", nameof(networkOrder)),
    };

    /// <summary>The 4 or 16 bytes in network byte order.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[IsIPv6 ? 16 : 4];
        if (IsIPv6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Value);
        }

        return bytes;
    }

    public IPAddress ToIPAddress() => new(ToBytes());

    public static IpAddress FromIPAddress(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return FromBytes(address.GetAddressBytes());
    }

    /// <summary>The address <paramref name="count"/> further on, in the same family.</summary>
    /// <exception cref="OverflowException">Past the end of the family's space.</exception>
    public IpAddress Add(UInt128 count)
    {
        var sum = checked(Value + count);
        return !IsIPv6 && sum > uint.MaxValue ? throw new OverflowException($"{this} + {count} leaves IPv4") : new(IsIPv6, sum);
    }

    /// <summary>
    /// Dotted quad (four decimal numbers without leading zeros) or RFC 4291 text; no zone, no port, no brackets.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        if (text.Contains(':'))
        {
            // An IPv4 tail (RFC 4291 2.2) keeps IPv4's rules: IPAddress would let leading zeros pass.
            if (text.ContainsAny("%[]") || (text.Contains('.') && !TryParse(text[(text.LastIndexOf(':') + 1)..], out _))
                || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
            {
                return false;
            }

            address = FromIPAddress(parsed);
            return true;
        }

        uint value = 0;
        var parts = 0;
        foreach (var range in text.Split('.'))
        {
            var part = text[range];
            if (++parts > 4 || part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0')
                || !byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var octet))
            {
                return false;
            }

            value = (value << 8) | octet;
        }

        if (parts != 4)
        {
            return false;
        }

        address = FromUInt32(value);
        return true;
    }

    public static IpAddress Parse(ReadOnlySpan<char> text) => TryParse(text, out var address)
        ? address
        : throw new FormatException($"'{text}' is not an IP address");

    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider) =>
        ToIPAddress().TryFormat(destination, out charsWritten);

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => ToIPAddress().ToString();

    public int CompareTo(IpAddress other) =>
        IsIPv6 == other.IsIPv6 ? Value.CompareTo(other.Value) : IsIPv6.CompareTo(other.IsIPv6);

    public static bool operator <(IpAddress left, IpAddress right) => left.CompareTo(right) < 0;

    public static bool operator >(IpAddress left, IpAddress right) => left.CompareTo(right) > 0;

    public static bool operator <=(IpAddress left, IpAddress right) => left.CompareTo(right) <= 0;

    public static bool operator >=(IpAddress left, IpAddress right) => left.CompareTo(right) >= 0;
}
