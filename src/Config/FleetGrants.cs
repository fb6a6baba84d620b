using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>
/// What the fleet lets one pool's assignment say. Fleet and assignment reach a server one after the other, so what does not
/// fit is a warning, and is left out. Without a fleet everything is granted.
/// </summary>
internal sealed class FleetGrants
{
    private readonly DiagnosticBag bag;
    private readonly Fleet? fleet;
    private readonly EgressPool? pool;
    private readonly bool sizeDiffers;

    public FleetGrants(DiagnosticBag bag, Fleet? fleet, YamlScalar name, YamlNode? sizeNode, SliceSize? size, bool hasOwners)
    {
        this.bag = bag;
        this.fleet = fleet;
        pool = fleet?.PoolNamed(name.Text);
        if (fleet is null)
        {
            return;
        }

        if (pool is null)
        {
            UnknownPool = true;
            if (hasOwners)
            {
                bag.Warning(name.Place, $"the fleet has no pool '{Quoted.Short(name.Text)}': left out", bag.Nearest.Hint(name.Text, fleet.Pools.Select(p => p.Name)));
            }
        }
        else if (size is { } known && known != pool.SliceSize)
        {
            sizeDiffers = true;
            if (hasOwners)
            {
                bag.Warning(sizeNode!.Place, $"made for slices of {known} ports; the fleet file says {pool.SliceSize}: what is owned here is left out", "plan again");
            }
        }
    }

    public bool UnknownPool { get; }

    public bool Address(Place place, IpAddress address)
    {
        if (pool is null || sizeDiffers)
        {
            return fleet is null;
        }

        if (pool.MayAssign(address))
        {
            return true;
        }

        bag.Warning(place, $"pool '{pool.Name}' may not assign {address}: left out", $"the fleet file grants {pool.FirstAddress}-{pool.LastAddress}");
        return false;
    }

    public bool Datacenter(Place place, string name)
    {
        if (pool is null || pool.Weights.ContainsKey(name))
        {
            return true;
        }

        var known = fleet!.Datacenters.ContainsKey(name);
        bag.Warning(
            place,
            known ? $"pool '{pool.Name}' does not serve datacenter '{name}': left out" : $"the fleet has no datacenter '{Quoted.Short(name)}': left out",
            known ? null : bag.Nearest.Hint(name, fleet.Datacenters.Keys));
        return false;
    }

    public bool Server(Place place, string name, string datacenter)
    {
        if (fleet is null)
        {
            return true;
        }

        if (!fleet.Servers.TryGetValue(name, out var server))
        {
            bag.Warning(place, $"the fleet has no server '{Quoted.Short(name)}': left out", bag.Nearest.Hint(name, fleet.Servers.Keys));
            return false;
        }

        if (server.Datacenter == datacenter)
        {
            return true;
        }

        bag.Warning(place, $"server '{name}' is in datacenter '{server.Datacenter}', not in '{Quoted.Short(datacenter)}': left out");
        return false;
    }

    public bool Slice(Place place, AddressPorts slice)
    {
        if (pool is null || pool.MayAssign(slice))
        {
            return true;
        }

        bag.Warning(place, $"slice {slice} is reserved in the fleet file: left out");
        return false;
    }
}
