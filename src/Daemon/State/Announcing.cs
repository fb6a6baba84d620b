using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.State;

/// <summary>
/// What this server announces, as far as the gate lets it. Ownership of IPv6 slices is announced like any other; the IPv6
/// prefixes, which would attract packets, are not while the packet path cannot carry them.
/// </summary>
internal sealed record Announcing(Announcements Announcements, ImmutableArray<PrefixDecision> Prefixes)
{
    public static Announcing Make(Fleet fleet, Server self, Assignment assignment, GateInputs inputs)
    {
        var internet = AnnouncementGate.Prefixes(inputs);
        var ownership = AnnouncementGate.Ownership(inputs);
        ImmutableArray<PrefixDecision> prefixes =
        [
            .. from candidate in AnnouncementGate.Candidates(fleet, self)
               select new PrefixDecision(candidate.Prefix, candidate.Pool, candidate.Never is { } never ? GateDecision.No(never) : internet),
        ];
        if (!ownership.Open)
        {
            return new Announcing(Announcements.None, prefixes);
        }

        // Whoever answers for the datacenter's endpoint gets packets of all its slices, as by the prefixes: it must know their owners.
        var datacenter = fleet.Datacenters[self.Datacenter];
        TunnelEndpoint[] endpoints = internet.Open ? [self.Endpoint, datacenter.Endpoint] : [self.Endpoint];
        return new Announcing(
            new Announcements(
                [.. prefixes.Where(p => p.Decision.Open).Select(p => p.Prefix)],
                [.. endpoints.Select(e => IpPrefix.Host(e.Address)).Distinct()],
                [.. Ownership.OwnBlocks(fleet, self, assignment).Select(b => new OwnershipAnnouncement(
                    b.Block, datacenter.Endpoint.Address, b.Pool.EncapsulationTo(datacenter.Endpoint)))],
                [.. Ownership.OwnSlices(fleet, self, assignment).Select(s => new OwnershipAnnouncement(
                    s, self.Endpoint.Address, fleet.PoolOf(s.Address)!.EncapsulationTo(self.Endpoint)))]),
            prefixes);
    }
}
