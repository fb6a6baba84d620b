using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads a fleet file's tree: the fleet, its datacenters and its servers; pools are <see cref="PoolReader"/>'s.</summary>
internal sealed class FleetReader(DiagnosticBag bag)
{
    private readonly Values values = new(bag);
    private readonly EncapsulationReader encapsulations = new(bag);
    private readonly List<Datacenter> datacenters = [];
    private readonly List<Server> servers = [];
    private readonly List<(IpAddress Address, string Owner, Place Place)> endpoints = [];
    private readonly Dictionary<IpAddress, (string Owner, int Line, bool IsEndpoint)> routerIds = [];

    // Every name in the file, also of entries with errors, so that one mistake is not reported again by those who refer to it.
    private readonly HashSet<string> datacenterNames = new(StringComparer.Ordinal);

    /// <returns>Null, or a fleet that means something only if the bag holds no error.</returns>
    public Fleet? Read(YamlNode root)
    {
        if (Section.Open(bag, root, Place.Start, "the fleet file", FleetKeys.Root) is not { } file)
        {
            return null;
        }

        var asn = ReadFleet(file);
        foreach (var entry in Entries(file, "datacenters"))
        {
            ReadDatacenter(entry, asn);
        }

        foreach (var entry in Entries(file, "servers"))
        {
            ReadServer(entry);
        }

        WarnOfEmptyDatacenters(file);
        var pools = new PoolReader(bag, encapsulations, datacenterNames);
        foreach (var entry in Entries(file, "pools"))
        {
            pools.Read(entry);
        }

        FleetRules.CheckEndpoints(bag, endpoints);
        FleetRules.CheckPools(bag, pools.Prefixes);
        FleetRules.CheckEndpointsOutsidePools(bag, endpoints, pools.Prefixes);
        return bag.HasErrors || asn is null ? null : new Fleet(asn.Value, datacenters, servers, pools.Pools);
    }

    private List<YamlEntry> Entries(Section file, string key)
    {
        var entries = values.Named(file.Required(key), $"'{key}'");
        if (entries.Count == 0 && file.Optional(key) is YamlMap)
        {
            bag.Warning(file.KeyPlace(key), $"'{key}' is empty");
        }

        return entries;
    }

    private uint? ReadFleet(Section file)
    {
        if (file.Required("fleet") is not { } node || Section.Open(bag, node, file.KeyPlace("fleet"), "'fleet'", FleetKeys.Fleet) is not { } fleet)
        {
            return null;
        }

        return values.Asn(fleet.Required("as"), "'as'");
    }

    private void ReadDatacenter(YamlEntry entry, uint? fleetAsn)
    {
        var name = entry.Key.Text;
        var named = values.Name(entry.Key, "datacenter");
        datacenterNames.Add(name);
        var owner = $"datacenter '{Quoted.Short(name)}'";
        if (Section.Open(bag, entry.Value, entry.Key.Place, owner, FleetKeys.Datacenter) is not { } section)
        {
            return;
        }

        var endpoint = ReadEndpoint(section, owner);
        var asn = section.Has("as") ? values.Asn(section.Optional("as"), "'as'") : fleetAsn;
        if (named && endpoint is { } tunnelEndpoint && asn is { } number)
        {
            datacenters.Add(new Datacenter(name, tunnelEndpoint, number));
        }
    }

    private void ReadServer(YamlEntry entry)
    {
        var name = entry.Key.Text;
        var named = values.Name(entry.Key, "server");
        var owner = $"server '{Quoted.Short(name)}'";
        if (Section.Open(bag, entry.Value, entry.Key.Place, owner, FleetKeys.Server) is not { } section)
        {
            return;
        }

        var datacenterNode = section.Required("datacenter");
        var datacenter = values.Text(datacenterNode, "'datacenter'");
        if (datacenter is not null)
        {
            FleetRules.CheckDatacenterName(bag, datacenterNode!.Place, datacenter, datacenterNames);
        }

        var endpoint = ReadEndpoint(section, owner);
        var routerId = ReadRouterId(section, owner, endpoint);
        if (named && datacenter is not null && endpoint is { } tunnelEndpoint && routerId is { } id)
        {
            servers.Add(new Server(name, datacenter, tunnelEndpoint, id));
        }
    }

    private IpAddress? ReadRouterId(Section section, string owner, TunnelEndpoint? endpoint)
    {
        if (!section.Has("router-id"))
        {
            if (endpoint is { Address.IsIPv6: true })
            {
                bag.Error(section.Place, $"{owner} has an IPv6 endpoint and no 'router-id'", "write router-id: and a 32-bit number as a dotted quad, unique in the fleet (RFC 6286)");
                return null;
            }

            if (endpoint is { } known)
            {
                RouterIdOf(known.Address, owner, section.KeyPlace("endpoint"), isEndpoint: true);
            }

            return endpoint?.Address;
        }

        var node = section.Optional("router-id");
        if (RouterIdReader.Read(values, bag, node) is not { } id)
        {
            return null;
        }

        RouterIdOf(id, owner, node!.Place, isEndpoint: false);
        return id;
    }

    private void RouterIdOf(IpAddress id, string owner, Place place, bool isEndpoint)
    {
        // Two servers with one endpoint and no router id: their endpoints are reported, that is enough.
        if (!routerIds.TryAdd(id, (owner, place.Line, isEndpoint)) && !(isEndpoint && routerIds[id].IsEndpoint))
        {
            bag.Error(place, FormattableString.Invariant($"router id {id} of {owner} is that of {routerIds[id].Owner} in line {routerIds[id].Line}"));
        }
    }

    private TunnelEndpoint? ReadEndpoint(Section section, string owner)
    {
        if (section.Required("endpoint") is not { } node)
        {
            return null;
        }

        if (node is not YamlMap)
        {
            return Endpoint(values.UnicastAddress(node, "'endpoint'"), null, owner, node.Place);
        }

        if (Section.Open(bag, node, section.KeyPlace("endpoint"), $"the endpoint of {owner}", FleetKeys.Endpoint) is not { } detail)
        {
            return null;
        }

        var addressNode = detail.Required("address");
        var address = values.UnicastAddress(addressNode, "'address'");
        var encapsulation = encapsulations.ReadPair(detail, "encapsulation");
        return Endpoint(address, encapsulation, owner, addressNode?.Place ?? node.Place);
    }

    private TunnelEndpoint? Endpoint(IpAddress? address, Encapsulation? encapsulation, string owner, Place place)
    {
        if (address is not { } known)
        {
            return null;
        }

        endpoints.Add((known, owner, place));
        return new TunnelEndpoint(known, encapsulation);
    }

    private void WarnOfEmptyDatacenters(Section file)
    {
        if (bag.HasErrors || file.Optional("datacenters") is not YamlMap map)
        {
            return;
        }

        var used = servers.Select(s => s.Datacenter).ToHashSet();
        foreach (var entry in map.Entries.Where(e => !used.Contains(e.Key.Text)))
        {
            bag.Warning(entry.Key.Place, $"datacenter '{entry.Key.Text}' has no server");
        }
    }
}
