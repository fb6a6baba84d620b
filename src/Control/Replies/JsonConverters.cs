using System.Text.Json;
using System.Text.Json.Serialization;
using SoftUnicast.Control.Commands;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>Enum values by name, in lower case with hyphens.</summary>
internal sealed class KebabCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.KebabCaseLower)
    where T : struct, Enum;

/// <summary>A time span as seconds, fractions included; the property's name ends in <c>_seconds</c>.</summary>
internal sealed class SecondsConverter : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TimeSpan.FromSeconds(reader.GetDouble());

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.TotalSeconds);
}

/// <summary>A domain value as the text that it parses from.</summary>
internal abstract class TextConverter<T> : JsonConverter<T>
    where T : struct
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TryParse(reader.GetString() ?? "", out var value) ? value : throw new JsonException($"not a {typeof(T).Name}");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());

    protected abstract bool TryParse(string text, out T value);
}

internal sealed class IpAddressConverter : TextConverter<IpAddress>
{
    protected override bool TryParse(string text, out IpAddress value) => IpAddress.TryParse(text, out value);
}

internal sealed class IpPrefixConverter : TextConverter<IpPrefix>
{
    protected override bool TryParse(string text, out IpPrefix value) => IpPrefix.TryParse(text, out value);
}

internal sealed class AddressPortsConverter : TextConverter<AddressPorts>
{
    protected override bool TryParse(string text, out AddressPorts value) => AddressPorts.TryParse(text, out value);
}

internal sealed class MacAddressConverter : TextConverter<MacAddress>
{
    protected override bool TryParse(string text, out MacAddress value) => MacAddress.TryParse(text, out value);
}

internal sealed class TagConverter : TextConverter<Tag>
{
    protected override bool TryParse(string text, out Tag value) => Tag.TryParse(text, out value);
}

/// <summary><c>gue</c>, <c>gre</c>, <c>gre key 7</c>, <c>ipip</c>.</summary>
internal sealed class EncapsulationConverter : TextConverter<Encapsulation>
{
    protected override bool TryParse(string text, out Encapsulation value)
    {
        value = text switch
        {
            "gre" => new Encapsulation(EncapsulationKind.Gre),
            "ipip" => new Encapsulation(EncapsulationKind.Ipip),
            _ => default,
        };
        if (text.StartsWith("gre key ", StringComparison.Ordinal) && uint.TryParse(text.AsSpan(8), out var key))
        {
            value = new Encapsulation(EncapsulationKind.Gre, key);
            return true;
        }

        return text is "gue" or "gre" or "ipip";
    }
}
