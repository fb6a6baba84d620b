using System.Buffers;

namespace SoftUnicast.Config;

/// <summary>Domain names as the naming file writes them: lower case, letters, digits, '-' and '_', no dot at the end.</summary>
internal static class DomainNames
{
    // RFC 1035 2.3.4: 255 bytes on the wire, which has two more than the text.
    private const int LongestName = 253;
    private const int LongestLabel = 63;
    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    public static bool IsLabel(ReadOnlySpan<char> text) => text.Length is > 0 and <= LongestLabel && !text.ContainsAnyExcept(LabelCharacters);

    public static bool IsName(string text) => text.Length is > 0 and <= LongestName && text.Split('.').All(l => IsLabel(l));

    public static bool IsBelow(string name, string suffix) =>
        name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal) && name[name.Length - suffix.Length - 1] == '.';

    /// <summary>Reads one; null after reporting what is wrong.</summary>
    public static string? Read(DiagnosticBag bag, Values values, YamlNode node)
    {
        if (values.Text(node, "a domain name") is not { } text)
        {
            return null;
        }

        if (IsName(text))
        {
            return text;
        }

        var better = text.ToLowerInvariant().TrimEnd('.');
        bag.Error(
            node.Place,
            $"'{Quoted.Short(text)}' is no domain name: labels of lower-case letters, digits, '-' and '_', without a dot at the end",
            IsName(better) ? $"did you mean '{better}'?" : null);
        return null;
    }
}
