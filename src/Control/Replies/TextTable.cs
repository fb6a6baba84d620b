using System.Collections.Immutable;

namespace SoftUnicast.Control.Replies;

/// <summary>Aligned columns: numbers to the right, everything else to the left, two blanks between.</summary>
internal sealed class TextTable<TRow>(IReadOnlyCollection<TRow> rows)
{
    private readonly List<(string Head, bool Right, Func<TRow, string> Cell)> columns = [];

    public TextTable<TRow> Left(string head, Func<TRow, string?> cell)
    {
        columns.Add((head, false, r => cell(r) ?? ""));
        return this;
    }

    public TextTable<TRow> Right(string head, Func<TRow, string?> cell)
    {
        columns.Add((head, true, r => cell(r) ?? ""));
        return this;
    }

    /// <summary>A head line and one line a row; columns that are empty in every row are left out. Nothing without rows.</summary>
    public IEnumerable<string> Lines()
    {
        if (rows.Count == 0)
        {
            yield break;
        }

        var widths = columns.Select(c => rows.Max(r => c.Cell(r).Length)).ToImmutableArray();
        var shown = Enumerable.Range(0, columns.Count).Where(i => widths[i] > 0).ToArray();
        yield return Line(i => columns[i].Head);
        foreach (var row in rows)
        {
            yield return Line(i => columns[i].Cell(row));
        }

        string Line(Func<int, string> text) => string.Join("  ", shown.Select(i =>
        {
            var width = Math.Max(widths[i], columns[i].Head.Length);
            return columns[i].Right ? text(i).PadLeft(width) : text(i).PadRight(width);
        })).TrimEnd();
    }
}
