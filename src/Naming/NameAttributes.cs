using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>An attribute rule, ready to read names.</summary>
internal sealed class NameAttributes
{
    private readonly ImmutableArray<PatternLabel> labels;
    private readonly byte[] suffix;
    private readonly string? key;
    private readonly Dictionary<string, ImmutableSortedDictionary<string, string>> values = new(StringComparer.Ordinal);
    private readonly AttributeRow[] ranges;
    private readonly ulong[] firsts;

    public NameAttributes(AttributeRule rule)
    {
        labels = rule.Labels;
        suffix = DnsName.Parse(rule.Suffix.Length == 0 ? "." : rule.Suffix).Wire.ToArray();
        key = rule.Key;
        foreach (var row in rule.Rows.Where(r => r.First is null))
        {
            values.Add(row.Value!, row.Tags);
        }

        ranges = [.. rule.Rows.Where(r => r.First is not null).OrderBy(r => r.First)];
        firsts = [.. ranges.Select(r => r.First!.Value)];
    }

    /// <summary>Adds what the name says, if it is of this rule; nothing that is there is changed.</summary>
    public void Read(ReadOnlySpan<byte> name, Dictionary<string, string> into)
    {
        var at = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            if (name[at] == 0)
            {
                return;
            }

            at += name[at] + 1;
        }

        if (!name[at..].SequenceEqual(suffix))
        {
            return;
        }

        Span<Range> read = stackalloc Range[labels.Length];
        at = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            var label = name.Slice(at + 1, name[at]);
            if (!Matches(labels[i], label, out var range))
            {
                return;
            }

            read[i] = (at + 1 + range.Start.Value)..(at + 1 + range.End.Value);
            at += name[at] + 1;
        }

        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i].Attribute is { } attribute)
            {
                into.TryAdd(attribute, Encoding.Latin1.GetString(name[read[i]]));
            }
        }

        if (key is not null && into.TryGetValue(key, out var value) && Row(value) is { } tags)
        {
            foreach (var (tag, text) in tags)
            {
                into.TryAdd(tag, text);
            }
        }
    }

    private ImmutableSortedDictionary<string, string>? Row(string value)
    {
        if (values.TryGetValue(value, out var tags))
        {
            return tags;
        }

        // Fifteen digits are exact in Lua's numbers too.
        if (ranges.Length == 0 || value.Length is 0 or > 15 || !ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }

        var index = Array.BinarySearch(firsts, number);
        index = index < 0 ? ~index - 1 : index;
        return index >= 0 && number <= ranges[index].Last!.Value ? ranges[index].Tags : null;
    }

    private static bool Matches(PatternLabel pattern, ReadOnlySpan<byte> label, out Range range)
    {
        range = default;
        if (pattern.IsAny)
        {
            return true;
        }

        if (pattern.Attribute is null)
        {
            return SameText(pattern.Before, label);
        }

        var length = label.Length - pattern.Before.Length - pattern.After.Length;
        if (length < 1 || !SameText(pattern.Before, label[..pattern.Before.Length]) || !SameText(pattern.After, label[(pattern.Before.Length + length)..]))
        {
            return false;
        }

        range = pattern.Before.Length..(pattern.Before.Length + length);
        return true;
    }

    private static bool SameText(string text, ReadOnlySpan<byte> bytes)
    {
        if (text.Length != bytes.Length)
        {
            return false;
        }

        for (var i = 0; i < bytes.Length; i++)
        {
            if (text[i] != bytes[i])
            {
                return false;
            }
        }

        return true;
    }
}
