using System.Globalization;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace SoftUnicast.Config;

/// <summary>
/// Builds the tree from YAML's events, and reports the parts of YAML that have no place in a configuration that people
/// review: aliases and anchors, merge keys, tags, directives, several documents, block and multi-line texts, keys twice.
/// Nothing is expanded, so the tree is never larger than the text.
/// </summary>
internal sealed class YamlTreeReader
{
    public const int MaxDepth = 16;
    private readonly SourceText source;
    private readonly DiagnosticBag bag;
    private readonly Parser parser;
    private bool stopped;

    private YamlTreeReader(SourceText source, DiagnosticBag bag)
    {
        this.source = source;
        this.bag = bag;
        parser = new Parser(new Scanner(new StringReader(source.Text), skipComments: true));
    }

    /// <summary>The root, or null if the text has errors that leave no tree worth looking at.</summary>
    public static YamlNode? Read(SourceText source, DiagnosticBag bag, int maxBytes)
    {
        if (Encoding.UTF8.GetByteCount(source.Text) > maxBytes)
        {
            ConfigText.TooLarge(bag, maxBytes);
            return null;
        }

        return CharacterRules.Check(source, bag) ? new YamlTreeReader(source, bag).ReadStream() : null;
    }

    private YamlNode? ReadStream()
    {
        try
        {
            Next<StreamStart>();
            if (Current is StreamEnd)
            {
                bag.Error("the file is empty");
                return null;
            }

            var root = ReadDocument();
            if (!stopped && Current is DocumentStart second)
            {
                bag.Error(PlaceOf(second.Start, 3), "a second YAML document", "one file, one document: take the '---' out");
                return null;
            }

            return stopped ? null : root;
        }
        catch (YamlException fault)
        {
            Syntax(fault.Start, fault.Message);
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException)
        {
            // The library lets these out of its scanner for some malformed tags and document ends instead of its own exception.
            Syntax(parser.Current?.End ?? Mark.Empty, "this is not YAML");
        }

        return null;
    }

    private ParsingEvent Current => parser.Current!;

    private void Next<T>()
        where T : ParsingEvent
    {
        if ((parser.Current is null && !parser.MoveNext()) || parser.Current is not T)
        {
            throw new SemanticErrorException(Mark.Empty, Mark.Empty, "the text ends too early");
        }

        parser.MoveNext();
    }

    private void Syntax(in Mark at, string message)
    {
        var text = message.TrimEnd('.');
        text = text.Length > 0 ? char.ToLowerInvariant(text[0]) + text[1..] : text;

        // What is missing at the end of the text is missing after its last line that says something.
        var place = PlaceOf(at, 1);
        while (place.Line > 1 && source.Line(place.Line).IsWhiteSpace())
        {
            place = new Place(place.Line - 1, source.Line(place.Line - 1).TrimEnd().Length + 1, 1);
        }

        bag.Error(
            place,
            $"YAML syntax: {text}",
            text.Contains("invalid mapping", StringComparison.Ordinal) ? "quote a text that holds ': ' or ends with ':'" : null);
    }

    private YamlNode ReadDocument()
    {
        var start = (DocumentStart)Current;
        if (start.Version is not null || start.Tags is { Count: > 0 } && !start.IsImplicit && HasDirective(start))
        {
            bag.Error(PlaceOf(start.Start, 1), "a YAML directive", "take the line that starts with '%' out");
        }

        Next<DocumentStart>();
        var root = ReadNode(1);
        if (!stopped)
        {
            Next<DocumentEnd>();
        }

        return root;
    }

    private bool HasDirective(DocumentStart start) => source.Line((int)start.Start.Line).StartsWith("%");

    private YamlNode ReadNode(int depth)
    {
        var current = Current;
        if (current is AnchorAlias alias)
        {
            var place = PlaceOf(alias.Start, 1 + alias.Value.Value.Length);
            bag.Error(place, $"an alias, '*{alias.Value.Value}'", "write the value out: aliases are not followed");
            parser.MoveNext();
            return new YamlBroken(place);
        }

        if (current is not NodeEvent node)
        {
            // Some malformed maps make the library end them after a key.
            throw new SemanticErrorException(current.Start, current.End, "a key without a value, or a value without a key");
        }

        var decorated = !node.Anchor.IsEmpty || !node.Tag.IsEmpty;
        if (!node.Anchor.IsEmpty)
        {
            bag.Error(Decoration(node, '&'), $"an anchor, '&{node.Anchor.Value}'", "write the value out where it is needed: aliases are not followed");
        }

        if (!node.Tag.IsEmpty)
        {
            bag.Error(Decoration(node, '!'), "an explicit tag", "take it out: each key knows what it holds");
        }

        if (depth > MaxDepth)
        {
            bag.Error(PlaceOf(node.Start, 1), string.Create(CultureInfo.InvariantCulture, $"nested deeper than {MaxDepth} levels"));
            stopped = true;
            return new YamlBroken(PlaceOf(node.Start, 1));
        }

        parser.MoveNext();
        YamlNode read = node switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart => ReadList(node, depth),
            _ => ReadMap(node, depth),
        };
        return decorated ? new YamlBroken(read.Place) : read;
    }

    private YamlList ReadList(NodeEvent start, int depth)
    {
        var items = new List<YamlNode>();
        while (!stopped && Current is not SequenceEnd)
        {
            items.Add(ReadNode(depth + 1));
        }

        if (!stopped)
        {
            parser.MoveNext();
        }

        return new YamlList(PlaceOf(start.Start, 1), items);
    }

    private YamlMap ReadMap(NodeEvent start, int depth)
    {
        var entries = new List<YamlEntry>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        while (!stopped && Current is not MappingEnd)
        {
            var key = ReadNode(depth + 1);
            if (stopped)
            {
                break;
            }

            var value = ReadNode(depth + 1);
            if (key is not YamlScalar name)
            {
                if (key is not YamlBroken)
                {
                    bag.Error(key.Place, "a key is a word, not a list or a map");
                }
            }
            else if (name.Text == "<<")
            {
                bag.Error(name.Place, "a merge key, '<<'", "write the merged keys out");
            }
            else if (!lines.TryAdd(name.Text, name.Place.Line))
            {
                bag.Error(name.Place, string.Create(CultureInfo.InvariantCulture, $"key '{Quoted.Short(name.Text)}' again: it is in line {lines[name.Text]} already"));
            }
            else
            {
                entries.Add(new YamlEntry(name, value is YamlScalar { IsMissing: true } ? new YamlScalar(name.Place, "", isPlain: true) : value));
            }
        }

        if (!stopped)
        {
            parser.MoveNext();
        }

        return new YamlMap(PlaceOf(start.Start, 1), entries);
    }

    private YamlNode ReadScalar(Scalar scalar)
    {
        var line = source.Line((int)scalar.Start.Line);
        var rest = line[Math.Min((int)scalar.Start.Column - 1, line.Length)..];
        var decorated = !scalar.Anchor.IsEmpty || !scalar.Tag.IsEmpty;
        var length = decorated ? 1 : scalar.Style switch
        {
            ScalarStyle.Plain => rest.StartsWith(scalar.Value) ? scalar.Value.Length : -1,
            ScalarStyle.SingleQuoted => SingleQuotedLength(rest),
            ScalarStyle.DoubleQuoted => DoubleQuotedLength(rest),
            _ => -1,
        };
        if (length >= 0)
        {
            return new YamlScalar(PlaceOf(scalar.Start, length), scalar.Value, scalar.Style == ScalarStyle.Plain);
        }

        var place = PlaceOf(scalar.Start, rest.TrimEnd().Length);
        if (scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded)
        {
            bag.Error(place, "a block text ('|' or '>')", "write the text on one line");
        }
        else
        {
            bag.Error(place, "a text that runs over several lines", "is the next line indented too far, or a quote or ':' missing?");
        }

        return new YamlBroken(place);
    }

    private static int SingleQuotedLength(ReadOnlySpan<char> rest)
    {
        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] == '\'')
            {
                if (i + 1 >= rest.Length || rest[i + 1] != '\'')
                {
                    return i + 1;
                }

                i++;
            }
        }

        return -1;
    }

    private static int DoubleQuotedLength(ReadOnlySpan<char> rest)
    {
        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] == '"')
            {
                return i + 1;
            }

            i += rest[i] == '\\' ? 1 : 0;
        }

        return -1;
    }

    /// <summary>Where a node's anchor or tag stands: on the line where the node starts, or at its start if it moved on.</summary>
    private Place Decoration(NodeEvent node, char mark)
    {
        var line = source.Line((int)node.Start.Line);
        var from = Math.Min((int)node.Start.Column - 1, line.Length);
        var at = line[from..].IndexOf(mark);
        if (at < 0)
        {
            return PlaceOf(node.Start, 1);
        }

        var word = line[(from + at)..];
        var end = word.IndexOfAny(" ,]}");
        return new Place((int)node.Start.Line, from + at + 1, Math.Max(1, end < 0 ? word.Length : end));
    }

    private static Place PlaceOf(in Mark mark, int length) => new(Math.Max(1, (int)mark.Line), Math.Max(1, (int)mark.Column), Math.Max(1, length));
}
