using System.Collections.Immutable;

namespace SoftUnicast.Control.Commands;

/// <summary>Names that arguments can be completed with.</summary>
public interface IKnownNames
{
    IEnumerable<string> Pools { get; }

    IEnumerable<string> Servers { get; }

    IEnumerable<string> Interfaces { get; }

    /// <summary>Names that sockets are registered under.</summary>
    IEnumerable<string> Labels { get; }

    /// <summary>Policies of naming.yaml.</summary>
    IEnumerable<string> Policies { get; }

    /// <summary>Pools of naming.yaml.</summary>
    IEnumerable<string> NamingPools { get; }
}

/// <summary>A word that may stand next.</summary>
/// <param name="Text">The word, or for something that the user must supply its placeholder.</param>
/// <param name="IsPlaceholder">True if it cannot be put into the line as it is.</param>
public readonly record struct Candidate(string Text, string Help, bool IsPlaceholder);

/// <summary>What may stand in place of the last, unfinished word of a line.</summary>
/// <param name="Start">Column of the unfinished word; the line's length if a new word begins there.</param>
/// <param name="Candidates">Ascending, without duplicates; empty if the words before it are not understood.</param>
/// <param name="MayEnd">True if the line, without the unfinished word, is a whole command.</param>
public sealed record CompletionResult(int Start, ImmutableArray<Candidate> Candidates, bool MayEnd)
{
    /// <summary>What all candidates begin with: the most that can be put in without a choice.</summary>
    public string CommonPrefix
    {
        get
        {
            var words = Candidates.Where(c => !c.IsPlaceholder).Select(c => c.Text).ToArray();
            if (words.Length == 0 || words.Length != Candidates.Length)
            {
                return "";
            }

            var length = words.Min(w => w.Length);
            while (words.Any(w => !w.AsSpan(0, length).SequenceEqual(words[0].AsSpan(0, length))))
            {
                length--;
            }

            return words[0][..length];
        }
    }
}

/// <summary>Completes lines and gives help at any point.</summary>
public static class Completion
{
    public const string EndOfLine = "<enter>";

    /// <param name="names">Names of pools, servers and interfaces; null: placeholders instead.</param>
    public static CompletionResult Of(string line, IKnownNames? names = null)
    {
        ArgumentNullException.ThrowIfNull(line);
        var words = RequestLine.Words(line);
        var beginsNew = words.Length == 0 || words[^1].End < line.Length;
        var unfinished = beginsNew ? "" : words[^1].Text;
        var start = beginsNew ? line.Length : words[^1].Column;
        var cursors = CommandParser.Start();
        for (var i = 0; i < words.Length - (beginsNew ? 0 : 1); i++)
        {
            cursors = CommandParser.Advance(cursors, words[i].Text, i, out _);
        }

        var candidates = cursors.SelectMany(c => c.Next())
            .SelectMany(n => CandidatesFor(n.Element, unfinished, names))
            .DistinctBy(c => c.Text)
            .OrderBy(c => c.IsPlaceholder)
            .ThenBy(c => c.Text, StringComparer.Ordinal);
        return new CompletionResult(start, [.. candidates], words.Length > 0 && cursors.Any(c => c.MayEnd));
    }

    /// <summary>The text that '?' shows: a word and its meaning a line.</summary>
    public static IEnumerable<string> HelpLines(string line, IKnownNames? names = null)
    {
        var result = Of(line, names);
        var rows = result.Candidates.Select(c => (c.Text, c.Help)).ToList();
        if (result.MayEnd && result.Start == line.Length)
        {
            rows.Add((EndOfLine, "Carry it out"));
        }

        if (rows.Count == 0)
        {
            yield return "nothing may stand there";
        }

        var width = rows.Count == 0 ? 0 : rows.Max(r => r.Text.Length);
        foreach (var (text, help) in rows)
        {
            yield return $"{text.PadRight(width)}  {help}".TrimEnd();
        }
    }

    private static IEnumerable<Candidate> CandidatesFor(Element element, string unfinished, IKnownNames? names)
    {
        if (element is Word word)
        {
            return word.Text.StartsWith(unfinished, StringComparison.OrdinalIgnoreCase) ? [new Candidate(word.Text, word.Help, false)] : [];
        }

        var argument = (Argument)element;
        var known = argument.Kind switch
        {
            ArgumentKind.PoolName => names?.Pools,
            ArgumentKind.ServerName => names?.Servers,
            ArgumentKind.InterfaceName => names?.Interfaces,
            ArgumentKind.Label => names?.Labels,
            ArgumentKind.PolicyName => names?.Policies,
            ArgumentKind.NamingPoolName => names?.NamingPools,
            _ => null,
        };
        var fitting = known?.Where(n => n.StartsWith(unfinished, StringComparison.Ordinal)).ToArray();
        return fitting is { Length: > 0 }
            ? fitting.Select(n => new Candidate(n, argument.Help, false))
            : [new Candidate(argument.Placeholder, argument.Help, true)];
    }
}
