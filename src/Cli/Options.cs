using System.Collections.Immutable;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Cli;

/// <summary>An option as data.</summary>
/// <param name="Short">Its letter, or null.</param>
/// <param name="Value">How help writes its value; null: it has none.</param>
internal sealed record OptionSpec(string Long, char? Short, string? Value, string Help)
{
    public string Usage => (Short is { } letter ? $"-{letter}, " : "    ") + $"--{Long}" + (Value is null ? "" : $" {Value}");
}

/// <summary>The command line is wrong.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>
/// Options and words of a command line. Written by hand: options may stand anywhere, words are the daemon's grammar and not an
/// option parser's, and start-up stays short.
/// </summary>
internal sealed class Options
{
    private readonly Dictionary<string, List<string>> values = [];

    private Options(ImmutableArray<string> words) => Words = words;

    /// <summary>What is no option, in order.</summary>
    public ImmutableArray<string> Words { get; private set; }

    public bool Has(OptionSpec option) => values.ContainsKey(option.Long);

    /// <summary>The last one given, or null.</summary>
    public string? Value(OptionSpec option) => values.GetValueOrDefault(option.Long)?[^1];

    /// <summary>All that were given, in order.</summary>
    public IReadOnlyList<string> Values(OptionSpec option) => values.GetValueOrDefault(option.Long) ?? [];

    /// <param name="endAtWord">True: the first word ends the options; what follows is somebody else's.</param>
    /// <exception cref="UsageException">An option is unknown, wants a value, or has one too many.</exception>
    public static Options Parse(IReadOnlyList<string> arguments, IReadOnlyList<OptionSpec> known, bool endAtWord = false)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        var options = new Options([]);
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument == "--")
            {
                words.AddRange(arguments.Skip(i + 1));
                break;
            }

            if (endAtWord && !(argument.Length > 1 && argument[0] == '-'))
            {
                words.AddRange(arguments.Skip(i));
                break;
            }

            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                i += options.TakeLong(argument[2..], known, i + 1 < arguments.Count ? arguments[i + 1] : null);
            }
            else if (argument.Length > 1 && argument[0] == '-')
            {
                i += options.TakeShort(argument[1..], known, i + 1 < arguments.Count ? arguments[i + 1] : null);
            }
            else
            {
                words.Add(argument);
            }
        }

        options.Words = words.ToImmutable();
        return options;
    }

    private int TakeLong(string text, IReadOnlyList<OptionSpec> known, string? next)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? text : text[..equals];
        var option = known.FirstOrDefault(o => o.Long == name) ?? throw Unknown("--" + name, known);
        if (option.Value is null)
        {
            Add(option, equals < 0 ? "" : throw new UsageException($"--{option.Long} has no value"));
            return 0;
        }

        Add(option, equals >= 0 ? text[(equals + 1)..] : next ?? throw new UsageException($"--{option.Long} wants {option.Value} after it"));
        return equals >= 0 ? 0 : 1;
    }

    private int TakeShort(string letters, IReadOnlyList<OptionSpec> known, string? next)
    {
        for (var i = 0; i < letters.Length; i++)
        {
            var option = known.FirstOrDefault(o => o.Short == letters[i]) ?? throw Unknown($"-{letters[i]}", known);
            if (option.Value is null)
            {
                Add(option, "");
                continue;
            }

            var rest = letters[(i + 1)..];
            Add(option, rest.Length > 0 ? rest : next ?? throw new UsageException($"-{letters[i]} wants {option.Value} after it"));
            return rest.Length > 0 ? 0 : 1;
        }

        return 0;
    }

    private void Add(OptionSpec option, string value)
    {
        if (!values.TryGetValue(option.Long, out var list))
        {
            values[option.Long] = list = [];
        }

        list.Add(value);
    }

    private static UsageException Unknown(string option, IReadOnlyList<OptionSpec> known)
    {
        var near = Suggestion.For(option, known.Select(o => "--" + o.Long));
        return new UsageException($"unknown option '{option}'; {(near is null ? "--help lists the options" : $"did you mean '{near}'?")}");
    }
}
