using System.Collections.Immutable;
using System.Globalization;

namespace SoftUnicast.Control.Commands;

/// <summary>A tag of a pool and its value: <c>country=US</c>.</summary>
public readonly record struct Tag(string Key, string Value)
{
    private const int MaxLength = 63;

    /// <summary><c>KEY=VALUE</c>, each 1 to 63 letters, digits, '.', '_' and '-', as the fleet file has them.</summary>
    public static bool TryParse(string text, out Tag tag)
    {
        ArgumentNullException.ThrowIfNull(text);
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        tag = equals < 0 ? default : new Tag(text[..equals], text[(equals + 1)..]);
        return equals >= 0 && IsWord(tag.Key) && IsWord(tag.Value);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Key}={Value}");

    private static bool IsWord(string text) =>
        text.Length is > 0 and <= MaxLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}

/// <summary>Which slices are asked for: those of one pool, or of every pool that has all the tags.</summary>
/// <param name="Pool">Null: by tags.</param>
/// <param name="Tags">Empty with a pool.</param>
public sealed record SliceChoice(string? Pool, ImmutableArray<Tag> Tags)
{
    public static SliceChoice OfPool(string pool) => new(pool, []);

    public static SliceChoice Tagged(params ImmutableArray<Tag> tags) => new(null, tags);

    public bool Equals(SliceChoice? other) => other is not null && Pool == other.Pool && Tags.SequenceEqual(other.Tags);

    public override int GetHashCode() => HashCode.Combine(Pool, Tags.Length);

    /// <summary>As a request writes it: <c>pool us-general</c>, <c>tag country=US product=cdn</c>.</summary>
    public override string ToString() => Pool is null ? $"tag {string.Join(' ', Tags)}" : $"pool {Pool}";
}
