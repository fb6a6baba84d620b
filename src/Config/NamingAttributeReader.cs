using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads how names get their attributes: patterns of names, and what their values say further.</summary>
internal sealed class NamingAttributeReader(DiagnosticBag bag)
{
    // Exact in every number that reads it, a double too.
    private const int MostDigits = 15;
    private static readonly SearchValues<char> TagCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");
    private readonly Values values = new(bag);

    public List<AttributeRule> Rules { get; } = [];

    /// <summary>Every attribute that some name may have.</summary>
    public HashSet<string> Known { get; } = new(StringComparer.Ordinal);

    public static bool IsTag(string text) => text.Length is > 0 and <= 63 && !text.AsSpan().ContainsAnyExcept(TagCharacters);

    public void Read(YamlEntry entry)
    {
        var name = entry.Key.Text;
        values.Name(entry.Key, "rule");
        var owner = $"attribute rule '{Quoted.Short(name)}'";
        if (Section.Open(bag, entry.Value, entry.Key.Place, owner, NamingKeys.Attribute) is not { } section)
        {
            return;
        }

        var labels = ImmutableArray.CreateBuilder<PatternLabel>();
        var suffix = ReadPattern(section.Required("pattern"), labels);
        var read = labels.Where(l => l.Attribute is not null).Select(l => l.Attribute!).ToHashSet(StringComparer.Ordinal);
        Known.UnionWith(read);
        string? by = null;
        ImmutableArray<AttributeRow> rows = [];
        if (section.Has("by") || section.Has("rows"))
        {
            var node = section.Required("by", "write which attribute the rows are about");
            by = values.Text(node, "'by'");
            if (by is not null && suffix is not null && !read.Contains(by))
            {
                bag.Error(node!.Place, $"the pattern reads no attribute '{Quoted.Short(by)}'", bag.Nearest.Hint(by, read));
            }

            rows = ReadRows(section);
        }

        if (suffix is not null)
        {
            Rules.Add(new AttributeRule(name, labels.DrainToImmutable(), suffix, by, rows));
        }
    }

    /// <summary>The suffix, after the labels that lead up to it; null after an error.</summary>
    private string? ReadPattern(YamlNode? node, ImmutableArray<PatternLabel>.Builder labels)
    {
        if (values.Text(node, "'pattern'") is not { } text)
        {
            return null;
        }

        var parts = text.Split('.');
        var last = Array.FindLastIndex(parts, p => p == "*" || p.Contains('{', StringComparison.Ordinal));
        var suffix = string.Join('.', parts[(last + 1)..]);
        if (!parts.Any(p => p.Contains('{', StringComparison.Ordinal)) || !DomainNames.IsName(suffix))
        {
            bag.Error(
                node!.Place,
                $"'pattern' is labels with {{attribute}} in them and the rest of the name, not '{Quoted.Short(text)}'",
                "write, for one, \"a{account}.cdn.example.com\"");
            return null;
        }

        foreach (var part in parts[..(last + 1)])
        {
            if (Label(part) is not { } label)
            {
                bag.Error(node!.Place, $"'{Quoted.Short(part)}' is no label of a pattern: text, *, or text with one {{attribute}} in it");
                return null;
            }

            if (label.Attribute is not null && labels.Any(l => l.Attribute == label.Attribute))
            {
                bag.Error(node!.Place, $"the pattern reads '{label.Attribute}' twice");
                return null;
            }

            labels.Add(label);
        }

        return suffix;
    }

    private static PatternLabel? Label(string part)
    {
        if (part == "*")
        {
            return new PatternLabel(null, "", "", true);
        }

        var (open, close) = (part.IndexOf('{', StringComparison.Ordinal), part.IndexOf('}', StringComparison.Ordinal));
        if (open < 0)
        {
            return DomainNames.IsLabel(part) ? new PatternLabel(null, part, "", false) : null;
        }

        if (close < open || !Values.IsName(part.AsSpan((open + 1)..close)))
        {
            return null;
        }

        var (before, after) = (part[..open], part[(close + 1)..]);
        return (before.Length == 0 || DomainNames.IsLabel(before)) && (after.Length == 0 || DomainNames.IsLabel(after))
            ? new PatternLabel(part[(open + 1)..close], before, after, false)
            : null;
    }

    private ImmutableArray<AttributeRow> ReadRows(Section section)
    {
        if (values.List(section.Required("rows", "write what its values say further, or leave 'by' away"), "'rows'") is not { } items)
        {
            return [];
        }

        var rows = new List<(AttributeRow Row, Place Place)>();
        foreach (var item in items)
        {
            if (Section.Open(bag, item, item.Place, "a row", NamingKeys.Row) is not { } row)
            {
                continue;
            }

            var node = row.Required("is");
            var text = values.Text(node, "'is'");
            var tags = ReadTags(row);
            if (text is not null && Row(text, tags, node!.Place) is { } read)
            {
                rows.Add((read, node!.Place));
            }
        }

        CheckRows(rows);
        return [.. rows.Select(r => r.Row)];
    }

    private AttributeRow? Row(string text, ImmutableSortedDictionary<string, string> tags, Place place)
    {
        if (!IsTag(text))
        {
            bag.Error(place, $"'is' is a number, a range of numbers or a value in lower case, not '{Quoted.Short(text)}'");
            return null;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        var (firstText, lastText) = dash < 0 ? (text, text) : (text[..dash], text[(dash + 1)..]);
        if (Number(firstText) is not { } first || Number(lastText) is not { } last)
        {
            return new AttributeRow(text, null, null, tags);
        }

        if (first > last)
        {
            bag.Error(place, FormattableString.Invariant($"a range runs upwards, not from {first} to {last}"));
            return null;
        }

        return new AttributeRow(null, first, last, tags);
    }

    private static ulong? Number(string text) =>
        text.Length is > 0 and <= MostDigits && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private ImmutableSortedDictionary<string, string> ReadTags(Section row)
    {
        var tags = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var entry in values.Named(row.Required("tags"), "'tags'"))
        {
            values.Name(entry.Key, "tag");
            Known.Add(entry.Key.Text);
            if (values.Text(entry.Value, $"tag '{Quoted.Short(entry.Key.Text)}'") is not { } value)
            {
                continue;
            }

            if (!IsTag(value))
            {
                bag.Error(entry.Value.Place, NotATag(value));
            }

            tags[entry.Key.Text] = value;
        }

        return tags.ToImmutable();
    }

    public static string NotATag(string value) => $"'{Quoted.Short(value)}' is no value of an attribute: 1 to 63 lower-case letters, digits, '.', '_' and '-'";

    private void CheckRows(List<(AttributeRow Row, Place Place)> rows)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (row, place) in rows.Where(r => r.Row.Value is not null))
        {
            if (!seen.TryAdd(row.Value!, place.Line))
            {
                bag.Error(place, FormattableString.Invariant($"'{row.Value}' has a row already, in line {seen[row.Value!]}"));
            }
        }

        (AttributeRow Row, Place Place)? reach = null;
        foreach (var row in rows.Where(r => r.Row.Value is null).OrderBy(r => r.Row.First).ThenBy(r => r.Place.Line))
        {
            if (reach is { } other && row.Row.First <= other.Row.Last)
            {
                // The later one in the file is the one to blame, whichever sorts first.
                var (late, early) = other.Place.Line > row.Place.Line ? (other, row) : (row, other);
                bag.Error(late.Place, FormattableString.Invariant($"{late.Row.First}-{late.Row.Last} overlaps {early.Row.First}-{early.Row.Last} in line {early.Place.Line}"));
            }

            if (reach is null || row.Row.Last > reach.Value.Row.Last)
            {
                reach = row;
            }
        }
    }
}
