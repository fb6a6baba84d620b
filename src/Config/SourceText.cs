using System.Text;

namespace SoftUnicast.Config;

/// <summary>A stretch of one line. Line and column count from 1; <see cref="Length"/> is at least 1.</summary>
internal readonly record struct Place(int Line, int Column, int Length)
{
    public static Place Start => new(1, 1, 1);
}

/// <summary>A file's text with its lines indexed, so that any place in it can be shown.</summary>
internal sealed class SourceText
{
    private const int ExcerptWidth = 110;
    private const int ExcerptLead = 40;
    private readonly List<int> lineStarts = [0];

    public SourceText(string fileName, string text)
    {
        FileName = fileName;
        Text = text;
        for (var i = text.IndexOf('\n', StringComparison.Ordinal); i >= 0; i = text.IndexOf('\n', i + 1))
        {
            lineStarts.Add(i + 1);
        }
    }

    public string FileName { get; }

    public string Text { get; }

    /// <summary>The line without its end; empty past the last line.</summary>
    public ReadOnlySpan<char> Line(int line)
    {
        if (line < 1 || line > lineStarts.Count)
        {
            return [];
        }

        var start = lineStarts[line - 1];
        var end = line < lineStarts.Count ? lineStarts[line] - 1 : Text.Length;
        return Text.AsSpan(start, end - start).TrimEnd('\r');
    }

    public Place PlaceAt(int offset, int length)
    {
        var index = lineStarts.BinarySearch(offset);
        var line = index >= 0 ? index : ~index - 1;
        return new Place(line + 1, offset - lineStarts[line] + 1, length);
    }

    /// <summary>The line around a place; what a terminal cannot show stands as U+FFFD, a tab as one blank.</summary>
    public SourceExcerpt Excerpt(Place place)
    {
        var line = Line(place.Line);
        var offset = Math.Min(place.Column - 1, line.Length);
        var start = line.Length <= ExcerptWidth || offset <= ExcerptLead ? 0 : Math.Min(offset - ExcerptLead, line.Length - ExcerptWidth);
        var end = Math.Min(line.Length, start + ExcerptWidth);
        var shown = new StringBuilder(end - start + 6);
        shown.Append(start > 0 ? "..." : "");
        var caret = shown.Length + offset - start;
        foreach (var c in line[start..end])
        {
            shown.Append(c == '\t' ? ' ' : CharacterRules.IsShowable(c) ? c : '\uFFFD');
        }

        shown.Append(end < line.Length ? "..." : "");
        return new SourceExcerpt(shown.ToString(), caret, Math.Clamp(place.Length, 1, Math.Max(1, end - offset)));
    }
}
