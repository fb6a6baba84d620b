using System.Globalization;

namespace SoftUnicast.Model;

/// <summary>A 48-bit Ethernet address. <c>default</c> is 00:00:00:00:00:00.</summary>
public readonly record struct MacAddress : ISpanFormattable
{
    private readonly ulong value;

    private MacAddress(ulong value) => this.value = value;

    public static MacAddress FromBytes(ReadOnlySpan<byte> sixBytes)
    {
        if (sixBytes.Length != 6)
        {
            throw new ArgumentException($"a MAC address has 6 bytes, not {sixBytes.Length}", nameof(sixBytes));
        }

        ulong value = 0;
        foreach (var octet in sixBytes)
        {
            value = (value << 8) | octet;
        }

        return new MacAddress(value);
    }

    /// <summary>Writes the 6 bytes as they lie on the wire.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (var i = 0; i < 6; i++)
        {
            destination[i] = (byte)(value >> (40 - (8 * i)));
        }
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[6];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>Six pairs of hexadecimal digits with colons between them.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacAddress address)
    {
        address = default;
        if (text.Length != 17)
        {
            return false;
        }

        ulong value = 0;
        for (var i = 0; i < 6; i++)
        {
            if ((i < 5 && text[(3 * i) + 2] != ':')
                || !byte.TryParse(text.Slice(3 * i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
            {
                return false;
            }

            value = (value << 8) | octet;
        }

        address = new MacAddress(value);
        return true;
    }

    public static MacAddress Parse(ReadOnlySpan<char> text) => TryParse(text, out var address)
        ? address
        : throw new FormatException($"'{text}' is not a MAC address");

    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider) =>
        destination.TryWrite(CultureInfo.InvariantCulture, $"{ToString()}", out charsWritten);

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(byte)(value >> 40):x2}:{(byte)(value >> 32):x2}:{(byte)(value >> 24):x2}:{(byte)(value >> 16):x2}:{(byte)(value >> 8):x2}:{(byte)value:x2}");
}

/// <summary>How a frame leaves towards an address: through which interface, with which Ethernet header.</summary>
/// <param name="InterfaceIndex">ifindex of the device that the frame leaves by; for a VLAN device, of the device below it.</param>
/// <param name="VlanId">802.1Q tag to write, 1 to 4094, or null.</param>
/// <param name="MtuBytes">Largest IP packet that fits, IP header included.</param>
public readonly record struct NextHop(int InterfaceIndex, MacAddress Source, MacAddress Destination, ushort? VlanId, int MtuBytes);

/// <summary>What arrives on an interface of this server.</summary>
[Flags]
public enum InterfaceRoles
{
    None = 0,

    /// <summary>Packets to egress addresses, without a tunnel.</summary>
    Internet = 1,

    /// <summary>Tunnel packets.</summary>
    Backbone = 2,

    Both = Internet | Backbone,
}
