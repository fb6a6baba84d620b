using System.Text;

namespace SoftUnicast.Naming;

/// <summary>
/// A domain name as it stands on the wire (RFC 1035 3.1), in lower case: labels, each behind its length, and the root's zero.
/// At most 255 bytes. <c>default</c> is the root.
/// </summary>
public readonly struct DnsName : IEquatable<DnsName>
{
    public const int LongestName = 255;
    public const int LongestLabel = 63;
    private static readonly byte[] Root = [0];
    private readonly byte[]? wire;

    private DnsName(byte[] wire) => this.wire = wire;

    /// <summary>Lower case, the ending zero with it.</summary>
    public ReadOnlyMemory<byte> Wire => wire ?? Root;

    public static DnsName Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var name) ? name : throw new FormatException($"'{text}' is no domain name");

    /// <summary>With or without a dot at its end; <c>\.</c>, <c>\\</c> and <c>\DDD</c> as in RFC 1035 5.1.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DnsName name)
    {
        name = default;
        Span<byte> utf8 = stackalloc byte[4 * LongestName];
        return Encoding.UTF8.TryGetBytes(text, utf8, out var length) && TryParse(utf8[..length], out name);
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out DnsName)"/>
    public static bool TryParse(ReadOnlySpan<byte> text, out DnsName name)
    {
        Span<byte> buffer = stackalloc byte[LongestName];
        var length = Write(text, buffer);
        name = length > 0 ? new DnsName(buffer[..length].ToArray()) : default;
        return length > 0;
    }

    /// <summary>Writes the text's wire form in lower case; 0 if it is no name.</summary>
    internal static int Write(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        if (text is [(byte)'.'])
        {
            destination[0] = 0;
            return 1;
        }

        int written = 1, labelAt = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '.')
            {
                if (!CloseLabel(destination, labelAt, written) || written >= LongestName)
                {
                    return 0;
                }

                labelAt = written++;
                continue;
            }

            if (c == '\\')
            {
                if (i + 3 < text.Length && char.IsAsciiDigit((char)text[i + 1]))
                {
                    var value = ((text[i + 1] - '0') * 100) + ((text[i + 2] - '0') * 10) + text[i + 3] - '0';
                    if (!char.IsAsciiDigit((char)text[i + 2]) || !char.IsAsciiDigit((char)text[i + 3]) || value > 255)
                    {
                        return 0;
                    }

                    c = (byte)value;
                    i += 3;
                }
                else if (++i < text.Length && !char.IsAsciiDigit((char)text[i]))
                {
                    c = text[i];
                }
                else
                {
                    return 0;
                }
            }

            if (written >= LongestName)
            {
                return 0;
            }

            destination[written++] = c is >= (byte)'A' and <= (byte)'Z' ? (byte)(c + 32) : c;
        }

        if (written - labelAt > 1)
        {
            if (!CloseLabel(destination, labelAt, written) || written >= LongestName)
            {
                return 0;
            }

            destination[written++] = 0;
            return written;
        }

        // The text ended with a dot (the place of the next length is the root's), or there is none at all.
        destination[labelAt] = 0;
        return labelAt == 0 ? 0 : written;
    }

    public bool Equals(DnsName other) => Wire.Span.SequenceEqual(other.Wire.Span);

    public override bool Equals(object? obj) => obj is DnsName other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Wire.Span);
        return hash.ToHashCode();
    }

    public static bool operator ==(DnsName left, DnsName right) => left.Equals(right);

    public static bool operator !=(DnsName left, DnsName right) => !left.Equals(right);

    /// <summary>With a dot at its end.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        var span = Wire.Span;
        for (var at = 0; span[at] != 0; at += span[at] + 1)
        {
            foreach (var b in span.Slice(at + 1, span[at]))
            {
                _ = b is > 32 and < 127 && b is not ((byte)'.' or (byte)'\\')
                    ? text.Append((char)b)
                    : text.Append('\\').Append(b.ToString("D3", System.Globalization.CultureInfo.InvariantCulture));
            }

            text.Append('.');
        }

        return text.Length == 0 ? "." : text.ToString();
    }

    private static bool CloseLabel(Span<byte> destination, int labelAt, int written)
    {
        var length = written - labelAt - 1;
        destination[labelAt] = (byte)length;
        return length is > 0 and <= LongestLabel;
    }
}
