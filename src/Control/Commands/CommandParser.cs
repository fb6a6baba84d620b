using System.Collections.Immutable;

namespace SoftUnicast.Control.Commands;

/// <summary>A request line was understood, or not.</summary>
public abstract record ParseOutcome;

public sealed record Parsed(ControlCommand Command) : ParseOutcome;

/// <summary>Why a line was not understood.</summary>
/// <param name="Column">Where, counted from 0, in the line as it was given.</param>
/// <param name="Length">How many characters are meant, at least 1.</param>
/// <param name="Hint">The next step, or null.</param>
public sealed record ParseError(ReplyCode Code, string Line, int Column, int Length, string Message, string? Hint) : ParseOutcome
{
    /// <summary>The line with carets below what is meant; two lines.</summary>
    public IEnumerable<string> Marked()
    {
        yield return Line.Replace('\t', ' ');
        yield return new string(' ', Column) + new string('^', Length);
    }
}

/// <summary>
/// Reads request lines. Any word may be abbreviated as long as the whole line then means one command: <c>sh sl</c> is
/// <c>show slices</c>, since <c>show slice</c> would need more words. A word given in full is never an abbreviation of another.
/// </summary>
public static class CommandParser
{
    public static ParseOutcome Parse(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var words = RequestLine.Words(line);
        if (words.Length == 0)
        {
            return new ParseError(ReplyCode.Incomplete, line, line.Length, 1, "the line is empty", "'?' lists the commands");
        }

        if (HelpAt(line) is { } about)
        {
            return new Parsed(new Help(about));
        }

        var cursors = Start();
        for (var i = 0; i < words.Length; i++)
        {
            var after = Advance(cursors, words[i].Text, i, out var argumentError);
            if (after.Length == 0)
            {
                return Refused(line, words, i, cursors, argumentError);
            }

            cursors = after;
        }

        var complete = cursors.Where(c => c.MayEnd).ToArray();
        return complete.Length switch
        {
            1 => Built(line, words, complete[0]),
            0 => CutShort(line, words, cursors),
            _ => Ambiguous(line, words, complete),
        };
    }

    /// <summary>Every command as the manual writes it, with its help.</summary>
    public static IEnumerable<(string Usage, string Help)> Manual() => CommandTable.All.Select(c => (c.Usage, c.Help));

    /// <summary>The words before a '?' that ends the line, or null if none does.</summary>
    internal static string? HelpAt(string line)
    {
        var trimmed = line.TrimEnd(' ', '\t');
        return trimmed.EndsWith('?') ? trimmed[..^1] : null;
    }

    internal static ImmutableArray<Cursor> Start() => [.. CommandTable.All.Select(Cursor.AtStartOf)];

    /// <summary>Where the line can be after one more word.</summary>
    /// <param name="argumentError">Set if an argument was expected and the word is none.</param>
    internal static ImmutableArray<Cursor> Advance(ImmutableArray<Cursor> cursors, string word, int index, out string? argumentError)
    {
        var exact = ImmutableArray.CreateBuilder<Cursor>();
        var others = ImmutableArray.CreateBuilder<Cursor>();
        argumentError = null;
        foreach (var next in cursors.SelectMany(c => c.Next()))
        {
            switch (next.Element)
            {
                case Word keyword when string.Equals(keyword.Text, word, StringComparison.OrdinalIgnoreCase):
                    exact.Add(Cursor.Take(next, null, index));
                    break;
                case Word keyword when keyword.Text.StartsWith(word, StringComparison.OrdinalIgnoreCase):
                    others.Add(Cursor.Take(next, null, index));
                    break;
                case Argument argument:
                    if (ArgumentReader.Read(argument, word, out var error) is { } value)
                    {
                        others.Add(Cursor.Take(next, value, index));
                    }
                    else
                    {
                        argumentError = error;
                    }

                    break;
            }
        }

        return exact.Count > 0 ? exact.ToImmutable() : others.ToImmutable();
    }

    private static ParseOutcome Built(string line, ImmutableArray<LineWord> words, Cursor cursor)
    {
        var command = cursor.Command.Build(cursor.Arguments);
        if (cursor.Arguments.Mismatch is not var (argument, message))
        {
            return new Parsed(command);
        }

        var word = cursor.Arguments.Has(argument) ? words[cursor.Arguments.WordOf(argument)] : words[^1];
        return new ParseError(ReplyCode.BadArgument, line, word.Column, word.Text.Length, message, null);
    }

    private static ParseError Refused(
        string line, ImmutableArray<LineWord> words, int index, ImmutableArray<Cursor> cursors, string? argumentError)
    {
        var word = words[index];
        var expected = cursors.SelectMany(c => c.Next()).Select(n => n.Element).ToArray();
        var keywords = expected.OfType<Word>().Select(w => w.Text).Distinct().ToArray();
        if (argumentError is not null && keywords.Length == 0)
        {
            return new ParseError(ReplyCode.BadArgument, line, word.Column, word.Text.Length, argumentError, null);
        }

        if (keywords.Length == 0)
        {
            return new ParseError(ReplyCode.UnknownWord, line, word.Column, word.Text.Length,
                $"the command is complete before '{word.Text}'", null);
        }

        var near = Suggestion.For(word.Text, keywords);
        return new ParseError(ReplyCode.UnknownWord, line, word.Column, word.Text.Length, $"unknown word '{word.Text}'",
            near is not null ? $"did you mean '{near}'?" : $"expected: {string.Join(", ", cursors.SelectMany(Expected).Distinct())}");
    }

    private static ParseError CutShort(string line, ImmutableArray<LineWord> words, ImmutableArray<Cursor> cursors) =>
        new(ReplyCode.Incomplete, line, words[^1].End + 1, 1, "the command ends too early",
            $"expected: {string.Join(", ", cursors.SelectMany(Expected).Distinct())}");

    private static ParseError Ambiguous(string line, ImmutableArray<LineWord> words, Cursor[] complete)
    {
        var index = Enumerable.Range(0, words.Length).First(i => complete.Select(c => c.Path[i]).Distinct().Skip(1).Any());
        return new ParseError(ReplyCode.Ambiguous, line, words[index].Column, words[index].Text.Length,
            $"'{words[index].Text}' stands for several words", $"it may be: {string.Join(", ", complete.Select(c => c.Path[index]).Distinct())}");
    }

    private static IEnumerable<string> Expected(Cursor cursor) => cursor.Next().Select(n => n.Element is Word w ? w.Text : ((Argument)n.Element).Placeholder);
}
