using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>
/// How meaning is written into communities. Large communities (RFC 8092) have the fleet's AS number first:
/// <code>
/// AS:1:S        scope: 1 Internet, 2 backbone, 3 datacenter, 4 underlay
/// AS:2:K        encapsulation: 0 GUE, 1 GRE, 2 IPIP
/// AS:3:KEY      GRE key
/// AS:16:W0 ... AS:19:W3   an IPv6 tunnel endpoint, four 32-bit words, first word first
/// </code>
/// An IPv4 tunnel endpoint is the redirect-to-IP extended community (draft-ietf-idr-flowspec-redirect-ip):
/// <c>01 0c | IPv4 address (4) | flags (2), all zero</c>. An IPv6 one would need the IPv6 address specific extended communities
/// (attribute 25, RFC 5701), which some route reflectors drop and others reset the session for.
/// </summary>
internal static class Scheme
{
    public const uint ScopeFunction = 1;
    public const uint EncapsulationFunction = 2;
    public const uint KeyFunction = 3;
    public const uint TargetFunction = 16;

    /// <summary>RFC 1997.</summary>
    public const uint NoExport = 0xffff_ff01;

    /// <summary>A route with more large communities than this is not read: no route of ours has a tenth of it.</summary>
    public const int MaxLargeCommunities = 100;

    private const ulong RedirectToIp = 0x010c;
    private const ulong NonTransitiveRedirectToIp = 0x410c;


    /// <summary>What a unicast route carries.</summary>
    public static PathAttributes Unicast(uint asn, Scope scope) => new(
        scope == Scope.Internet ? [] : [NoExport], [], [new LargeCommunity(asn, ScopeFunction, (uint)scope)]);

    /// <summary>What a FlowSpec route carries.</summary>
    public static PathAttributes Ownership(uint asn, Scope scope, IpAddress target, Encapsulation encapsulation)
    {
        var large = ImmutableArray.CreateBuilder<LargeCommunity>();
        large.Add(new LargeCommunity(asn, ScopeFunction, (uint)scope));
        large.Add(new LargeCommunity(asn, EncapsulationFunction, (uint)encapsulation.Kind));
        if (encapsulation.Key is { } key)
        {
            large.Add(new LargeCommunity(asn, KeyFunction, key));
        }

        if (!target.IsIPv6)
        {
            return new PathAttributes([NoExport], [(RedirectToIp << 48) | ((ulong)target.ToUInt32() << 16)], large.ToImmutable());
        }

        for (var word = 0; word < 4; word++)
        {
            large.Add(new LargeCommunity(asn, TargetFunction + (uint)word, (uint)(target.Value >> (96 - (32 * word)))));
        }

        return new PathAttributes([NoExport], [], large.ToImmutable());
    }

    /// <summary>The scope that a local route was announced in, or null: it is not one of ours.</summary>
    public static Scope? ScopeOf(PathAttributes attributes, uint asn)
    {
        foreach (var community in attributes.LargeCommunities)
        {
            if (community.GlobalAdministrator == asn && community.Function == ScopeFunction
                && community.Value is >= (uint)Scope.Internet and <= (uint)Scope.Underlay)
            {
                return (Scope)community.Value;
            }
        }

        return null;
    }

    /// <summary>The tunnel endpoint that the route redirects to. False: it has none, several, or one that is not whole.</summary>
    public static bool TryReadTarget(PathAttributes attributes, uint asn, out IpAddress target, out string problem)
    {
        target = default;
        problem = "";
        var found = 0;
        foreach (var community in attributes.ExtendedCommunities)
        {
            switch (community >> 48)
            {
                case RedirectToIp when (community & 0xffff) == 0:
                    target = IpAddress.FromUInt32((uint)(community >> 16));
                    found++;
                    break;
                case RedirectToIp:
                    problem = $"redirect-to-IP with flags {community & 0xffff:x4}";
                    return false;
                case NonTransitiveRedirectToIp:
                    problem = "redirect-to-IP that is not transitive";
                    return false;
                default:
                    if (IsOtherAction((ushort)(community >> 48)))
                    {
                        problem = $"another action beside or instead of redirect-to-IP: {community:x16}";
                        return false;
                    }

                    break;
            }
        }

        UInt128 value = 0;
        var words = 0;
        foreach (var community in attributes.LargeCommunities)
        {
            var word = community.Function - TargetFunction;
            if (community.GlobalAdministrator == asn && word < 4)
            {
                value |= (UInt128)community.Value << (int)(96 - (32 * word));
                words = words < 0 || (words & (1 << (int)word)) != 0 ? -1 : words | (1 << (int)word);
            }
        }

        if (words == 0b1111)
        {
            target = IpAddress.FromUInt128(value);
            found++;
        }
        else if (words != 0)
        {
            problem = "an IPv6 endpoint that is not four words";
            return false;
        }

        problem = found switch { 0 => "no redirect-to-IP action", 1 => "", _ => "more than one redirect-to-IP action" };
        return found == 1;
    }

    /// <summary>Rate, action, redirect (three forms) and marking of RFC 8955 7.</summary>
    private static bool IsOtherAction(ushort type) => type is (>= 0x8006 and <= 0x8009) or 0x8108 or 0x8208 or 0x800c;

    /// <summary>The encapsulation that the route asks for, or null if it names none. False: what it names is not legal.</summary>
    public static bool TryReadEncapsulation(PathAttributes attributes, uint asn, out Encapsulation? encapsulation, out string problem)
    {
        encapsulation = null;
        problem = "";
        uint? kind = null;
        uint? key = null;
        foreach (var community in attributes.LargeCommunities)
        {
            if (community.GlobalAdministrator != asn)
            {
                continue;
            }

            switch (community.Function)
            {
                case EncapsulationFunction when kind is not null && kind != community.Value:
                    problem = "two encapsulations";
                    return false;
                case EncapsulationFunction:
                    kind = community.Value;
                    break;
                case KeyFunction when key is not null && key != community.Value:
                    problem = "two GRE keys";
                    return false;
                case KeyFunction:
                    key = community.Value;
                    break;
                default:
                    break;
            }
        }

        if (kind is > (uint)EncapsulationKind.Ipip)
        {
            problem = $"encapsulation {kind} is unknown";
            return false;
        }

        if (key is not null && kind != (uint)EncapsulationKind.Gre)
        {
            problem = "a GRE key without GRE";
            return false;
        }

        encapsulation = kind is { } number ? new Encapsulation((EncapsulationKind)number, key) : null;
        return true;
    }
}
