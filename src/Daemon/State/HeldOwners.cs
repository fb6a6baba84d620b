using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Model;
using SoftUnicast.Steering;

namespace SoftUnicast.Daemon.State;

/// <summary>
/// What others own by the table that a daemon finds in the kernel when it starts: it stays in force until BGP has said anew
/// who owns what, so that a restart loses no packet.
/// </summary>
internal static class HeldOwners
{
    /// <summary>Every slice that leads to an endpoint which the fleet file still names.</summary>
    public static ImmutableArray<Owner> From(SteeringTable table, Fleet fleet) =>
    [
        .. from prefix in table.Prefixes
           let pool = fleet.PoolOf(prefix.Prefix.Network)
           where pool is not null && pool.SliceSize == prefix.SliceSize
           from owned in prefix.OwnedSlices()
           let endpoint = owned.Owner.Endpoint
           where endpoint is not null
           let isServer = fleet.ServersByEndpoint.ContainsKey(endpoint.Address)
           where isServer || fleet.DatacentersByEndpoint.ContainsKey(endpoint.Address)
           select new Owner(owned.Slice, endpoint.Address, endpoint.Encapsulation, isServer ? OwnershipKind.Slice : OwnershipKind.Block),
    ];
}
