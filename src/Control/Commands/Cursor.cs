using System.Collections.Immutable;

namespace SoftUnicast.Control.Commands;

/// <summary>A word that may stand next, and where the command is after it.</summary>
/// <param name="Captures">Name and value of the argument that the word sets; null: none, or the word's own text is the value.</param>
internal readonly record struct NextWord(Element Element, (string Name, object Value)? Captures, Cursor After);

/// <summary>A place within one command: which words may follow, what was captured on the way.</summary>
/// <param name="Path">The words so far, unabbreviated.</param>
internal sealed record Cursor(CommandSyntax Command, Arguments Arguments, ImmutableArray<string> Path)
{
    private int Required { get; init; }

    private Option? Option { get; init; }

    private int OptionElement { get; init; }

    private ImmutableHashSet<Option> Used { get; init; } = [];

    private Argument? Repeatable { get; init; }

    public static Cursor AtStartOf(CommandSyntax command) => new(command, Arguments.None, []);

    /// <summary>True if the line may end here.</summary>
    public bool MayEnd => Required == Command.Required.Length && Option is null;

    public IEnumerable<NextWord> Next()
    {
        if (Repeatable is { } again)
        {
            yield return new NextWord(again, null, this);
        }

        if (Option is { } option)
        {
            foreach (var next in Expand(option.Elements[OptionElement], AfterOptionElement(option, OptionElement)))
            {
                yield return next;
            }
        }
        else if (Required < Command.Required.Length)
        {
            foreach (var next in Expand(Command.Required[Required], this with { Required = Required + 1, Repeatable = null }))
            {
                yield return next;
            }
        }
        else
        {
            foreach (var unused in Command.Options.Where(o => !Used.Contains(o)))
            {
                var after = AfterOptionElement(unused, 0) with { Used = Used.Add(unused) };
                foreach (var next in unused.Elements[0] is Word word ? [new NextWord(word, (word.Text, true), after)] : Expand(unused.Elements[0], after))
                {
                    yield return next;
                }
            }
        }
    }

    /// <summary>The place behind a word that matched: with its value captured and its full spelling noted.</summary>
    public static Cursor Take(NextWord next, object? value, int wordIndex)
    {
        var after = next.After;
        var arguments = after.Arguments;
        if (next.Captures is var (name, captured))
        {
            arguments = arguments.With(name, captured, wordIndex);
        }

        if (next.Element is Argument argument)
        {
            arguments = arguments.With(argument.Name, Joined(arguments, argument, value!), wordIndex);
            after = after with { Repeatable = argument.Kind is ArgumentKind.Hex or ArgumentKind.Rest or ArgumentKind.Tags ? argument : null };
        }

        var spelling = next.Element is Word word ? word.Text : ((Argument)next.Element).Placeholder;
        return after with { Arguments = arguments, Path = after.Path.Add(spelling) };
    }

    private static object Joined(Arguments before, Argument argument, object value) => argument.Kind switch
    {
        ArgumentKind.Hex when before.Has(argument.Name) => (byte[])[.. before.Get<byte[]>(argument.Name), .. (byte[])value],
        ArgumentKind.Rest when before.Has(argument.Name) => before.Get<string>(argument.Name) + " " + value,
        ArgumentKind.Tags when before.Has(argument.Name) =>
            before.Get<ImmutableArray<Tag>>(argument.Name).AddRange((ImmutableArray<Tag>)value),
        _ => value,
    };

    private static IEnumerable<NextWord> Expand(Element element, Cursor after) => element is Choice choice
        ? choice.Words.Select(w => new NextWord(w, (choice.Name, w.Text), after))
        : [new NextWord(element, null, after)];

    private Cursor AfterOptionElement(Option option, int element) => element + 1 < option.Elements.Length
        ? this with { Option = option, OptionElement = element + 1, Repeatable = null }
        : this with { Option = null, OptionElement = 0, Repeatable = null };
}
