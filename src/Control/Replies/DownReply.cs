using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace SoftUnicast.Control.Replies;

/// <summary>A step on the way down, reported when it is done.</summary>
/// <param name="Step">withdraw, drain, detach, ...</param>
/// <param name="Detail">What was done.</param>
/// <param name="Took">How long it took.</param>
public sealed record DownStep(
    string Step,
    string Detail,
    [property: JsonPropertyName("took_seconds"), JsonConverter(typeof(SecondsConverter))] TimeSpan Took)
{
    public override string ToString() => $"{Step}: {Detail} ({Units.Duration(Took)})";
}

/// <summary><c>down</c>, when it is done.</summary>
/// <param name="Summary">What is left of the packet path and of the announcements.</param>
public sealed record DownReply(ImmutableArray<DownStep> Steps, string Summary) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.DownStep;

    /// <summary>The steps: in text they are sent as they happen.</summary>
    public override IEnumerable<string> Lines() => Steps.Select(s => s.ToString());
}
