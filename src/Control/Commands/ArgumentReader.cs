using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>An address with a port, if one was given.</summary>
internal readonly record struct AddressWithPort(IpAddress Address, ushort? Port);

/// <summary>Reads an argument's text, or says what is wrong with it.</summary>
internal static class ArgumentReader
{
    /// <returns>The value, or null with <paramref name="error"/> set.</returns>
    public static object? Read(Argument argument, string text, out string error)
    {
        error = "";
        switch (argument.Kind)
        {
            case ArgumentKind.PoolName:
            case ArgumentKind.ServerName:
            case ArgumentKind.InterfaceName:
            case ArgumentKind.PolicyName:
            case ArgumentKind.NamingPoolName:
                if (text.Length <= 63 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@' or ':'))
                {
                    return text;
                }

                error = $"'{Shortened(text)}' is not a name";
                return null;
            case ArgumentKind.Address:
                if (IpAddress.TryParse(text, out var address))
                {
                    return address;
                }

                error = $"'{Shortened(text)}' is not an IP address";
                return null;
            case ArgumentKind.AddressPort:
                if (TryReadAddress(text, out var both) && both.Port is not null)
                {
                    return both;
                }

                error = $"'{Shortened(text)}' is not ADDRESS:PORT, like 192.0.2.7:5123 or [2001:db8::7]:5123";
                return null;
            case ArgumentKind.AddressOptionalPort:
                if (TryReadAddress(text, out var either))
                {
                    return either;
                }

                error = $"'{Shortened(text)}' is not ADDRESS or ADDRESS:PORT, like 192.0.2.7 or [2001:db8::7]:5123";
                return null;
            case ArgumentKind.Number:
                if (TryReadNumber(text, out var number) && number >= argument.Range.Least && number <= argument.Range.Most)
                {
                    return number;
                }

                error = string.Create(CultureInfo.InvariantCulture,
                    $"'{Shortened(text)}' is not a number from {argument.Range.Least} to {argument.Range.Most}");
                return null;
            case ArgumentKind.Hex:
                if (text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit))
                {
                    return Convert.FromHexString(text);
                }

                error = $"'{Shortened(text)}' is not bytes in hexadecimal, two digits each";
                return null;
            case ArgumentKind.Tags:
                if (Tag.TryParse(text, out var tag))
                {
                    return ImmutableArray.Create(tag);
                }

                error = $"'{Shortened(text)}' is not KEY=VALUE, like country=US";
                return null;
            case ArgumentKind.Id:
                if (text.Length <= 63 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
                {
                    return text;
                }

                error = $"'{Shortened(text)}' is not the name of a lease or of a hold";
                return null;
            case ArgumentKind.Label:
                if (Label.TryParse(text, out var label))
                {
                    return label;
                }

                error = $"'{Shortened(text)}' is not a label: 1 to {Label.MaxLength} letters, digits, '-', '_' and '.', the first a letter or a digit";
                return null;
            case ArgumentKind.Prefix:
                if (Binding.TryParsePrefix(text, out var prefix, out var wrong))
                {
                    return prefix;
                }

                error = wrong!;
                return null;
            case ArgumentKind.Ports:
                if (Binding.TryParsePorts(text, out var ports))
                {
                    return ports;
                }

                error = $"'{Shortened(text)}' is neither a port, nor a range like 8000-8100, nor 'any'; ports are 1 to 65535";
                return null;
            case ArgumentKind.CgroupPath:
                if (text.StartsWith('/'))
                {
                    return text;
                }

                error = $"'{Shortened(text)}' is not a path from the root of the cgroup tree, like /system.slice/proxy.service";
                return null;
            case ArgumentKind.DomainName:
                if (IsDomainName(text))
                {
                    return text;
                }

                error = $"'{Shortened(text)}' is not a domain name, like www.example.com: labels of 1 to 63 letters, digits, '-' and '_', at most 253 characters";
                return null;
            case ArgumentKind.Time:
                if (TryReadTime(text, out var time))
                {
                    return time;
                }

                error = $"'{Shortened(text)}' is not a time, like 2026-11-22T12:00:00Z";
                return null;
            default:
                return text;
        }
    }

    private static bool IsDomainName(string text)
    {
        var name = text.EndsWith('.') ? text[..^1] : text;
        return name.Length is > 0 and <= 253
            && name.Split('.').All(l => l.Length is > 0 and <= 63 && l.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '*'));
    }

    private static bool TryReadAddress(string text, out AddressWithPort value)
    {
        value = default;
        IpAddress address;
        if (text.StartsWith('['))
        {
            var close = text.IndexOf(']', StringComparison.Ordinal);
            if (close < 0 || !IpAddress.TryParse(text.AsSpan(1, close - 1), out address) || !address.IsIPv6)
            {
                return false;
            }

            return close == text.Length - 1
                ? Without(address, out value)
                : text[close + 1] == ':' && With(address, text.AsSpan(close + 2), out value);
        }

        if (IpAddress.TryParse(text, out address))
        {
            return Without(address, out value);
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && IpAddress.TryParse(text.AsSpan(0, colon), out address) && With(address, text.AsSpan(colon + 1), out value);
    }

    private static bool Without(IpAddress address, out AddressWithPort value)
    {
        value = new AddressWithPort(address, null);
        return true;
    }

    private static bool With(IpAddress address, ReadOnlySpan<char> portText, out AddressWithPort value)
    {
        var valid = ushort.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var port);
        value = new AddressWithPort(address, port);
        return valid;
    }

    // RFC 3339 with its T and its zone: a local time without one names no moment.
    private static bool TryReadTime(string text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out time)
        && (text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal));

    private static bool TryReadNumber(string text, out long number) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static string Shortened(string text) => text.Length <= 60 ? text : text[..57] + "...";
}
