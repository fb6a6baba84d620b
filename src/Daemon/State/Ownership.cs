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
/// Where two announce the same, the one that the assignment names wins; where it names neither, the lower router identifier.
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
            var ports = claims.Key.Ports;
            var byTarget = claims.GroupBy(c => c.Target).Select(g => g.MinBy(c => c.Origin)!).OrderBy(c => c.Origin).ToArray();
            if (claims.Key.Kind == OwnershipKind.Slice)
            {
                assignedSlices.TryGetValue(ports, out var meant);
                if (mine.Contains(ports))
                {
                    conflicts.AddRange(byTarget.Select(c => new OwnershipConflict(ports, self.Name, NameOf(fleet, c), "the assignment gives it to this server")));
                    continue;
                }

                var winner = byTarget.FirstOrDefault(c => ServerName(fleet, c) == meant) ?? byTarget[0];
                owners.Add(new Owner(ports, winner.Target, winner.Encapsulation, OwnershipKind.Slice));
                AddConflicts(fleet, conflicts, ports, byTarget, winner, ServerName(fleet, winner) == meant);
            }
            else
            {
                // What this datacenter owns is known slice by slice; its own endpoint would only lead back here.
                assignedBlocks.TryGetValue(ports, out var meant);
                var winner = byTarget.FirstOrDefault(c => DatacenterName(fleet, c) == meant) ?? byTarget[0];
                AddConflicts(fleet, conflicts, ports, byTarget, winner, DatacenterName(fleet, winner) == meant);
                if (DatacenterName(fleet, winner) != self.Datacenter)
                {
                    owners.Add(new Owner(ports, winner.Target, winner.Encapsulation, OwnershipKind.Block));
                }
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

    private static void AddConflicts(
        Fleet fleet, ImmutableArray<OwnershipConflict>.Builder conflicts, AddressPorts ports, OwnershipRoute[] claims, OwnershipRoute winner, bool assigned)
    {
        foreach (var loser in claims.Where(c => c != winner))
        {
            conflicts.Add(new OwnershipConflict(ports, NameOf(fleet, winner), NameOf(fleet, loser), assigned
                ? "the assignment names the winner"
                : "the assignment here names neither; the lower router identifier wins"));
        }
    }

    private static string? ServerName(Fleet fleet, OwnershipRoute route) => fleet.ServersByEndpoint.GetValueOrDefault(route.Target)?.Name;

    private static string? DatacenterName(Fleet fleet, OwnershipRoute route) => fleet.DatacentersByEndpoint.GetValueOrDefault(route.Target)?.Name;

    private static string NameOf(Fleet fleet, OwnershipRoute route) =>
        ServerName(fleet, route) ?? DatacenterName(fleet, route) ?? route.Target.ToString();
}
