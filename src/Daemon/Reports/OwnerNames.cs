using SoftUnicast.Control.Replies;
using SoftUnicast.Model;
using SoftUnicast.Steering;

namespace SoftUnicast.Daemon.Reports;

/// <summary>Gives endpoint addresses the names that the fleet file has for them.</summary>
internal static class OwnerNames
{
    public static OwnerRef Of(Fleet fleet, Server self, SliceOwner owner) => owner switch
    {
        { IsHere: true } => new OwnerRef(OwnerKind.Here, self.Name),
        { Endpoint: { } endpoint } => Of(fleet, endpoint.Address),
        _ => default,
    };

    public static OwnerRef Of(Fleet fleet, IpAddress endpoint)
    {
        if (fleet.ServersByEndpoint.TryGetValue(endpoint, out var server))
        {
            return new OwnerRef(OwnerKind.Server, server.Name);
        }

        return fleet.DatacentersByEndpoint.TryGetValue(endpoint, out var datacenter)
            ? new OwnerRef(OwnerKind.Datacenter, datacenter.Name)
            : new OwnerRef(OwnerKind.Unknown, null);
    }
}
