using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>What must hold between a server's file and the fleet.</summary>
internal static class ServerRules
{
    public static void CheckAgainst(DiagnosticBag bag, ServerPlaces places, Fleet fleet)
    {
        foreach (var neighbour in places.Neighbours)
        {
            CheckAddress(bag, neighbour.Address, neighbour.AddressPlace, "neighbour", fleet);
            CheckAddress(bag, neighbour.LocalAddress, neighbour.LocalAddressPlace, "local address", fleet);
        }

        CheckDispatch(bag, places, fleet);
        if (places.Server is not var (name, place))
        {
            return;
        }

        if (!fleet.Servers.TryGetValue(name, out var server))
        {
            bag.Error(place, $"there is no server '{name}' in the fleet file", bag.Nearest.Hint(name, fleet.Servers.Keys));
            return;
        }

        CheckSelf(bag, places, fleet, server);
        CheckNat(bag, places, fleet, server);
        CheckNeighbours(bag, places, fleet, server);
    }

    private static void CheckAddress(DiagnosticBag bag, IpAddress? address, Place place, string what, Fleet fleet)
    {
        if (address is { } known && fleet.PoolOf(known) is { } pool)
        {
            bag.Error(place, $"{what} {known} lies in {pool.Prefix} of pool '{pool.Name}'", "BGP runs between underlay addresses");
        }
    }

    private static void CheckSelf(DiagnosticBag bag, ServerPlaces places, Fleet fleet, Server server)
    {
        if (places.RouterId is var (id, idPlace) && id != server.RouterId)
        {
            bag.Error(
                idPlace,
                $"'router-id' is {id} here and {server.RouterId} in the fleet file, where the other servers look up whose routes these are",
                "write it in the fleet file only");
        }

        if (places.Roles is var (roles, rolesPlace) && !roles.HasFlag(InterfaceRoles.Backbone) && fleet.Servers.Count > 1)
        {
            bag.Error(rolesPlace, "no interface has the role backbone: packets from the other servers would not be taken out of their tunnels", "give one role: backbone or role: both");
        }
    }

    private static void CheckNat(DiagnosticBag bag, ServerPlaces places, Fleet fleet, Server server)
    {
        foreach (var (name, place) in places.NatPools)
        {
            if (fleet.PoolNamed(name) is not { } pool)
            {
                bag.Error(place, $"there is no pool '{Quoted.Short(name)}' in the fleet file", bag.Nearest.Hint(name, fleet.Pools.Select(p => p.Name)));
            }
            else if (!pool.Weights.ContainsKey(server.Datacenter))
            {
                bag.Error(place, $"pool '{name}' does not serve datacenter '{server.Datacenter}', so this server has no slice of it");
            }
        }

        foreach (var (prefix, place) in places.NatSources)
        {
            if (fleet.Pools.FirstOrDefault(p => p.Prefix.Overlaps(prefix)) is { } pool)
            {
                bag.Error(place, $"source {prefix} overlaps {pool.Prefix} of pool '{pool.Name}'", "translate addresses of your own, not egress addresses");
            }
        }
    }

    private static void CheckDispatch(DiagnosticBag bag, ServerPlaces places, Fleet fleet)
    {
        foreach (var (prefix, place) in places.DispatchPrefixes)
        {
            if (fleet.Pools.FirstOrDefault(p => p.Prefix.Overlaps(prefix)) is { } pool)
            {
                bag.Error(place, $"{prefix} overlaps {pool.Prefix} of egress pool '{pool.Name}', whose packets are steered to the owners of their ports", "services need addresses of their own");
            }

            var held = fleet.Datacenters.Values.Select(d => (d.Endpoint.Address, Whose: $"datacenter '{d.Name}'"))
                .Concat(fleet.Servers.Values.Select(s => (s.Endpoint.Address, Whose: $"server '{s.Name}'"))).Where(e => prefix.Contains(e.Address)).ToList();
            if (held.Count > 0)
            {
                bag.Error(place, $"{prefix} holds {held[0].Address}, the endpoint of {held[0].Whose}{(held.Count > 1 ? FormattableString.Invariant($", and {held.Count - 1} more") : "")}");
            }
        }
    }

    private static void CheckNeighbours(DiagnosticBag bag, ServerPlaces places, Fleet fleet, Server server)
    {
        var datacenter = fleet.Datacenters[server.Datacenter];
        foreach (var neighbour in places.Neighbours)
        {
            if (neighbour.Address == server.Endpoint.Address)
            {
                bag.Error(neighbour.AddressPlace, $"neighbour {neighbour.Address} is this server itself");
            }
            else if (neighbour.Address == datacenter.Endpoint.Address)
            {
                bag.Error(neighbour.AddressPlace, $"neighbour {neighbour.Address} is the endpoint of datacenter '{datacenter.Name}', which every server of it answers for");
            }

            if (neighbour.Multihop is { } multihop && neighbour.Asn == datacenter.Asn)
            {
                bag.Error(multihop, FormattableString.Invariant($"'multihop' is for eBGP; AS {datacenter.Asn} is this server's own"), "take it out: iBGP sessions may cross routers anyway");
            }
        }

        // A scope that could not be read may be the one that is missing.
        if (places.NeighboursKey is { } key && places.Neighbours.All(n => n.Scopes is not null) && !bag.HasErrors)
        {
            var scopes = places.Neighbours.Aggregate(NeighbourScopes.None, (all, n) => all | n.Scopes!.Value);
            WarnWithout(NeighbourScopes.Internet, "internet", "the pools are not announced from here", fleet.Pools.Any(p => p.Weights.ContainsKey(server.Datacenter)));
            WarnWithout(NeighbourScopes.Datacenter, "datacenter", "this server cannot tell which slices the others here own", fleet.ServersOf(server.Datacenter).Skip(1).Any());
            WarnWithout(NeighbourScopes.Backbone, "backbone", "this server cannot tell which addresses other datacenters own", fleet.Servers.Values.Any(s => s.Datacenter != server.Datacenter));

            void WarnWithout(NeighbourScopes scope, string word, string why, bool needed)
            {
                if (needed && !scopes.HasFlag(scope))
                {
                    bag.Warning(key, $"no neighbour has the scope {word}: {why}");
                }
            }
        }
    }
}
