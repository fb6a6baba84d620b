using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>What <see cref="LocalRoutes.Keep"/> did.</summary>
public sealed record LocalRouteChange(IReadOnlyList<IpPrefix> Added, IReadOnlyList<IpPrefix> Removed)
{
    public bool IsEmpty => Added.Count == 0 && Removed.Count == 0;
}

/// <summary>
/// Prefixes whose every address is made one of this machine (<c>ip route add local PREFIX dev lo</c>), in the network namespace that the constructing
/// thread is in. Ours bear a routing protocol number of their own (rtnetlink(7), rtm_protocol): those alone are ever taken away, by this process or
/// by the next. <c>ip route show table local proto 213</c>, and <c>ip -6</c>, list them.
/// </summary>
public sealed class LocalRoutes : IDisposable
{
    private readonly Rtnetlink kernel = new();

    /// <summary>
    /// Has a route for each of these prefixes and no other of ours: adds what is missing, also what somebody has taken away, and then removes what is no
    /// longer wanted. A local route for the prefix that somebody else has made serves too, and stays theirs.
    /// </summary>
    /// <exception cref="NetlinkException">
    /// The kernel refuses: EPERM without CAP_NET_ADMIN; EEXIST where a route of another type is in the way. What was done until then stays; a later call does the rest.
    /// </exception>
    public LocalRouteChange Keep(IReadOnlyCollection<IpPrefix> prefixes)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        var there = Table();
        var locals = there.Where(r => r.Type == RouteType.Local).Select(r => r.Prefix).ToHashSet();
        var added = new List<IpPrefix>();
        foreach (var prefix in prefixes.Where(p => !locals.Contains(p)).Distinct().Order())
        {
            if (Changed(() => kernel.AddLocalRoute(prefix, Nl.RTPROT_SOFTUNICAST)))
            {
                added.Add(prefix);
            }
            else if (!Table().Any(r => r.Type == RouteType.Local && r.Prefix == prefix)) // one that somebody has just made
            {
                throw new NetlinkException(
                    Nl.Name(Nl.RTM_NEWROUTE), $"local {prefix}", Libc.EEXIST, $"a route of another type is in the way: see 'ip route show table local {prefix}'");
            }
        }

        return new LocalRouteChange(added, Remove(there, prefixes.ToHashSet()));
    }

    /// <summary>Every prefix whose packets are for this machine, whoever made the route: its own addresses among them.</summary>
    public IReadOnlyList<IpPrefix> Locals() => [.. Table().Where(r => r.Type == RouteType.Local).Select(r => r.Prefix).Distinct()];

    /// <summary>Takes all of ours away.</summary>
    /// <returns>Which.</returns>
    /// <exception cref="NetlinkException">The kernel refuses: EPERM without CAP_NET_ADMIN.</exception>
    public IReadOnlyList<IpPrefix> Remove() => Remove(Table(), []);

    public void Dispose() => kernel.Dispose();

    private List<IpPrefix> Remove(List<LocalTableRoute> there, HashSet<IpPrefix> wanted) =>
    [
        .. there.Where(r => r.Type == RouteType.Local && r.Protocol == Nl.RTPROT_SOFTUNICAST && !wanted.Contains(r.Prefix))
            .Select(r => r.Prefix).Distinct().Order().Where(p => Changed(() => kernel.RemoveLocalRoute(p, Nl.RTPROT_SOFTUNICAST))),
    ];

    private List<LocalTableRoute> Table() => [.. kernel.LocalTable(isIPv6: false), .. kernel.LocalTable(isIPv6: true)];

    private static bool Changed(Func<bool> change)
    {
        try
        {
            return change();
        }
        catch (NetlinkException e) when (e.Errno == Libc.EPERM)
        {
            throw new NetlinkException(e.Call, e.Subject, e.Errno, "CAP_NET_ADMIN is needed");
        }
    }
}
