using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>Ports of an address, and the tunnel endpoint that answers for them.</summary>
/// <param name="Ports">A slice, a part of an address, or all ports of it.</param>
/// <param name="Target">The tunnel endpoint's address.</param>
public readonly record struct OwnershipAnnouncement(AddressPorts Ports, IpAddress Target, Encapsulation Encapsulation);

/// <summary>Everything that this server announces, by scope. Immutable; the order inside a list does not matter.</summary>
/// <param name="Internet">Egress prefixes, each a /24 or shorter (IPv6: /48 or shorter).</param>
/// <param name="Underlay">Host routes to the tunnel endpoints that this server answers for.</param>
/// <param name="Backbone">What the datacenter owns, with the datacenter's endpoint.</param>
/// <param name="Datacenter">The slices that this server owns, with its own endpoint.</param>
public sealed record Announcements(
    ImmutableArray<IpPrefix> Internet,
    ImmutableArray<IpPrefix> Underlay,
    ImmutableArray<OwnershipAnnouncement> Backbone,
    ImmutableArray<OwnershipAnnouncement> Datacenter)
{
    public static Announcements None { get; } = new([], [], [], []);

    /// <summary>Prefixes that services of this server are reached at, of any length: to the same neighbours as <see cref="Internet"/>.</summary>
    public ImmutableArray<IpPrefix> Services { get; init; } = [];

    public int Count => Internet.Length + Services.Length + Underlay.Length + Backbone.Length + Datacenter.Length;

    /// <summary>
    /// What would make an announcement leave the pools or claim somebody else's endpoint, or null: the last check before the wire, so
    /// that what is announced stays a subset of the pools whatever the caller does.
    /// </summary>
    internal string? Problem(Fleet fleet, Server server)
    {
        var datacenter = fleet.Datacenters[server.Datacenter];
        foreach (var prefix in Internet)
        {
            if (fleet.PoolOf(prefix.Network) is not { } pool || !pool.Prefix.Contains(prefix))
            {
                return $"{prefix} is in no pool";
            }

            if (prefix.Length > pool.AnnouncedLength)
            {
                return $"{prefix} is longer than the Internet routes";
            }
        }

        foreach (var prefix in Services)
        {
            if (fleet.Pools.FirstOrDefault(p => p.Prefix.Overlaps(prefix)) is { } pool)
            {
                return $"{prefix} of a service overlaps pool {pool.Name}";
            }

            if (fleet.Datacenters.Values.Select(d => d.Endpoint).Concat(fleet.Servers.Values.Select(s => s.Endpoint)).Any(e => prefix.Contains(e.Address)))
            {
                return $"{prefix} of a service holds a tunnel endpoint";
            }
        }

        foreach (var prefix in Underlay)
        {
            if (prefix != IpPrefix.Host(server.Endpoint.Address) && prefix != IpPrefix.Host(datacenter.Endpoint.Address))
            {
                return $"{prefix} is neither the endpoint of {server.Name} nor that of {datacenter.Name}";
            }
        }

        return Backbone.Select(a => OwnershipProblem(fleet, a, datacenter.Endpoint.Address))
            .Concat(Datacenter.Select(a => OwnershipProblem(fleet, a, server.Endpoint.Address)))
            .FirstOrDefault(p => p is not null);
    }

    private static string? OwnershipProblem(Fleet fleet, OwnershipAnnouncement announcement, IpAddress target)
    {
        if (fleet.PoolOf(announcement.Ports.Address) is null)
        {
            return $"{announcement.Ports} is in no pool";
        }

        return announcement.Target == target
            ? null
            : $"{announcement.Ports} is announced with the endpoint {announcement.Target}, which is not {target}";
    }
}
