using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>One thing that the packet path looks at on its way to a verdict.</summary>
/// <param name="Layer">Where: ethernet, ip, tunnel, inner, transport, owner, endpoint.</param>
/// <param name="Finding">What it found there.</param>
public sealed record TraceStep(string Layer, string Finding);

/// <summary><c>trace packet</c>: what would happen to a packet, by the kernel's own tables.</summary>
/// <param name="Packet">The packet, one line.</param>
/// <param name="Reason">Name of the reason; the same as in <c>show drops</c>.</param>
/// <param name="Meaning">That reason in words.</param>
/// <param name="Owner">Who owns it; null if it did not come so far.</param>
/// <param name="EgressInterface">Where it would leave; null if it does not.</param>
/// <param name="Output">What would leave or be passed on, one line; null if nothing.</param>
/// <param name="FrameHex">The frame that was traced.</param>
/// <param name="OutputHex">The frame that would leave or be passed on; null if nothing.</param>
public sealed record TraceReply(
    string Packet,
    string Interface,
    string Verdict,
    string Reason,
    string Meaning,
    bool Dropped,
    ImmutableArray<TraceStep> Steps,
    OwnerRef? Owner,
    IpAddress? Endpoint,
    Encapsulation? Encapsulation,
    string? EgressInterface,
    string? Output,
    string FrameHex,
    string? OutputHex) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Trace;

    public override IEnumerable<string> Lines()
    {
        yield return $"packet   {Packet}, in by {Interface}";
        var width = Steps.Length == 0 ? 0 : Steps.Max(s => s.Layer.Length);
        foreach (var step in Steps)
        {
            yield return $"  {step.Layer.PadRight(width)}  {step.Finding}";
        }

        yield return $"verdict  {(Dropped ? "! " : "")}{Verdict}: {Reason} ({Meaning})";
        if (Owner is { } owner)
        {
            yield return $"owner    {owner}{(Endpoint is null ? "" : $", by {Encapsulation} to {Endpoint}")}";
        }

        if (EgressInterface is { } egress)
        {
            yield return $"leaves   by {egress}";
        }

        if (Output is { } output)
        {
            yield return $"output   {output}";
        }

        if (OutputHex is { } hex)
        {
            foreach (var line in HexLines(hex))
            {
                yield return $"         {line}";
            }
        }
    }

    // The first 64 bytes show every header; the whole frame is in the JSON.
    private static IEnumerable<string> HexLines(string hex)
    {
        const int lineDigits = 32;
        const int shownDigits = 128;
        for (var i = 0; i < Math.Min(hex.Length, shownDigits); i += lineDigits)
        {
            var line = hex.AsSpan(i, Math.Min(lineDigits, hex.Length - i)).ToString();
            yield return string.Join(' ', line.Chunk(4).Select(c => new string(c))) + (i + lineDigits >= shownDigits && hex.Length > shownDigits ? " ..." : "");
        }
    }
}
