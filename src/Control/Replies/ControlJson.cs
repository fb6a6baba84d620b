using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace SoftUnicast.Control.Replies;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    Converters =
    [
        typeof(IpAddressConverter), typeof(IpPrefixConverter), typeof(AddressPortsConverter), typeof(MacAddressConverter),
        typeof(EncapsulationConverter), typeof(KebabCaseEnum<Health>), typeof(KebabCaseEnum<GobgpdState>),
        typeof(KebabCaseEnum<PrefixState>), typeof(KebabCaseEnum<OwnerKind>),
    ])]
[JsonSerializable(typeof(StatusReply))]
[JsonSerializable(typeof(BgpReply))]
[JsonSerializable(typeof(PrefixesReply))]
[JsonSerializable(typeof(SlicesReply))]
[JsonSerializable(typeof(SliceForReply))]
[JsonSerializable(typeof(TunnelsReply))]
[JsonSerializable(typeof(DropsReply))]
[JsonSerializable(typeof(HostReply))]
[JsonSerializable(typeof(TraceReply))]
[JsonSerializable(typeof(DownReply))]
[JsonSerializable(typeof(ErrorReply))]
internal sealed partial class ControlJson : JsonSerializerContext;

/// <summary>Replies as JSON: one object, indented, names in snake_case that only ever grow.</summary>
public static class ReplyJson
{
    // Quotes and angle brackets stay readable: this JSON goes to terminals and jq, never into HTML.
    private static readonly ControlJson Json = new(new JsonSerializerOptions(ControlJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static Task WriteAsync(Stream stream, ControlReply reply, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return JsonSerializer.SerializeAsync(stream, reply, Type(reply), cancellation);
    }

    public static string Of(ControlReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return JsonSerializer.Serialize(reply, Type(reply));
    }

    private static JsonTypeInfo Type(ControlReply reply) =>
        Json.GetTypeInfo(reply.GetType()) ?? throw new InvalidOperationException($"no JSON for {reply.GetType().Name}");
}
