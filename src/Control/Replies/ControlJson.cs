using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using SoftUnicast.Control.Commands;

namespace SoftUnicast.Control.Replies;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    Converters =
    [
        typeof(IpAddressConverter), typeof(IpPrefixConverter), typeof(AddressPortsConverter), typeof(MacAddressConverter),
        typeof(EncapsulationConverter), typeof(KebabCaseEnum<Health>), typeof(KebabCaseEnum<GobgpdState>),
        typeof(KebabCaseEnum<PrefixState>), typeof(KebabCaseEnum<OwnerKind>), typeof(KebabCaseEnum<LeaseKind>),
        typeof(KebabCaseEnum<HoldState>), typeof(TagConverter), typeof(KebabCaseEnum<OldAddresses>),
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
[JsonSerializable(typeof(EnrollReply))]
[JsonSerializable(typeof(LeaveReply))]
[JsonSerializable(typeof(LeaseReply))]
[JsonSerializable(typeof(ReleaseReply))]
[JsonSerializable(typeof(HoldReply))]
[JsonSerializable(typeof(DrainReply))]
[JsonSerializable(typeof(WhoReply))]
[JsonSerializable(typeof(LeasesReply))]
[JsonSerializable(typeof(PoolsReply))]
[JsonSerializable(typeof(GuardReply))]
[JsonSerializable(typeof(BindingsReply))]
[JsonSerializable(typeof(BoundReply))]
[JsonSerializable(typeof(DispatchReply))]
[JsonSerializable(typeof(RegisteredReply))]
[JsonSerializable(typeof(NamingReply))]
[JsonSerializable(typeof(QueryReply))]
[JsonSerializable(typeof(AgilityReply))]
[JsonSerializable(typeof(AgilityMoveReply))]
[JsonSerializable(typeof(AgilityDrainReply))]
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

    /// <summary>Reads a reply back.</summary>
    /// <exception cref="ControlProtocolException">It is none of this kind.</exception>
    public static T Read<T>(string json)
        where T : ControlReply
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            return (T?)JsonSerializer.Deserialize(json, Type(typeof(T))) ?? throw new ControlProtocolException("an empty reply");
        }
        catch (JsonException e)
        {
            throw new ControlProtocolException($"what came from the socket is no reply of a SoftUnicast daemon: {e.Message}");
        }
    }

    private static JsonTypeInfo Type(ControlReply reply) => Type(reply.GetType());

    private static JsonTypeInfo Type(Type type) => Json.GetTypeInfo(type) ?? throw new InvalidOperationException($"no JSON for {type.Name}");
}
