using System.Text.Json.Serialization;

namespace SoftUnicast.Control.Replies;

/// <summary>What a command is answered with: facts, with a text for people and JSON for programs that hold the same.</summary>
public abstract record ControlReply
{
    [JsonIgnore]
    public abstract ReplyCode Code { get; }

    /// <summary>The text, line by line, made as it is read.</summary>
    public abstract IEnumerable<string> Lines();
}

/// <summary>A reply of one kind, or the reason why there is none.</summary>
// CA2225: a named alternative would be a static member on a generic type (CA1000); both sides are C#.
#pragma warning disable CA2225
public readonly record struct Answer<T>
    where T : ControlReply
{
    private readonly ControlReply? reply;

    private Answer(ControlReply reply) => this.reply = reply;

    public ControlReply Reply => reply ?? throw new InvalidOperationException("an answer without a reply");

    public bool IsError => reply is ErrorReply;

    public static implicit operator Answer<T>(T reply) => new(reply);

    public static implicit operator Answer<T>(ErrorReply error) => new(error);
}
#pragma warning restore CA2225
