using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>
/// Reads a route of either form: the wire form that a list gives, or the typed messages that the watch gives. Both end as the same
/// values, and neither throws on what a peer can cause.
/// </summary>
internal static class WatchDecoder
{
    public static (FlowSpecNlri? Nlri, FlowSpecFault Fault, PathAttributes Attributes) Decode(Api.Path path, bool ipv6)
    {
        if (!path.NlriBinary.IsEmpty)
        {
            var fault = FlowSpecReader.TryRead(path.NlriBinary.Span, ipv6, out var nlri);
            return (nlri, fault, PathAttributeReader.Read(path.PattrsBinary.Select(a => a.Memory)));
        }

        try
        {
            var fault = ReadNlri(path.Nlri, ipv6, out var nlri);
            return (nlri, fault, ReadAttributes(path.Pattrs));
        }
        catch (InvalidProtocolBufferException)
        {
            return (null, FlowSpecFault.Length, PathAttributes.Empty);
        }
    }

    private static FlowSpecFault ReadNlri(Any? any, bool ipv6, out FlowSpecNlri? nlri)
    {
        nlri = null;
        if (any is null || NameOf(any) != nameof(Api.FlowSpecNLRI))
        {
            return FlowSpecFault.Length;
        }

        var rules = Api.FlowSpecNLRI.Parser.ParseFrom(any.Value).Rules;
        if (rules.Count > FlowSpecNlri.MaxComponents)
        {
            return FlowSpecFault.TooMany;
        }

        var components = ImmutableArray.CreateBuilder<FlowSpecComponent>(rules.Count);
        var items = 0;
        foreach (var rule in rules)
        {
            FlowSpecComponent component;
            switch (NameOf(rule))
            {
                case nameof(Api.FlowSpecIPPrefix):
                    var prefix = Api.FlowSpecIPPrefix.Parser.ParseFrom(rule.Value);
                    if (!IpAddress.TryParse(prefix.Prefix, out var network) || network.IsIPv6 != ipv6 || prefix.PrefixLen > network.BitCount)
                    {
                        return FlowSpecFault.Prefix;
                    }

                    component = new FlowSpecComponent((byte)prefix.Type, IpPrefix.Covering(network, (int)prefix.PrefixLen), (int)prefix.Offset, []);
                    break;
                case nameof(Api.FlowSpecComponent):
                    var list = Api.FlowSpecComponent.Parser.ParseFrom(rule.Value);
                    if ((items += list.Items.Count) > FlowSpecNlri.MaxItems)
                    {
                        return FlowSpecFault.TooMany;
                    }

                    component = new FlowSpecComponent((byte)list.Type, null, 0,
                        [.. list.Items.Select(i => new FlowSpecItem((byte)(i.Op & FlowSpecItem.Meaning), i.Value))]);
                    break;
                default:
                    return FlowSpecFault.UnknownComponent;
            }

            if (components.Count > 0 && component.Type <= components[^1].Type)
            {
                return FlowSpecFault.Order;
            }

            components.Add(component);
        }

        if (components.Count == 0)
        {
            return FlowSpecFault.Length;
        }

        nlri = new FlowSpecNlri(ipv6, components.DrainToImmutable());
        return FlowSpecFault.None;
    }

    private static PathAttributes ReadAttributes(IEnumerable<Any> attributes)
    {
        var result = PathAttributes.Empty;
        foreach (var any in attributes)
        {
            switch (NameOf(any))
            {
                case nameof(Api.CommunitiesAttribute):
                    result = result with { Communities = [.. Api.CommunitiesAttribute.Parser.ParseFrom(any.Value).Communities.Order()] };
                    break;
                case nameof(Api.OriginatorIdAttribute):
                    result = IpAddress.TryParse(Api.OriginatorIdAttribute.Parser.ParseFrom(any.Value).Id, out var id)
                        ? result with { OriginatorId = id }
                        : result with { Malformed = "ORIGINATOR_ID is no address" };
                    break;
                case nameof(Api.LargeCommunitiesAttribute):
                    result = result with
                    {
                        LargeCommunities = [.. Api.LargeCommunitiesAttribute.Parser.ParseFrom(any.Value).Communities
                            .Select(c => new LargeCommunity(c.GlobalAdmin, c.LocalData1, c.LocalData2)).Order()],
                    };
                    break;
                case nameof(Api.ExtendedCommunitiesAttribute):
                    result = result with
                    {
                        ExtendedCommunities = [.. Api.ExtendedCommunitiesAttribute.Parser.ParseFrom(any.Value).Communities.Select(ReadExtended).Order()],
                    };
                    break;
                default:
                    break;
            }
        }

        return result;
    }

    /// <summary>The eight bytes of a community; of the other FlowSpec actions only their type, which is all that the filter asks.</summary>
    private static ulong ReadExtended(Any any)
    {
        switch (NameOf(any))
        {
            case nameof(Api.IPv4AddressSpecificExtended):
                var specific = Api.IPv4AddressSpecificExtended.Parser.ParseFrom(any.Value);
                var address = IpAddress.TryParse(specific.Address, out var parsed) && !parsed.IsIPv6 ? parsed.ToUInt32() : 0;
                return (specific.IsTransitive ? 0x01UL << 56 : 0x41UL << 56) | ((ulong)(byte)specific.SubType << 48)
                    | ((ulong)address << 16) | (specific.LocalAdmin & 0xffff);
            case nameof(Api.UnknownExtended):
                var unknown = Api.UnknownExtended.Parser.ParseFrom(any.Value);
                var value = (ulong)(byte)unknown.Type;
                for (var i = 0; i < 7; i++)
                {
                    value = (value << 8) | (i < unknown.Value.Length ? unknown.Value[i] : (byte)0);
                }

                return value;
            case "TrafficRateExtended":
                return 0x8006UL << 48;
            case "TrafficActionExtended":
                return 0x8007UL << 48;
            case "RedirectTwoOctetAsSpecificExtended":
                return 0x8008UL << 48;
            case "RedirectIPv4AddressSpecificExtended":
                return 0x8108UL << 48;
            case "RedirectFourOctetAsSpecificExtended":
                return 0x8208UL << 48;
            case "TrafficRemarkExtended":
                return 0x8009UL << 48;
            default:
                return 0;
        }
    }

    private static string NameOf(Any any)
    {
        const string package = "apipb.";
        var name = any.TypeUrl.AsSpan(any.TypeUrl.LastIndexOf('/') + 1);
        return name.StartsWith(package, StringComparison.Ordinal) ? name[package.Length..].ToString() : "";
    }

    /// <summary>What to show of a route that was rejected.</summary>
    public static string Describe(FlowSpecNlri? nlri, Api.Path path) => nlri is not null
        ? nlri.ToString()
        : path.NlriBinary.IsEmpty
            ? "a rule that was not read to its end"
            : string.Create(CultureInfo.InvariantCulture,
                $"{path.NlriBinary.Length} bytes {Convert.ToHexStringLower(path.NlriBinary.Span[..Math.Min(24, path.NlriBinary.Length)])}");
}
