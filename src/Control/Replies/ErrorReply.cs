using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Control.Replies;

/// <summary>Why a command was not carried out.</summary>
/// <param name="Error">What is wrong, naming the place.</param>
/// <param name="Hint">The next step, or null.</param>
/// <param name="Marked">The request line with carets below what is meant; empty unless it was not understood.</param>
public sealed record ErrorReply(
    [property: JsonIgnore] ReplyCode ErrorCode,
    string Error,
    string? Hint,
    [property: JsonIgnore] ImmutableArray<string> Marked,
    int? Column) : ControlReply
{
    public ErrorReply(ReplyCode code, string error, string? hint = null)
        : this(code, error, hint, [], null)
    {
    }

    [JsonIgnore]
    public override ReplyCode Code => ErrorCode;

    [JsonPropertyName("code")]
    public int Number => (int)ErrorCode;

    /// <summary>A parse error as a reply; columns count from 1 for people.</summary>
    public static ErrorReply From(ParseError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new ErrorReply(error.Code, error.Message, error.Hint, [.. error.Marked()], error.Column + 1);
    }

    public override IEnumerable<string> Lines()
    {
        foreach (var line in Marked)
        {
            yield return line;
        }

        yield return Hint is null ? Error : $"{Error}; {Hint}";
    }
}
