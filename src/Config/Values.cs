using System.Buffers;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>
/// Reads single values from nodes. Each method returns null after reporting what is wrong; <c>what</c> names the value in
/// the message, as in <c>'hold-time'</c>. A text never changes its meaning: a number is plain decimal, a truth value is
/// <c>true</c> or <c>false</c>, and <c>on</c>, <c>22:22</c>, <c>0x10</c> or <c>1_000</c> are nothing but texts.
/// </summary>
internal sealed class Values(DiagnosticBag bag)
{
    private const int LongestName = 63;
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    public static string Kind(YamlNode node) => node switch
    {
        YamlMap => "a map",
        YamlList => "a list",
        YamlScalar { IsMissing: true } => "nothing",
        YamlScalar scalar => $"'{Quoted.Short(scalar.Text)}'",
        _ => "this",
    };

    /// <summary>The entries of a map whose keys are names that the operator chose.</summary>
    public List<YamlEntry> Named(YamlNode? node, string what)
    {
        switch (node)
        {
            case null or YamlBroken:
                return [];
            case YamlMap map:
                return map.Entries;
            default:
                bag.Error(node.Place, $"{what} is a map, not {Kind(node)}", node is YamlScalar { IsMissing: true } ? "write {} if there is none" : null);
                return [];
        }
    }

    public List<YamlNode>? List(YamlNode? node, string what)
    {
        switch (node)
        {
            case null or YamlBroken:
                return null;
            case YamlList list:
                return list.Items;
            default:
                bag.Error(node.Place, $"{what} is a list, not {Kind(node)}", node is YamlScalar { IsMissing: true } ? "write [] if there is none" : null);
                return null;
        }
    }

    public string? Text(YamlNode? node, string what)
    {
        switch (node)
        {
            case null or YamlBroken:
                return null;
            case YamlScalar { Text.Length: > 0 } scalar:
                return scalar.Text;
            case YamlScalar:
                bag.Error(node.Place, $"{what} has no value");
                return null;
            default:
                bag.Error(node.Place, $"{what} is a single value, not {Kind(node)}");
                return null;
        }
    }

    public long? Number(YamlNode? node, string what, long least, long most)
    {
        if (Text(node, what) is not { } text)
        {
            return null;
        }

        var negative = least < 0 && text.StartsWith('-');
        var digits = negative ? text.AsSpan(1) : text;
        var plain = digits.Length is > 0 and < 19 && !digits.ContainsAnyExceptInRange('0', '9') && (digits.Length == 1 || digits[0] != '0');
        if (plain && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return value;
        }

        bag.Error(
            node!.Place,
            string.Create(CultureInfo.InvariantCulture, $"{what} is a number from {least} to {most}, not '{Quoted.Short(text)}'"),
            plain ? null : "write a plain decimal number: digits only, no leading zero, sign, separator or unit");
        return null;
    }

    public bool? Truth(YamlNode? node, string what)
    {
        if (Text(node, what) is not { } text)
        {
            return null;
        }

        if (text is "true" or "false")
        {
            return text == "true";
        }

        bag.Error(node!.Place, $"{what} is true or false, not '{Quoted.Short(text)}'", text.ToUpperInvariant() switch
        {
            "ON" or "YES" or "Y" or "TRUE" => "write true",
            "OFF" or "NO" or "N" or "FALSE" => "write false",
            _ => null,
        });
        return null;
    }

    /// <summary>One of a few words.</summary>
    public T? Word<T>(YamlNode? node, string what, params (string Word, T Value)[] words)
        where T : struct
    {
        if (Text(node, what) is not { } text)
        {
            return null;
        }

        foreach (var (word, value) in words)
        {
            if (word == text)
            {
                return value;
            }
        }

        var known = words.Select(w => w.Word).ToArray();
        bag.Error(
            node!.Place,
            $"{what} is {string.Join(", ", known[..^1])} or {known[^1]}, not '{Quoted.Short(text)}'",
            bag.Nearest.Hint(text, known));
        return null;
    }

    /// <summary>A name: a lower-case letter, then up to 62 lower-case letters, digits and hyphens.</summary>
    public bool Name(YamlScalar key, string what)
    {
        var text = key.Text;
        if (IsName(text))
        {
            return true;
        }

        var lower = text.ToLowerInvariant().Replace('_', '-').Replace('.', '-');
        bag.Error(
            key.Place,
            $"'{Quoted.Short(text)}' is no name for a {what}: a lower-case letter, then up to {LongestName - 1} lower-case letters, digits and '-'",
            IsName(lower) ? $"did you mean '{lower}'?" : null);
        return false;
    }

    public static bool IsName(ReadOnlySpan<char> text) => text.Length is > 0 and <= LongestName && text[0] is >= 'a' and <= 'z'
        && !text.ContainsAnyExcept(NameCharacters);

    public IpAddress? Address(YamlNode? node, string what)
    {
        if (Text(node, what) is not { } text)
        {
            return null;
        }

        if (IpAddress.TryParse(text, out var address))
        {
            return address;
        }

        bag.Error(node!.Place, $"{what} is an IPv4 or IPv6 address, not '{Quoted.Short(text)}'", AddressHint(text));
        return null;
    }

    /// <summary>An address that a host may have and that routers forward.</summary>
    public IpAddress? UnicastAddress(YamlNode? node, string what)
    {
        if (Address(node, what) is not { } address)
        {
            return null;
        }

        if (AddressRules.WhyNotUnicast(address) is { } why)
        {
            bag.Error(node!.Place, $"{what} cannot be {address}: {why}");
            return null;
        }

        return address;
    }

    public uint? Asn(YamlNode? node, string what)
    {
        if (node is YamlScalar { Text: var text } && AsDot(text) is { } plain)
        {
            bag.Error(node.Place, $"{what} is a plain decimal AS number, not '{Quoted.Short(text)}'", string.Create(CultureInfo.InvariantCulture, $"write {plain}"));
            return null;
        }

        if (Number(node, what, 1, 4294967294) is not { } number)
        {
            return null;
        }

        var why = number switch
        {
            23456 => "it is AS_TRANS (RFC 6793)",
            65535 => "it is reserved (RFC 7300)",
            _ => null,
        };
        if (why is null)
        {
            return (uint)number;
        }

        bag.Error(node!.Place, string.Create(CultureInfo.InvariantCulture, $"{what} cannot be {number}: {why}"));
        return null;
    }

    /// <summary>An absolute path without control characters, at most <paramref name="longest"/> bytes.</summary>
    public string? AbsolutePath(YamlNode? node, string what, int longest = 4095)
    {
        if (Text(node, what) is not { } text)
        {
            return null;
        }

        if (!text.StartsWith('/') || text.EndsWith('/') || text.Contains('\0', StringComparison.Ordinal))
        {
            bag.Error(node!.Place, $"{what} is an absolute path, not '{Quoted.Short(text)}'");
            return null;
        }

        return PathFits(text, node!, what, longest) ? text : null;
    }

    /// <summary>The path of a file, joined to the folder of the file that it stands in if it is relative.</summary>
    public string? FilePath(YamlNode? node, string what, string standsIn)
    {
        if (Text(node, what) is not { } text)
        {
            return null;
        }

        if (text.EndsWith('/') || text.Contains('\0', StringComparison.Ordinal))
        {
            bag.Error(node!.Place, $"{what} is the path of a file, not '{Quoted.Short(text)}'");
            return null;
        }

        PathFits(text, node!, what, 4095);
        return Path.Combine(Path.GetDirectoryName(standsIn) ?? "", text);
    }

    public bool PathFits(string text, YamlNode node, string what, int longest)
    {
        var bytes = System.Text.Encoding.UTF8.GetByteCount(text);
        if (bytes > longest)
        {
            bag.Error(node.Place, string.Create(CultureInfo.InvariantCulture, $"{what} is {bytes} bytes long; the kernel takes at most {longest}"));
        }

        return bytes <= longest;
    }

    private static string? AddressHint(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && IpAddress.TryParse(text.AsSpan(0, slash), out var address))
        {
            return $"write {address}, without a prefix length";
        }

        if (text.Length > 2 && text[0] == '[' && text[^1] == ']')
        {
            return "write it without brackets";
        }

        var parts = text.Split('.');
        return parts.Length == 4 && parts.All(p => p.Length is > 0 and < 10 && p.All(char.IsAsciiDigit)) && parts.Any(p => p.Length > 1 && p[0] == '0')
            ? "write the numbers without leading zeros"
            : null;
    }

    private static uint? AsDot(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        return dot > 0
            && ushort.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var high)
            && ushort.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var low)
            ? ((uint)high << 16) | low
            : null;
    }
}
