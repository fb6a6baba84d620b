using System.Globalization;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Linux.Net;

/// <summary>
/// Asks the kernel about links, addresses, routes and neighbours, and changes the few it may. Belongs to the network
/// namespace that the constructing thread is in, whatever thread uses it later.
/// </summary>
public sealed class Rtnetlink : IDisposable
{
    private readonly NetlinkRequests requests = new(new NetlinkSocket());

    public IReadOnlyList<Link> Links() => requests.Dump(
        Nl.RTM_GETLINK,
        "all links",
        (ref NetlinkWriter writer) =>
        {
            writer.Header(default(IfInfoMsg));
            writer.Attribute(Nl.IFLA_EXT_MASK, Nl.RTEXT_FILTER_SKIP_STATS);
        },
        Link.Parse);

    public IReadOnlyList<InterfaceAddress> Addresses() => requests.Dump(
        Nl.RTM_GETADDR, "all addresses", (ref NetlinkWriter writer) => writer.Header(default(IfAddrMsg)), InterfaceAddress.Parse);

    public IReadOnlyList<Neighbour> Neighbours() => requests.Dump(
        Nl.RTM_GETNEIGH, "all neighbours", (ref NetlinkWriter writer) => writer.Header(default(NdMsg)), Neighbour.Parse);

    /// <summary>The filters of tc on one of an interface's hooks, and the heads of their priorities; none without the hook.</summary>
    internal IReadOnlyList<TcFilter> Filters(int interfaceIndex, uint parent) => requests.Dump(
        TcNumbers.RTM_GETTFILTER,
        string.Create(CultureInfo.InvariantCulture, $"filters of device {interfaceIndex}"),
        (ref NetlinkWriter writer) => writer.Header(new TcMsg { Ifindex = interfaceIndex, Parent = parent }),
        TcFilter.Parse);

    /// <summary>The queueing disciplines of an interface, clsact or ingress among them.</summary>
    internal IReadOnlyList<Qdisc> Qdiscs(int interfaceIndex) =>
    [
        .. requests.Dump(
            TcNumbers.RTM_GETQDISC,
            string.Create(CultureInfo.InvariantCulture, $"queueing disciplines of device {interfaceIndex}"),
            (ref NetlinkWriter writer) => writer.Header(new TcMsg { Ifindex = interfaceIndex }),
            Qdisc.Parse).Where(qdisc => qdisc.InterfaceIndex == interfaceIndex),
    ];

    /// <summary>One link by name, or null if there is none.</summary>
    public Link? LinkNamed(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Link? link = null;
        try
        {
            requests.Request(
                Nl.RTM_GETLINK,
                0,
                name,
                (ref NetlinkWriter writer) =>
                {
                    writer.Header(default(IfInfoMsg));
                    writer.Attribute(Nl.IFLA_IFNAME, System.Text.Encoding.UTF8.GetBytes(name + '\0'));
                },
                (in NetlinkMessage message) => link = Link.Parse(new NetlinkBody(message.Type, message.Body)));
        }
        catch (NetlinkException e) when (e.Errno == Libc.ENODEV)
        {
            return null;
        }

        return link;
    }

    /// <summary>The route that the kernel's tables hold for one destination, with all its legs (RTM_F_FIB_MATCH, kernel 4.13).</summary>
    /// <exception cref="NetlinkException">ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL: the tables say no; other errnos are faults.</exception>
    public Route RouteTo(IpAddress destination)
    {
        Route? route = null;
        requests.Request(
            Nl.RTM_GETROUTE,
            0,
            destination.ToString(),
            (ref NetlinkWriter writer) =>
            {
                writer.Header(new RtMsg { Family = Family(destination), DestinationLength = (byte)destination.BitCount, Flags = Nl.RTM_F_FIB_MATCH });
                writer.Attribute(Nl.RTA_DST, destination);
            },
            (in NetlinkMessage message) => route = Route.Parse(destination, new NetlinkBody(message.Type, message.Body)));
        return route ?? throw new NetlinkFormatException($"RTM_GETROUTE {destination}: acknowledged without an answer");
    }

    /// <summary>One neighbour, or null if the kernel has no entry.</summary>
    public Neighbour? NeighbourAt(NeighbourKey key)
    {
        Neighbour? neighbour = null;
        try
        {
            requests.Request(
                Nl.RTM_GETNEIGH,
                0,
                Name(key),
                (ref NetlinkWriter writer) => WriteNeighbour(ref writer, key, 0, 0),
                (in NetlinkMessage message) => neighbour = Neighbour.Parse(new NetlinkBody(message.Type, message.Body)));
        }
        catch (NetlinkException e) when (e.Errno == Libc.ENOENT)
        {
            return null;
        }

        return neighbour;
    }

    /// <summary>
    /// Has the kernel treat the neighbour as if a packet were waiting for it (NTF_USE): unknown or failed, it is asked for by
    /// broadcast at once; stale, it is asked after the kernel's delay (5 s by default).
    /// </summary>
    public void UseNeighbour(NeighbourKey key) => requests.Request(
        Nl.RTM_NEWNEIGH,
        Nl.NLM_F_CREATE | Nl.NLM_F_REPLACE,
        Name(key),
        (ref NetlinkWriter writer) => WriteNeighbour(ref writer, key, 0, Nl.NTF_USE));

    /// <summary>Has the kernel ask a neighbour whose MAC it knows at once, by unicast (state PROBE).</summary>
    /// <exception cref="NetlinkException">ENOENT: no such entry; EINVAL: its MAC is not known.</exception>
    public void ProbeNeighbour(NeighbourKey key) => requests.Request(
        Nl.RTM_NEWNEIGH,
        Nl.NLM_F_REPLACE,
        Name(key),
        (ref NetlinkWriter writer) => WriteNeighbour(ref writer, key, NeighbourState.Probe, 0));

    /// <summary>The IPv4 prefixes whose every address is this machine's: routes of type local in the table of that name.</summary>
    public IReadOnlyList<IpPrefix> LocalRoutes() => [.. LocalTable(isIPv6: false).Where(r => r.Type == RouteType.Local).Select(r => r.Prefix)];

    /// <summary>Makes every address of the prefix one of this machine (<c>ip route add local PREFIX dev lo</c>).</summary>
    /// <returns>False if the route was there already.</returns>
    public bool AddLocalRoute(IpPrefix prefix) => AddLocalRoute(prefix, Nl.RTPROT_STATIC);

    /// <returns>False if there was no such route.</returns>
    public bool RemoveLocalRoute(IpPrefix prefix) => RemoveLocalRoute(prefix, Nl.RTPROT_STATIC);

    public void Dispose() => requests.Dispose();

    /// <summary>The routes of the table local, of one family: local ones, and others that somebody has put there.</summary>
    internal IReadOnlyList<LocalTableRoute> LocalTable(bool isIPv6)
    {
        var family = (byte)(isIPv6 ? Libc.AF_INET6 : Libc.AF_INET);
        return requests.Dump(
            Nl.RTM_GETROUTE,
            "all routes of table local",
            (ref NetlinkWriter writer) =>
            {
                writer.Header(new RtMsg { Family = family });
                writer.Attribute(Nl.RTA_TABLE, Nl.RT_TABLE_LOCAL);
            },
            body => LocalTableRoute.Parse(family, body));
    }

    /// <param name="protocol">Who made it (rtm_protocol).</param>
    /// <returns>False if there is a route for the prefix.</returns>
    internal bool AddLocalRoute(IpPrefix prefix, byte protocol)
    {
        try
        {
            requests.Request(
                Nl.RTM_NEWROUTE,
                Nl.NLM_F_CREATE | Nl.NLM_F_EXCL,
                $"local {prefix}",
                (ref NetlinkWriter writer) => WriteLocalRoute(ref writer, prefix, protocol));
            return true;
        }
        catch (NetlinkException e) when (e.Errno == Libc.EEXIST)
        {
            return false;
        }
    }

    /// <param name="protocol">Another's route stays.</param>
    /// <returns>False if there was no such route.</returns>
    internal bool RemoveLocalRoute(IpPrefix prefix, byte protocol)
    {
        try
        {
            requests.Request(Nl.RTM_DELROUTE, 0, $"local {prefix}", (ref NetlinkWriter writer) => WriteLocalRoute(ref writer, prefix, protocol));
            return true;
        }
        catch (NetlinkException e) when (e.Errno == Libc.ESRCH)
        {
            return false;
        }
    }

    internal static string Name(NeighbourKey key) =>
        string.Create(CultureInfo.InvariantCulture, $"neighbour {key.Address} on device {key.InterfaceIndex}");

    private static byte Family(IpAddress address) => (byte)(address.IsIPv6 ? Libc.AF_INET6 : Libc.AF_INET);

    private static void WriteNeighbour(ref NetlinkWriter writer, NeighbourKey key, NeighbourState state, byte flags)
    {
        writer.Header(new NdMsg { Family = Family(key.Address), Index = key.InterfaceIndex, State = (ushort)state, Flags = flags });
        writer.Attribute(Nl.NDA_DST, key.Address);
    }

    private static void WriteLocalRoute(ref NetlinkWriter writer, IpPrefix prefix, byte protocol)
    {
        writer.Header(new RtMsg
        {
            Family = Family(prefix.Network),
            DestinationLength = (byte)prefix.Length,
            Table = Nl.RT_TABLE_LOCAL,
            Protocol = protocol,
            Scope = prefix.IsIPv6 ? (byte)0 : Nl.RT_SCOPE_HOST,
            Type = Nl.RTN_LOCAL,
        });
        writer.Attribute(Nl.RTA_DST, prefix.Network);
        writer.Attribute(Nl.RTA_OIF, (uint)Nl.LoopbackIndex);
    }
}
