using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace SoftUnicast.Config;

/// <summary>What a file may be made of, checked before YAML is: UTF-8, no tabs, nothing that hides from the reader.</summary>
internal static class CharacterRules
{
    /// <summary>The text of UTF-8 bytes, or null after reporting the first byte that is not UTF-8.</summary>
    public static string? Decode(string fileName, ReadOnlySpan<byte> utf8, List<Diagnostic> diagnostics)
    {
        if (Utf8.IsValid(utf8))
        {
            return Encoding.UTF8.GetString(utf8);
        }

        var bad = FirstInvalid(utf8);
        var source = new SourceText(fileName, Encoding.UTF8.GetString(utf8));
        var place = source.PlaceAt(Encoding.UTF8.GetCharCount(utf8[..bad]), 1);
        diagnostics.Add(new Diagnostic(
            Severity.Error, fileName, place.Line, place.Column, 1,
            string.Create(CultureInfo.InvariantCulture, $"byte 0x{utf8[bad]:x2} is not UTF-8"),
            "save the file as UTF-8",
            source.Excerpt(place)));
        return null;
    }

    /// <summary>Reports every character that may not be there; false if there was one.</summary>
    public static bool Check(SourceText source, DiagnosticBag bag)
    {
        var text = source.Text;
        var good = true;
        var tabLine = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is >= ' ' and <= '~' or '\n' || (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n'))
            {
                continue;
            }

            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                if (IsShowable(CharUnicodeInfo.GetUnicodeCategory(text, i)))
                {
                    i++;
                    continue;
                }
            }
            else if (c >= '\u00A0' && !char.IsSurrogate(c) && IsShowable(c))
            {
                continue;
            }

            good = false;
            var place = source.PlaceAt(i, 1);
            if (c == '\t')
            {
                // One report a line: a file indented with tabs has one fault in every line, not one for every tab.
                if (place.Line != tabLine)
                {
                    bag.Error(place, "a tab", "use blanks: YAML does not indent with tabs");
                    tabLine = place.Line;
                }
            }
            else
            {
                var codePoint = Rune.TryGetRuneAt(text, i, out var rune) ? rune.Value : c;
                bag.Error(place, Describe(codePoint, i), "take it out");
                i += codePoint > char.MaxValue ? 1 : 0;
            }
        }

        return good;
    }

    public static bool IsShowable(char c) => IsShowable(CharUnicodeInfo.GetUnicodeCategory(c));

    private static bool IsShowable(UnicodeCategory category) => category is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);

    private static string Describe(int codePoint, int offset) => codePoint switch
    {
        0 => "a NUL character",
        0xFEFF when offset == 0 => "the file starts with a byte order mark",
        '\r' => "a carriage return without a line feed",
        >= 0xD800 and <= 0xDFFF => string.Create(CultureInfo.InvariantCulture, $"half a surrogate pair, U+{codePoint:X4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"a control or invisible character, U+{codePoint:X4}"),
    };

    private static int FirstInvalid(ReadOnlySpan<byte> utf8)
    {
        var offset = 0;
        while (offset < utf8.Length)
        {
            if (Rune.DecodeFromUtf8(utf8[offset..], out _, out var consumed) != System.Buffers.OperationStatus.Done)
            {
                return offset;
            }

            offset += consumed;
        }

        return offset;
    }
}
