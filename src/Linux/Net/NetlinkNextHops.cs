using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Linux.Net;

/// <summary>The ways to tunnel endpoints, from the kernel's routes, links and neighbours.</summary>
/// <remarks>
/// Routes are looked up in the kernel, policy rules included, and kept until a route, rule, address or link changes. Frames
/// for a VLAN device leave by the device below it with the tag written into the header, for XDP can send only there.
/// </remarks>
public sealed class NetlinkNextHops : INextHopSource, IDisposable
{
    private readonly NetworkView view;
    private readonly IpAddress source;
    private readonly ConcurrentDictionary<IpAddress, RouteAnswer> routes = new();
    private readonly ConcurrentDictionary<NeighbourKey, string> refusals = new();
    private long routesVersion;

    /// <param name="view">Stays the caller's.</param>
    /// <param name="source">This server's endpoint: with the other end's it chooses among the legs of a multipath route.</param>
    public NetlinkNextHops(NetworkView view, IpAddress source)
    {
        ArgumentNullException.ThrowIfNull(view);
        this.view = view;
        this.source = source;
        view.Changed += OnViewChanged;
    }

    public event EventHandler<NextHopSourceChange>? Changed;

    public NextHopAnswer Resolve(IpAddress endpoint)
    {
        RouteAnswer found;
        try
        {
            found = LookUpRoute(endpoint);
        }
        catch (SystemCallException e)
        {
            return NextHopAnswer.Pending($"the route to {endpoint} could not be asked for: {e.Message}"); // no answer of the kernel's: it is asked again
        }

        if (found.Route is not { } route)
        {
            return NextHopAnswer.Failed(found.Reason!);
        }

        if (route.Type != RouteType.Unicast)
        {
            return NextHopAnswer.Failed(route.Type == RouteType.Local
                ? $"{endpoint} is an address of this server"
                : string.Create(CultureInfo.InvariantCulture, $"the route to {endpoint} is of type {TypeName(route.Type)}"));
        }

        if (route.HasEncapsulation)
        {
            return NextHopAnswer.Failed($"the route to {endpoint} wraps packets itself (lwtunnel): give the endpoint a plain route");
        }

        return route.Legs.IsEmpty ? NextHopAnswer.Failed($"the route to {endpoint} names no device") : Choose(endpoint, route);
    }

    public void Refresh(NeighbourKey neighbour)
    {
        var state = view.NeighbourAt(neighbour)?.State ?? NeighbourState.None;
        if ((state & (NeighbourState.Incomplete | NeighbourState.Probe)) != 0)
        {
            return; // being asked
        }

        try
        {
            if ((state & (NeighbourState.Stale | NeighbourState.Delay)) == 0 || !TryProbe(neighbour))
            {
                view.Kernel.UseNeighbour(neighbour);
            }

            refusals.TryRemove(neighbour, out _);
        }
        catch (SystemCallException e)
        {
            refusals[neighbour] = e.Message; // becomes part of the reason; a device that went reports itself
        }
    }

    public void Dispose() => view.Changed -= OnViewChanged;

    private static string TypeName(RouteType type) => Enum.IsDefined(type) ? type.ToString().ToLowerInvariant() : $"{(int)type}";

    private static string WhyNoRoute(IpAddress endpoint, NetlinkException e) => e.Errno switch
    {
        Libc.ENETUNREACH => $"no route to {endpoint}",
        Libc.EHOSTUNREACH => $"the route to {endpoint} says unreachable",
        Libc.EACCES => $"the route to {endpoint} says prohibit",
        Libc.EINVAL => $"the route to {endpoint} says blackhole, or {endpoint} is no address to send to",
        _ => e.Message,
    };

    private NextHopAnswer Choose(IpAddress endpoint, Route route)
    {
        var legs = PathChoice.Order(
            source, endpoint, route.Legs.Select(l => new PathLeg(l.InterfaceIndex, l.Gateway ?? endpoint, l.Weight)));
        var needs = ImmutableArray.CreateBuilder<NeighbourNeed>();
        (NextHopAnswer Answer, NeighbourNeed? Need)? best = null;
        foreach (var leg in legs)
        {
            var (answer, need) = Way(leg, route.MtuBytes);
            if (best is null || answer.Kind == NextHopAnswerKind.Resolved
                || (answer.Kind == NextHopAnswerKind.Pending && best.Value.Answer.Kind == NextHopAnswerKind.Failed))
            {
                best = (answer, need);
            }

            if (need is { } known)
            {
                needs.Add(known); // a preferred leg that is silent is asked on, so that it can come back
            }

            if (answer.Kind == NextHopAnswerKind.Resolved)
            {
                break;
            }
        }

        var (chosen, chosenNeed) = best!.Value;
        ImmutableArray<NeighbourNeed> all = chosenNeed is { } first ? [first, .. needs.Where(n => n != first)] : needs.ToImmutable();
        return chosen.Kind switch
        {
            NextHopAnswerKind.Resolved => NextHopAnswer.Resolved(chosen.NextHop!.Value, all),
            NextHopAnswerKind.Pending => NextHopAnswer.Pending(chosen.Reason!, all),
            _ => NextHopAnswer.Failed(chosen.Reason!, all),
        };
    }

    private (NextHopAnswer Answer, NeighbourNeed? Need) Way(PathLeg leg, int? routeMtuBytes)
    {
        var links = view.Links;
        if (!links.TryGetValue(leg.InterfaceIndex, out var link))
        {
            return (NextHopAnswer.Failed($"device {leg.InterfaceIndex} is gone"), null);
        }

        if (WhyNotUsable(link, links, out var exit, out var vlanId) is { } reason)
        {
            return (NextHopAnswer.Failed(reason), null);
        }

        var key = new NeighbourKey(leg.InterfaceIndex, leg.Neighbour);
        var neighbour = view.NeighbourAt(key);
        var need = new NeighbourNeed(key, neighbour is { IsConfirmed: true });
        if (neighbour is { IsUsable: true })
        {
            var mtuBytes = Math.Min(Math.Min(link.MtuBytes, routeMtuBytes ?? int.MaxValue), ushort.MaxValue);
            return (NextHopAnswer.Resolved(new NextHop(exit, link.Mac!.Value, neighbour.Mac!.Value, vlanId, mtuBytes), need), need);
        }

        var why = refusals.TryGetValue(key, out var refusal) ? $": {refusal}" : "";
        return neighbour is { State: NeighbourState.Failed }
            ? (NextHopAnswer.Failed($"neighbour {leg.Neighbour} on {link.Name} does not answer{why}", need), need)
            : (NextHopAnswer.Pending($"neighbour {leg.Neighbour} on {link.Name} has not answered yet{why}", need), need);
    }

    // exit: the device that XDP sends by.
    private static string? WhyNotUsable(Link link, ImmutableDictionary<int, Link> links, out int exit, out ushort? vlanId)
    {
        exit = link.Index;
        vlanId = null;
        if (!link.IsUp)
        {
            return $"{link.Name} is down";
        }

        if (!link.HasCarrier)
        {
            return $"{link.Name} has no carrier";
        }

        if (!link.IsEthernet || link.Mac is null)
        {
            return $"{link.Name} is no Ethernet device";
        }

        if (link.Kind != "vlan")
        {
            return null;
        }

        if (link.VlanId is null)
        {
            return $"{link.Name} tags with 802.1ad, which is not carried: use an 802.1Q VLAN";
        }

        if (link.Parent is not { } parent || !links.TryGetValue(parent, out var below))
        {
            return $"the device below VLAN {link.Name} is not in this network namespace";
        }

        if (below.Kind == "vlan")
        {
            return $"{link.Name} is a VLAN inside VLAN {below.Name}, which is not carried: one tag at most";
        }

        exit = below.Index;
        vlanId = link.VlanId;
        return null;
    }

    private bool TryProbe(NeighbourKey neighbour)
    {
        try
        {
            view.Kernel.ProbeNeighbour(neighbour);
            return true;
        }
        catch (NetlinkException e) when (e.Errno is Libc.ENOENT or Libc.EINVAL)
        {
            return false; // the entry went, or lost its MAC, since the view saw it
        }
    }

    private RouteAnswer LookUpRoute(IpAddress endpoint)
    {
        if (routes.TryGetValue(endpoint, out var known))
        {
            return known;
        }

        var version = Interlocked.Read(ref routesVersion);
        RouteAnswer answer;
        try
        {
            answer = new RouteAnswer(view.Kernel.RouteTo(endpoint), null);
        }
        catch (NetlinkException e)
        {
            answer = new RouteAnswer(null, WhyNoRoute(endpoint, e));
        }

        routes[endpoint] = answer;
        if (Interlocked.Read(ref routesVersion) != version)
        {
            routes.TryRemove(endpoint, out _); // changed meanwhile: good for this answer, not to keep
        }

        return answer;
    }

    private void OnViewChanged(object? sender, NetworkChange change)
    {
        if (change.Kind == NetworkChangeKind.Neighbour)
        {
            Changed?.Invoke(this, new NextHopSourceChange(change.Neighbour));
            return;
        }

        Interlocked.Increment(ref routesVersion);
        routes.Clear();
        if (change.Kind == NetworkChangeKind.Everything)
        {
            refusals.Clear();
        }

        Changed?.Invoke(this, new NextHopSourceChange(null));
    }

    private sealed record RouteAnswer(Route? Route, string? Reason);
}
