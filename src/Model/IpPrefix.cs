using System.Globalization;

namespace SoftUnicast.Model;

/// <summary>An IP prefix in canonical form: every bit behind the length is zero. <c>default</c> is 0.0.0.0/0.</summary>
public readonly record struct IpPrefix : IComparable<IpPrefix>, ISpanFormattable
{
    /// <exception cref="ArgumentException">The length is out of range, or a host bit is set.</exception>
    public IpPrefix(IpAddress network, int length)
    {
        if (length < 0 || length > network.BitCount)
        {
            throw new ArgumentException($"a prefix length is 0 to {network.BitCount}, not {length}", nameof(length));
        }

        if ((network.Value & HostMask(network.BitCount, length)) != 0)
        {
            throw new ArgumentException($"{network}/{length} has host bits set", nameof(network));
        }

        Network = network;
        Length = length;
    }

    public IpAddress Network { get; }

    /// <summary>0 to 32 for IPv4, 0 to 128 for IPv6.</summary>
    public int Length { get; }

    public bool IsIPv6 => Network.IsIPv6;

    /// <summary>The last address of the prefix.</summary>
    public IpAddress Last => Network.Add(HostMask(Network.BitCount, Length));

    /// <summary>How many addresses it holds; for ::/0, whose count needs 129 bits, the largest number.</summary>
    public UInt128 AddressCount => Network.BitCount == 128 && Length == 0 ? UInt128.MaxValue : UInt128.One << (Network.BitCount - Length);

    /// <summary>The prefix of this length that holds the address: host bits are cut off.</summary>
    public static IpPrefix Covering(IpAddress address, int length)
    {
        var network = address.Value & ~HostMask(address.BitCount, length);
        return new IpPrefix(address.IsIPv6 ? IpAddress.FromUInt128(network) : IpAddress.FromUInt32((uint)network), length);
    }

    public static IpPrefix Host(IpAddress address) => new(address, address.BitCount);

    public bool Contains(IpAddress address) =>
        address.IsIPv6 == IsIPv6 && (address.Value & ~HostMask(Network.BitCount, Length)) == Network.Value;

    public bool Contains(IpPrefix other) => other.Length >= Length && Contains(other.Network);

    public bool Overlaps(IpPrefix other) => Contains(other) || other.Contains(this);

    /// <summary>
    /// <c>ADDRESS/LENGTH</c>. Text whose host bits are set does not parse: see <see cref="TryParseLoose"/> for the reason.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpPrefix prefix)
    {
        prefix = default;
        if (!TryParseLoose(text, out var address, out var length) || (address.Value & HostMask(address.BitCount, length)) != 0)
        {
            return false;
        }

        prefix = new IpPrefix(address, length);
        return true;
    }

    /// <summary>Parses <c>ADDRESS/LENGTH</c> with host bits allowed, so that a caller can say which prefix was meant.</summary>
    public static bool TryParseLoose(ReadOnlySpan<char> text, out IpAddress address, out int length)
    {
        length = 0;
        address = default;
        var slash = text.IndexOf('/');
        return slash > 0
            && IpAddress.TryParse(text[..slash], out address)
            && !(text.Length > slash + 2 && text[slash + 1] == '0')
            && int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length)
            && length <= address.BitCount;
    }

    public static IpPrefix Parse(ReadOnlySpan<char> text) => TryParse(text, out var prefix)
        ? prefix
        : throw new FormatException($"'{text}' is not a prefix");

    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider) =>
        destination.TryWrite(CultureInfo.InvariantCulture, $"{Network}/{Length}", out charsWritten);

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Network}/{Length}");

    public int CompareTo(IpPrefix other)
    {
        var order = Network.CompareTo(other.Network);
        return order != 0 ? order : Length.CompareTo(other.Length);
    }

    public static bool operator <(IpPrefix left, IpPrefix right) => left.CompareTo(right) < 0;

    public static bool operator >(IpPrefix left, IpPrefix right) => left.CompareTo(right) > 0;

    public static bool operator <=(IpPrefix left, IpPrefix right) => left.CompareTo(right) <= 0;

    public static bool operator >=(IpPrefix left, IpPrefix right) => left.CompareTo(right) >= 0;

    private static UInt128 HostMask(int bitCount, int length)
    {
        var hostBits = bitCount - length;
        return hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
    }
}
