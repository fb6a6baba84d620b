using System.Collections.Immutable;

namespace SoftUnicast.Control.Commands;

/// <summary>A word of a line and the column (from 0) that it starts in.</summary>
internal readonly record struct LineWord(string Text, int Column)
{
    public int End => Column + Text.Length;
}

/// <summary>Cuts a line into words.</summary>
internal static class RequestLine
{
    public static ImmutableArray<LineWord> Words(string line)
    {
        var words = ImmutableArray.CreateBuilder<LineWord>();
        var i = 0;
        while (i < line.Length)
        {
            if (line[i] is ' ' or '\t')
            {
                i++;
                continue;
            }

            var start = i;
            while (i < line.Length && line[i] is not (' ' or '\t'))
            {
                i++;
            }

            words.Add(new LineWord(line[start..i], start));
        }

        return words.ToImmutable();
    }
}
