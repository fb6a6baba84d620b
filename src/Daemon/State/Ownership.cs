using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.State;

/// <summary>Ports, and where their packets go: here, or to an endpoint by an encapsulation.</summary>
/// <param name="Target">Tunnel endpoint; null: here.</param>
internal readonly record struct Owner(AddressPorts Ports, IpAddress? Target, Encapsulation Encapsulation, OwnershipKind Kind);

/// <summary>Two claims to the same ports, and which of them counts.</summary>
internal sealed record OwnershipConflict(AddressPorts Ports, string Winner, string Loser, string Reason);

/// <summary>
/// Who owns what, as this server acts on it: its own slices by the assignment, everyone else's by the routes they announce.
/// Where somebody announces what the assignment gives to another, the other wins: also where its own route is not heard,
/// for a reflector passes on one of the two only. Where the assignment names nobody, the lower router identifier wins.
/// </summary>
internal sealed record Ownership(ImmutableArray<Owner> Owners, ImmutableArray<OwnershipConflict> Conflicts)
{
    public static Ownership Empty { get; } = new([], []);

    public static Ownership Resolve(Fleet fleet, Server self, Assignment assignment, IEnumerable<OwnershipRoute> routes)
    {
        var assignedSlices = new Dictionary<AddressPorts, string>();
        var assignedBlocks = new Dictionary<AddressPorts, string>();
        foreach (var pool in assignment.Pools)
        {
            foreach (var slice in pool.Slices)
            {
                assignedSlices.TryAdd(slice.Slice, slice.Server);
            }

            foreach (var block in pool.Blocks)
            {
                assignedBlocks.TryAdd(block.Block, block.Datacenter);
            }
        }

        var owners = ImmutableArray.CreateBuilder<Owner>();
        var conflicts = ImmutableArray.CreateBuilder<OwnershipConflict>();
        var mine = new HashSet<AddressPorts>();
        foreach (var slice in OwnSlices(fleet, self, assignment))
        {
            mine.Add(slice);
            owners.Add(new Owner(slice, null, default, OwnershipKind.Slice));
        }

        foreach (var claims in routes.GroupBy(r => (r.Kind, r.Ports)).OrderBy(g => g.Key.Ports).ThenBy(g => g.Key.Kind))
        {
            var (kind, ports) = claims.Key;
            var claimants = claims.GroupBy(c => NameOf(fleet, c)).ToDictionary(g => g.Key, g => g.MinBy(c => c.Origin)!);
            var meant = (kind == OwnershipKind.Slice ? assignedSlices : assignedBlocks).GetValueOrDefault(ports);
            var winner = meant ?? claimants.MinBy(c => c.Value.Origin).Key;
            var reason = meant is null ? "the assignment here names neither; the lower router identifier wins" : "the assignment here names the winner";
            conflicts.AddRange(claimants.Keys.Where(c => c != winner).Order(StringComparer.Ordinal).Select(c => new OwnershipConflict(ports, winner, c, reason)));
            if (mine.Contains(ports) && kind == OwnershipKind.Slice)
            {
                continue;
            }

            // What this datacenter owns as a block is known slice by slice; its own endpoint would only lead back here.
            if (kind == OwnershipKind.Block && winner == self.Datacenter)
            {
                continue;
            }

            if (claimants.TryGetValue(winner, out var route))
            {
                owners.Add(new Owner(ports, route.Target, route.Encapsulation, kind));
            }
            else if (EndpointOf(fleet, kind, winner) is { } endpoint)
            {
                // A reflector passes on only one of two routes to the same ports, and chose the other one.
                owners.Add(new Owner(ports, endpoint.Address, fleet.PoolOf(ports.Address)!.EncapsulationTo(endpoint), kind));
            }
        }

        return new Ownership(owners.ToImmutable(), conflicts.ToImmutable());
    }

    /// <summary>The slices that the assignment gives to this server, and the fleet file lets it have.</summary>
    public static IEnumerable<AddressPorts> OwnSlices(Fleet fleet, Server self, Assignment assignment) =>
        from pool in assignment.Pools
        let egress = fleet.PoolNamed(pool.Pool)
        where egress is not null && egress.Weights.ContainsKey(self.Datacenter)
        from slice in pool.Slices
        where slice.Server == self.Name && egress.MayAssign(slice.Slice)
        select slice.Slice;

    /// <summary>
    /// The assignment, with slices that it has taken from this server and given to nobody yet: what is open on them is steered
    /// here until it has ended.
    /// </summary>
    public static Assignment Leaving(Assignment assignment, Fleet fleet, Server self, IEnumerable<AddressPorts> slices)
    {
        var leaving = slices.ToLookup(s => fleet.PoolOf(s.Address)?.Name);
        return leaving.Count == 0 ? assignment : assignment with
        {
            Pools =
            [
                .. assignment.Pools.Select(pool => leaving[pool.Pool].Where(s => !pool.Slices.Any(o => o.Slice.Overlaps(s))).ToList() is { Count: > 0 } left
                    ? pool with { Slices = [.. pool.Slices.Concat(left.Select(s => new OwnedSlice(s, self.Name))).OrderBy(s => s.Slice)] }
                    : pool),
            ],
        };
    }

    /// <summary>The blocks that the assignment gives to this server's datacenter.</summary>
    public static IEnumerable<(EgressPool Pool, AddressPorts Block)> OwnBlocks(Fleet fleet, Server self, Assignment assignment) =>
        from pool in assignment.Pools
        let egress = fleet.PoolNamed(pool.Pool)
        where egress is not null && egress.Weights.ContainsKey(self.Datacenter)
        from block in pool.Blocks
        where block.Datacenter == self.Datacenter && egress.MayAssign(block.Block.Address)
        select (egress, block.Block);

    /// <summary>
    /// The same, with what is kept from before for ports that no learned route speaks of yet. A kept slice stays against a
    /// learned block: it is more exact.
    /// </summary>
    public Ownership With(ImmutableArray<Owner> kept)
    {
        if (kept.IsEmpty)
        {
            return this;
        }

        var known = Owners.Select(o => o.Ports).ToHashSet();
        return this with { Owners = [.. Owners, .. kept.Where(k => !known.Contains(k.Ports))] };
    }

    private static TunnelEndpoint? EndpointOf(Fleet fleet, OwnershipKind kind, string name) => kind == OwnershipKind.Slice
        ? fleet.Servers.GetValueOrDefault(name)?.Endpoint
        : fleet.Datacenters.GetValueOrDefault(name)?.Endpoint;

    private static string NameOf(Fleet fleet, OwnershipRoute route) =>
        fleet.ServersByEndpoint.GetValueOrDefault(route.Target)?.Name ?? fleet.DatacentersByEndpoint.GetValueOrDefault(route.Target)?.Name ?? route.Target.ToString();
}
