using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>What names a route inside the daemon: its family and NLRI, as hexadecimal digits so that it compares by content.</summary>
internal readonly record struct RouteName(Family Family, string Nlri)
{
    public static RouteName Of(Family family, ReadOnlySpan<byte> nlri) => new(family, Convert.ToHexStringLower(nlri));

    public byte[] NlriBytes() => Convert.FromHexString(Nlri);
}

/// <summary>What this server announces, as routes.</summary>
internal static class LocalRoutes
{
    /// <param name="asn">The fleet's AS number, which the communities start with.</param>
    public static Dictionary<RouteName, PathAttributes> From(Announcements announcements, uint asn)
    {
        var routes = new Dictionary<RouteName, PathAttributes>(announcements.Count);
        AddUnicast(announcements.Internet.Concat(announcements.Services), Scope.Internet);
        AddUnicast(announcements.Underlay, Scope.Underlay);
        AddOwnership(announcements.Backbone, Scope.Backbone, OwnershipKind.Block);
        AddOwnership(announcements.Datacenter, Scope.Datacenter, OwnershipKind.Slice);
        return routes;

        void AddUnicast(IEnumerable<IpPrefix> prefixes, Scope scope)
        {
            var attributes = Scheme.Unicast(asn, scope);
            foreach (var prefix in prefixes)
            {
                routes[RouteName.Of(Family.Unicast(prefix.IsIPv6), UnicastNlri.Write(prefix))] = attributes;
            }
        }

        void AddOwnership(IEnumerable<OwnershipAnnouncement> list, Scope scope, OwnershipKind kind)
        {
            foreach (var (ports, target, encapsulation) in list)
            {
                var nlri = FlowSpecWriter.Write(OwnershipMatch.Of(kind, ports).ToNlri());
                routes[RouteName.Of(Family.FlowSpecOf(ports.Address.IsIPv6), nlri)] = Scheme.Ownership(asn, scope, target, encapsulation);
            }
        }
    }

    /// <summary>What takes <paramref name="installed"/> to <paramref name="desired"/>.</summary>
    public static RouteDiff Diff(
        IReadOnlyDictionary<RouteName, PathAttributes> installed, IReadOnlyDictionary<RouteName, PathAttributes> desired)
    {
        var announce = desired.Where(d => !installed.TryGetValue(d.Key, out var there) || !there.SaysTheSame(d.Value)).ToList();
        var withdraw = installed.Keys.Where(name => !desired.ContainsKey(name)).ToList();
        return new RouteDiff(announce, withdraw);
    }
}

/// <param name="Announce">Routes that are missing or say something else.</param>
/// <param name="Withdraw">Routes of ours that nobody wants any more.</param>
internal sealed record RouteDiff(List<KeyValuePair<RouteName, PathAttributes>> Announce, List<RouteName> Withdraw)
{
    public bool IsEmpty => Announce.Count == 0 && Withdraw.Count == 0;
}
