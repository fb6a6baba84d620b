using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads the list of BGP neighbours.</summary>
internal sealed class NeighbourReader(DiagnosticBag bag, ServerPlaces places)
{
    private static readonly (string Word, NeighbourScopes Scope)[] ScopeWords =
    [
        ("internet", NeighbourScopes.Internet),
        ("underlay", NeighbourScopes.Underlay),
        ("backbone", NeighbourScopes.Backbone),
        ("datacenter", NeighbourScopes.Datacenter),
    ];

    private readonly Values values = new(bag);
    private readonly Dictionary<IpAddress, int> lines = [];

    public ImmutableArray<NeighbourConfig> Read(Section bgp, GobgpdConfig gobgpd)
    {
        var node = bgp.Optional("neighbours");
        if (node is null or YamlList { Items.Count: 0 })
        {
            bag.Warning(node is null ? bgp.Place : bgp.KeyPlace("neighbours"), "there is no BGP neighbour: nothing is announced and nothing is learned");
            return [];
        }

        places.NeighboursKey = bgp.KeyPlace("neighbours");
        var neighbours = ImmutableArray.CreateBuilder<NeighbourConfig>();
        foreach (var item in values.List(node, "'neighbours'") ?? [])
        {
            if (ReadOne(item, gobgpd) is { } neighbour)
            {
                neighbours.Add(neighbour);
            }
        }

        return neighbours.ToImmutable();
    }

    private NeighbourConfig? ReadOne(YamlNode item, GobgpdConfig gobgpd)
    {
        if (Section.Open(bag, item, item.Place, "a neighbour", ServerKeys.Neighbour) is not { } section)
        {
            return null;
        }

        var addressNode = section.Required("address");
        var address = values.UnicastAddress(addressNode, "'address'");
        if (address is { } known && !lines.TryAdd(known, addressNode!.Place.Line))
        {
            bag.Error(
                addressNode.Place,
                FormattableString.Invariant($"neighbour {known} is in line {lines[known]} already"),
                "unicast and FlowSpec need two sessions between different addresses");
        }

        var asn = values.Asn(section.Required("as"), "'as'");
        var scopes = ReadScopes(section);
        var localNode = section.Optional("local-address");
        var local = ReadLocalAddress(localNode, address);
        var holdTime = section.Has("hold-time")
            ? values.Number(section.Optional("hold-time"), "'hold-time'", 3, 65535)
            : (long)ServerYaml.DefaultHoldTime.TotalSeconds;
        var passwordFile = values.AbsolutePath(section.Optional("password-file"), "'password-file'");
        var multihop = values.Number(section.Optional("multihop"), "'multihop'", 2, 255);
        var ttlSecurity = section.Has("ttl-security") ? values.Truth(section.Optional("ttl-security"), "'ttl-security'") : false;
        var passive = section.Has("passive") ? values.Truth(section.Optional("passive"), "'passive'") : false;
        if (section.Has("multihop") && ttlSecurity == true)
        {
            bag.Error(section.KeyPlace("ttl-security"), "'ttl-security' takes only packets that crossed no router (RFC 5082), 'multihop' those that did", "keep one of them");
        }

        if (passive == true && gobgpd.ListenPort is null)
        {
            bag.Error(section.KeyPlace("passive"), "a passive neighbour connects to gobgpd, which does not listen (listen-port: -1)");
        }

        places.Neighbours.Add(new NeighbourPlaces(
            address,
            addressNode?.Place ?? item.Place,
            asn,
            scopes,
            local,
            localNode?.Place ?? item.Place,
            section.Has("multihop") ? section.KeyPlace("multihop") : null));
        return bag.HasErrors
            ? null
            : new NeighbourConfig(
                address!.Value, asn!.Value, scopes!.Value, local, TimeSpan.FromSeconds(holdTime!.Value), passwordFile, (int?)multihop, ttlSecurity!.Value, passive!.Value);
    }

    private IpAddress? ReadLocalAddress(YamlNode? node, IpAddress? neighbour)
    {
        if (values.UnicastAddress(node, "'local-address'") is not { } local)
        {
            return null;
        }

        if (neighbour is { } remote && remote == local)
        {
            bag.Error(node!.Place, $"'local-address' is the neighbour's own address, {remote}");
        }
        else if (neighbour is { } other && other.IsIPv6 != local.IsIPv6)
        {
            bag.Error(node!.Place, $"'local-address' {local} and the neighbour's {other} are not of one family");
        }

        return local;
    }

    private NeighbourScopes? ReadScopes(Section section)
    {
        var node = section.Required("scopes", "write scopes: [internet, underlay], or [backbone, datacenter]");
        if (values.List(node, "'scopes'") is not { } items)
        {
            return null;
        }

        var scopes = NeighbourScopes.None;
        var complete = true;
        foreach (var item in items)
        {
            if (values.Word(item, "a scope", ScopeWords) is not { } scope)
            {
                complete = false;
            }
            else if (scopes.HasFlag(scope))
            {
                bag.Error(item.Place, $"scope '{((YamlScalar)item).Text}' is listed twice");
            }
            else
            {
                scopes |= scope;
            }
        }

        if (complete && scopes == NeighbourScopes.None)
        {
            bag.Error(section.KeyPlace("scopes"), "'scopes' is empty: nothing would be sent to this neighbour or believed from it");
        }

        if ((scopes & NeighbourScopes.Unicast) != 0 && (scopes & NeighbourScopes.FlowSpec) != 0)
        {
            bag.Error(
                section.KeyPlace("scopes"),
                "unicast (internet, underlay) and FlowSpec (backbone, datacenter) on one session",
                "make it two neighbours: with both on one session, common BGP speakers misread the FlowSpec routes and the session flaps");
        }

        return complete ? scopes : null;
    }
}
