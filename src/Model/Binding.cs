using System.Globalization;

namespace SoftUnicast.Model;

/// <summary>What comes in by this protocol for an address of this prefix and a port of this range goes to the label's sockets.</summary>
/// <param name="Ports"><see cref="PortRange.All"/>: any port.</param>
public sealed record Binding(Label Label, DispatchProtocol Protocol, IpPrefix Prefix, PortRange Ports) : IComparable<Binding>
{
    private const string AnyPort = "any";

    /// <summary>Every port: the widest range.</summary>
    public bool IsAnyPort => Ports == PortRange.All;

    public bool Matches(DispatchProtocol protocol, IpAddress address, ushort port) =>
        protocol == Protocol && Prefix.Contains(address) && Ports.Contains(port);

    /// <summary>Reads the four words of a command; an address alone is a prefix of that address.</summary>
    /// <param name="ports"><c>443</c>, <c>8000-8100</c> or <c>any</c>.</param>
    /// <param name="error">What is wrong, and what would be right.</param>
    public static Binding? TryParse(string label, string protocol, string prefix, string ports, out string? error)
    {
        error = null;
        if (!Label.TryParse(label, out var parsedLabel))
        {
            error = $"'{label}' is not a label: 1 to {Label.MaxLength} letters, digits, '-', '_' and '.', the first a letter or a digit";
        }
        else if (!DispatchProtocols.TryParse(protocol, out _))
        {
            error = $"'{protocol}' is not a protocol that is dispatched: tcp or udp";
        }
        else if (!TryParsePrefix(prefix, out var parsedPrefix, out error))
        {
            return null;
        }
        else if (!TryParsePorts(ports, out var range))
        {
            error = $"'{ports}' is neither a port, nor a range like 8000-8100, nor 'any'; ports are 1 to 65535";
        }
        else
        {
            _ = DispatchProtocols.TryParse(protocol, out var parsedProtocol);
            return new Binding(parsedLabel, parsedProtocol, parsedPrefix, range);
        }

        return null;
    }

    /// <summary><c>443</c>, <c>8000-8100</c> or <c>any</c>; port 0 is none.</summary>
    public static bool TryParsePorts(string text, out PortRange range)
    {
        if (text == AnyPort)
        {
            range = PortRange.All;
            return true;
        }

        return PortRange.TryParse(text, out range) && range.First != 0;
    }

    /// <summary><c>443</c>, <c>8000-8100</c> or <c>any</c>.</summary>
    public string PortsText() => IsAnyPort ? AnyPort
        : Ports.Count == 1 ? Ports.First.ToString(CultureInfo.InvariantCulture)
        : Ports.ToString();

    /// <summary><c>www tcp 192.0.2.0/24 443</c>.</summary>
    public override string ToString() => $"{Label} {Protocol.Name()} {Prefix} {PortsText()}";

    /// <summary>By protocol, prefix, ports (the narrower range first), label.</summary>
    public int CompareTo(Binding? other)
    {
        if (other is null)
        {
            return 1;
        }

        var order = Protocol.CompareTo(other.Protocol);
        order = order != 0 ? order : Prefix.CompareTo(other.Prefix);
        order = order != 0 ? order : Ports.Count.CompareTo(other.Ports.Count);
        order = order != 0 ? order : Ports.CompareTo(other.Ports);
        return order != 0 ? order : Label.CompareTo(other.Label);
    }

    public static bool operator <(Binding left, Binding right) => Comparer<Binding>.Default.Compare(left, right) < 0;

    public static bool operator >(Binding left, Binding right) => Comparer<Binding>.Default.Compare(left, right) > 0;

    public static bool operator <=(Binding left, Binding right) => Comparer<Binding>.Default.Compare(left, right) <= 0;

    public static bool operator >=(Binding left, Binding right) => Comparer<Binding>.Default.Compare(left, right) >= 0;

    /// <summary>A prefix; an address alone is a prefix of that address.</summary>
    /// <param name="error">What is wrong, and what would be right.</param>
    public static bool TryParsePrefix(string text, out IpPrefix prefix, out string? error)
    {
        error = null;
        if (IpAddress.TryParse(text, out var address))
        {
            prefix = IpPrefix.Host(address);
            return true;
        }

        if (IpPrefix.TryParse(text, out prefix))
        {
            return true;
        }

        error = IpPrefix.TryParseLoose(text, out address, out var length)
            ? $"'{text}' has bits set behind its length: {IpPrefix.Covering(address, length)} is the prefix, {address} the address"
            : $"'{text}' is neither a prefix nor an address";
        return false;
    }
}
