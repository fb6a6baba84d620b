using System.Globalization;

namespace SoftUnicast.Model;

/// <summary>Ports <see cref="First"/> to <see cref="Last"/>, both included, in host byte order. <c>default</c> is port 0 alone.</summary>
public readonly record struct PortRange : IComparable<PortRange>, ISpanFormattable
{
    /// <exception cref="ArgumentException">The last port lies before the first.</exception>
    public PortRange(ushort first, ushort last)
    {
        if (last < first)
        {
            throw new ArgumentException($"a port range runs upwards, not from {first} to {last}", nameof(last));
        }

        First = first;
        Last = last;
    }

    public static PortRange All => new(0, ushort.MaxValue);

    public ushort First { get; }

    public ushort Last { get; }

    /// <summary>1 to 65,536.</summary>
    public int Count => Last - First + 1;

    public bool Contains(ushort port) => port >= First && port <= Last;

    public bool Contains(PortRange other) => other.First >= First && other.Last <= Last;

    public bool Overlaps(PortRange other) => other.First <= Last && First <= other.Last;

    /// <summary><c>FIRST-LAST</c> or one port, in decimal without leading zeros.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PortRange range)
    {
        range = default;
        var dash = text.IndexOf('-');
        var firstText = dash < 0 ? text : text[..dash];
        var lastText = dash < 0 ? text : text[(dash + 1)..];
        if (!TryParsePort(firstText, out var first)
            || !TryParsePort(lastText, out var last)
            || last < first)
        {
            return false;
        }

        range = new PortRange(first, last);
        return true;
    }

    private static bool TryParsePort(ReadOnlySpan<char> text, out ushort port)
    {
        port = 0;
        return !(text.Length > 1 && text[0] == '0') && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
    }

    public static PortRange Parse(ReadOnlySpan<char> text) => TryParse(text, out var range)
        ? range
        : throw new FormatException($"'{text}' is not a port range");

    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider) =>
        destination.TryWrite(CultureInfo.InvariantCulture, $"{First}-{Last}", out charsWritten);

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");

    public int CompareTo(PortRange other)
    {
        var order = First.CompareTo(other.First);
        return order != 0 ? order : Last.CompareTo(other.Last);
    }

    public static bool operator <(PortRange left, PortRange right) => left.CompareTo(right) < 0;

    public static bool operator >(PortRange left, PortRange right) => left.CompareTo(right) > 0;

    public static bool operator <=(PortRange left, PortRange right) => left.CompareTo(right) <= 0;

    public static bool operator >=(PortRange left, PortRange right) => left.CompareTo(right) >= 0;
}
