using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>The verdict on one learned route: accepted with what it says, or rejected with the reason.</summary>
/// <param name="Match">What it matches, if that much could be read: an accepted route of the same match is replaced either way.</param>
internal readonly record struct FilterVerdict(OwnershipMatch? Match, OwnershipRoute? Route, RejectReason Reason, string Detail)
{
    public bool Accepted => Route is not null;
}

/// <summary>
/// Decides which learned routes count: those that the fleet file grants to their origin. A slice counts if its pool may assign it, its
/// target is its origin's own endpoint and the pool serves the origin's datacenter; a block (a datacenter's address or part of one) if
/// it is cut at slice borders and its target is the endpoint of the origin's datacenter. Pure.
/// </summary>
internal sealed class RouteFilter(Fleet fleet, Server self)
{
    /// <param name="nlri">The NLRI if it could be read.</param>
    /// <param name="fault">Why it could not.</param>
    /// <param name="sourceId">Router id of the neighbour that sent it: the origin, unless a reflector's ORIGINATOR_ID names it.</param>
    public FilterVerdict Judge(FlowSpecNlri? nlri, FlowSpecFault fault, PathAttributes attributes, IpAddress sourceId, IpAddress neighbour)
    {
        if (nlri is null)
        {
            return Reject(null, fault == FlowSpecFault.TooMany ? RejectReason.TooLarge : RejectReason.Malformed, $"NLRI: {Describe(fault)}");
        }

        if (!OwnershipMatch.TryRead(nlri, out var match, out var problem))
        {
            return Reject(null, RejectReason.NotOwnership, problem);
        }

        if (attributes.Malformed is { } malformed)
        {
            return Reject(match, RejectReason.Malformed, malformed);
        }

        if (attributes.LargeCommunities.Length > Scheme.MaxLargeCommunities || attributes.ExtendedCommunities.Length > Scheme.MaxLargeCommunities)
        {
            return Reject(match, RejectReason.TooLarge,
                $"{Math.Max(attributes.LargeCommunities.Length, attributes.ExtendedCommunities.Length)} communities of one kind");
        }

        if (!Scheme.TryReadTarget(attributes, fleet.Asn, out var target, out problem))
        {
            return Reject(match, RejectReason.MalformedAction, problem);
        }

        if (!Scheme.TryReadEncapsulation(attributes, fleet.Asn, out var encapsulation, out problem))
        {
            return Reject(match, RejectReason.BadEncapsulation, problem);
        }

        if (fleet.PoolOf(match.Ports.Address) is not { } pool)
        {
            return Reject(match, RejectReason.OutsidePools, $"{match.Ports.Address} is in no pool");
        }

        var originId = attributes.OriginatorId ?? sourceId;
        if (originId == self.RouterId)
        {
            return Reject(match, RejectReason.OwnRoute, "its origin is this server");
        }

        if (!fleet.ServersByRouterId.TryGetValue(originId, out var origin))
        {
            return Reject(match, RejectReason.UnknownOrigin, $"no server has the router id {originId}");
        }

        if (!pool.Weights.ContainsKey(origin.Datacenter))
        {
            return Reject(match, RejectReason.DatacenterNotServed, $"{pool.Name} does not serve {origin.Datacenter}, where {origin.Name} is");
        }

        if (fleet.ServersByEndpoint.ContainsKey(target))
        {
            return JudgeSlice(match, pool, target, encapsulation, origin, neighbour);
        }

        return fleet.DatacentersByEndpoint.ContainsKey(target)
            ? JudgeBlock(match, pool, target, encapsulation, origin, neighbour)
            : Reject(match, RejectReason.UnknownTarget, $"{target} is no endpoint of the fleet");
    }

    private static FilterVerdict JudgeSlice(
        OwnershipMatch match, EgressPool pool, IpAddress target, Encapsulation? encapsulation, Server origin, IpAddress neighbour)
    {
        if (target != origin.Endpoint.Address)
        {
            return Reject(match, RejectReason.NotTheOwner, $"{origin.Name} announced it, but {target} is not its endpoint");
        }

        return match.AnySource || !pool.MayAssign(match.Ports)
            ? Reject(match, RejectReason.NotASlice, $"{match} is no slice that {pool.Name} may assign")
            : Accept(match, OwnershipKind.Slice, target, encapsulation ?? pool.EncapsulationTo(origin.Endpoint), origin, neighbour);
    }

    private FilterVerdict JudgeBlock(
        OwnershipMatch match, EgressPool pool, IpAddress target, Encapsulation? encapsulation, Server origin, IpAddress neighbour)
    {
        var datacenter = fleet.Datacenters[origin.Datacenter];
        if (target != datacenter.Endpoint.Address)
        {
            return Reject(match, RejectReason.NotTheOwner, $"{origin.Name} announced it, but {target} is not the endpoint of {datacenter.Name}");
        }

        var size = pool.SliceSize.PortCount;
        var ports = match.Ports.Ports;
        var aligned = ports.First % size == 0 && (ports.Last + 1) % size == 0 && match == OwnershipMatch.Of(OwnershipKind.Block, match.Ports);
        return !aligned || !pool.MayAssign(match.Ports.Address)
            ? Reject(match, RejectReason.NotABlock, $"{match} is no part of {pool.Name} cut at slice borders")
            : Accept(match, OwnershipKind.Block, target, encapsulation ?? pool.EncapsulationTo(datacenter.Endpoint), origin, neighbour);
    }

    private static FilterVerdict Accept(
        OwnershipMatch match, OwnershipKind kind, IpAddress target, Encapsulation encapsulation, Server origin, IpAddress neighbour) =>
        new(match, new OwnershipRoute(match.Ports, kind, target, encapsulation, origin.RouterId, neighbour), default, "");

    private static FilterVerdict Reject(OwnershipMatch? match, RejectReason reason, string detail) => new(match, null, reason, detail);

    private static string Describe(FlowSpecFault fault) => fault switch
    {
        FlowSpecFault.Length => "its lengths do not fit its bytes",
        FlowSpecFault.Prefix => "a prefix that its family does not have",
        FlowSpecFault.UnknownComponent => "a component that does not exist",
        FlowSpecFault.Order => "components out of order",
        FlowSpecFault.TooMany => "more components or operands than are read",
        _ => "empty",
    };
}
