using System.Collections.Immutable;

namespace SoftUnicast.Control.Commands;

/// <summary>What the user supplied, by the argument's name, with the word that it stood in.</summary>
internal sealed class Arguments
{
    private readonly ImmutableDictionary<string, (object Value, int Word)> values;

    private (string Argument, string Message)? mismatch;

    private Arguments(ImmutableDictionary<string, (object, int)> values) => this.values = values;

    public static Arguments None { get; } = new(ImmutableDictionary<string, (object, int)>.Empty);

    public Arguments With(string name, object value, int word) => new(values.SetItem(name, (value, word)));

    public bool Has(string name) => values.ContainsKey(name);

    public T Get<T>(string name) => (T)values[name].Value;

    public T Get<T>(string name, T otherwise) => values.TryGetValue(name, out var entry) ? (T)entry.Value : otherwise;

    public T? GetOrNull<T>(string name)
        where T : struct => values.TryGetValue(name, out var entry) ? (T)entry.Value : null;

    /// <summary>Index of the word that the argument stood in.</summary>
    public int WordOf(string name) => values[name].Word;

    /// <summary>The first requirement that was not met.</summary>
    public (string Argument, string Message)? Mismatch => mismatch;

    /// <summary>Notes that an argument does not fit the rest of the command.</summary>
    public void Require(bool holds, string argument, string message)
    {
        if (!holds)
        {
            mismatch ??= (argument, message);
        }
    }
}
