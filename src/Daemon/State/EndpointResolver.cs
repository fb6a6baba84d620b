using System.Collections.Immutable;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Daemon.State;

/// <summary>
/// Turns owners into endpoint entries with ready headers. An endpoint whose next hop is being looked up keeps the entry that
/// the kernel has; one whose lookup failed is written as unresolved, so that its packets are dropped and counted.
/// </summary>
internal sealed class EndpointResolver(Fleet fleet, Server self, SteeringTable inForce, IReadOnlyDictionary<IpAddress, NextHopEntry> nextHops)
{
    private readonly Dictionary<(IpAddress, Encapsulation), SteeringEndpoint> before = inForce.Endpoints
        .GroupBy(e => (e.Address, e.Encapsulation))
        .ToDictionary(g => g.Key, g => g.FirstOrDefault(e => e.IsResolved) ?? g.First());

    private readonly Dictionary<(IpAddress, Encapsulation), SteeringEndpoint> made = [];

    /// <summary>The endpoints that owners lead to, which the packet path can carry.</summary>
    public static ImmutableHashSet<IpAddress> Wanted(IEnumerable<Owner> owners) =>
        [.. from owner in owners where owner.Target is not null && !owner.Ports.Address.IsIPv6 select owner.Target!.Value];

    public ImmutableArray<LearnedOwner> Resolve(IEnumerable<Owner> owners) =>
    [
        .. from owner in owners
           where !owner.Ports.Address.IsIPv6 && owner.Target is { IsIPv6: false }
           select new LearnedOwner(owner.Ports, Endpoint(owner.Target!.Value, owner.Encapsulation)),
    ];

    private SteeringEndpoint Endpoint(IpAddress address, Encapsulation encapsulation)
    {
        if (made.TryGetValue((address, encapsulation), out var known))
        {
            return known;
        }

        var rank = RankOf(address);
        var outer = OuterHeader.Build(self.Endpoint.Address, address, encapsulation);
        var entry = nextHops.GetValueOrDefault(address);
        SteeringEndpoint endpoint;
        if (entry?.NextHop is { } hop)
        {
            endpoint = new SteeringEndpoint(address, encapsulation, rank, LinkHeader.Build(hop), outer, Math.Min(hop.MtuBytes, ushort.MaxValue), hop.InterfaceIndex);
        }
        else if (entry?.State != NextHopState.Failed && before.TryGetValue((address, encapsulation), out var old)
            && old.Rank == rank && old.Source == self.Endpoint.Address)
        {
            endpoint = old;
        }
        else
        {
            endpoint = new SteeringEndpoint(address, encapsulation, rank, default, outer, 0, 0);
        }

        made.Add((address, encapsulation), endpoint);
        return endpoint;
    }

    private Rank RankOf(IpAddress address)
    {
        var datacenter = fleet.ServersByEndpoint.TryGetValue(address, out var server)
            ? server.Datacenter
            : fleet.DatacentersByEndpoint.GetValueOrDefault(address)?.Name;
        return datacenter == self.Datacenter ? Rank.Datacenter : Rank.Backbone;
    }
}
