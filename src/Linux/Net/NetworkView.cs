using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Linux.Net;

/// <summary>What has changed in the kernel's network tables.</summary>
public enum NetworkChangeKind
{
    /// <summary>Notifications were lost, or have just begun: everything was read anew.</summary>
    Everything = 0,
    Link = 1,
    Address = 2,

    /// <summary>A route, a rule or a next-hop object.</summary>
    Route = 3,
    Neighbour = 4,
}

/// <param name="InterfaceIndex">For a link, an address and a neighbour; else 0.</param>
/// <param name="Neighbour">For a neighbour.</param>
public readonly record struct NetworkChange(NetworkChangeKind Kind, int InterfaceIndex = 0, NeighbourKey? Neighbour = null);

/// <summary>
/// Links, addresses and neighbours of a network namespace, as the kernel has them now. One thread follows the kernel's
/// notifications; when some are lost (ENOBUFS) or do not parse, all is read anew.
/// </summary>
public sealed class NetworkView : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private readonly NetlinkSocket notifications;
    private readonly FileDescriptor stop;
    private readonly Thread thread;
    private readonly Lock gate = new();
    private readonly Dictionary<NeighbourKey, Neighbour> neighbours = [];
    private ImmutableDictionary<int, Link> links = ImmutableDictionary<int, Link>.Empty;
    private ImmutableHashSet<InterfaceAddress> addresses = [];
    private long resynchronisations;
    private string? trouble;
    private bool disposed;

    /// <summary>Opens its sockets in the network namespace of the calling thread and reads everything once.</summary>
    public NetworkView()
        : this(null)
    {
    }

    internal NetworkView(int? receiveBufferBytes)
    {
        Kernel = new Rtnetlink();
        try
        {
            // Listening starts before the first reading: nothing falls between.
            notifications = new NetlinkSocket(
                Nl.RTNLGRP_LINK,
                Nl.RTNLGRP_NEIGH,
                Nl.RTNLGRP_IPV4_IFADDR,
                Nl.RTNLGRP_IPV4_ROUTE,
                Nl.RTNLGRP_IPV4_RULE,
                Nl.RTNLGRP_IPV6_IFADDR,
                Nl.RTNLGRP_IPV6_ROUTE,
                Nl.RTNLGRP_IPV6_RULE,
                Nl.RTNLGRP_NEXTHOP);
            if (receiveBufferBytes is { } bytes)
            {
                notifications.ShrinkReceiveBuffer(bytes);
            }

            stop = new FileDescriptor(Libc.EventFd(0, Libc.EFD_CLOEXEC));
            if (stop.IsInvalid)
            {
                throw SystemCallException.Last("eventfd", "netlink monitor");
            }

            ReadEverything();
        }
        catch
        {
            Kernel.Dispose();
            notifications?.Dispose();
            stop?.Dispose();
            throw;
        }

        thread = new Thread(Follow) { IsBackground = true, Name = "netlink" };
        thread.Start();
    }

    /// <summary>Raised on the view's own thread, after the view shows the change. Must not block.</summary>
    public event EventHandler<NetworkChange>? Changed;

    /// <summary>Requests to the same network namespace.</summary>
    public Rtnetlink Kernel { get; }

    /// <summary>By ifindex.</summary>
    public ImmutableDictionary<int, Link> Links => Volatile.Read(ref links);

    public ImmutableHashSet<InterfaceAddress> Addresses => Volatile.Read(ref addresses);

    /// <summary>How often everything was read anew because notifications were lost or did not parse.</summary>
    public long Resynchronisations => Interlocked.Read(ref resynchronisations);

    /// <summary>Why the view is out of date; null while it follows the kernel.</summary>
    public string? Trouble => Volatile.Read(ref trouble);

    public Link? LinkNamed(string name) => Links.Values.FirstOrDefault(l => l.Name == name);

    public Neighbour? NeighbourAt(NeighbourKey key)
    {
        lock (gate)
        {
            return neighbours.GetValueOrDefault(key);
        }
    }

    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        disposed = true;
        ulong one = 1;
        _ = Libc.Write(stop, ref one, sizeof(ulong));
        thread.Join();
        stop.Dispose();
        notifications.Dispose();
        Kernel.Dispose();
    }

    /// <summary>Applies one message; null if it is about nothing that is kept.</summary>
    internal NetworkChange? Apply(NetlinkBody body)
    {
        switch (body.Type)
        {
            case Nl.RTM_NEWLINK or Nl.RTM_DELLINK when Link.Parse(body) is { } link:
                Volatile.Write(ref links, body.Type == Nl.RTM_NEWLINK ? links.SetItem(link.Index, link) : links.Remove(link.Index));
                return new NetworkChange(NetworkChangeKind.Link, link.Index);
            case Nl.RTM_NEWADDR or Nl.RTM_DELADDR when InterfaceAddress.Parse(body) is { } address:
                Volatile.Write(ref addresses, body.Type == Nl.RTM_NEWADDR ? addresses.Add(address) : addresses.Remove(address));
                return new NetworkChange(NetworkChangeKind.Address, address.InterfaceIndex);
            case Nl.RTM_NEWNEIGH or Nl.RTM_DELNEIGH when Neighbour.Parse(body) is { } neighbour:
                lock (gate)
                {
                    if (body.Type == Nl.RTM_NEWNEIGH)
                    {
                        neighbours[neighbour.Key] = neighbour;
                    }
                    else
                    {
                        neighbours.Remove(neighbour.Key);
                    }
                }

                return new NetworkChange(NetworkChangeKind.Neighbour, neighbour.Key.InterfaceIndex, neighbour.Key);
            case Nl.RTM_NEWROUTE or Nl.RTM_DELROUTE or Nl.RTM_NEWRULE or Nl.RTM_DELRULE or Nl.RTM_NEWNEXTHOP or Nl.RTM_DELNEXTHOP:
                return new NetworkChange(NetworkChangeKind.Route);
            default:
                return null;
        }
    }

    private void ReadEverything()
    {
        var newLinks = Kernel.Links().ToImmutableDictionary(l => l.Index);
        var newAddresses = Kernel.Addresses().ToImmutableHashSet();
        var newNeighbours = Kernel.Neighbours();
        Volatile.Write(ref links, newLinks);
        Volatile.Write(ref addresses, newAddresses);
        lock (gate)
        {
            neighbours.Clear();
            foreach (var neighbour in newNeighbours)
            {
                neighbours[neighbour.Key] = neighbour;
            }
        }
    }

    private void Follow()
    {
        var behind = false;
        Span<Libc.PollFd> fds = stackalloc Libc.PollFd[2];
        while (true)
        {
            fds[0] = new Libc.PollFd { Fd = notifications.Descriptor, Events = Libc.POLLIN };
            fds[1] = new Libc.PollFd { Fd = stop.Number, Events = Libc.POLLIN };
            var ready = Libc.Poll(fds, 2, behind ? (int)RetryAfter.TotalMilliseconds : -1);
            if (ready < 0 && Marshal.GetLastPInvokeError() != Libc.EINTR)
            {
                throw SystemCallException.Last("poll", "netlink monitor");
            }

            if (ready > 0 && fds[1].Revents != 0)
            {
                return;
            }

            try
            {
                if (ready > 0 && fds[0].Revents != 0)
                {
                    Deliver(notifications.Receive());
                }

                if (behind)
                {
                    ReadEverything();
                    behind = false;
                    Volatile.Write(ref trouble, null);
                    Changed?.Invoke(this, new NetworkChange(NetworkChangeKind.Everything));
                }
            }
            catch (Exception e) when (e is SystemCallException or NetlinkFormatException)
            {
                behind = true;
                Volatile.Write(ref trouble, e.Message);
                Interlocked.Increment(ref resynchronisations);
                try
                {
                    ReadEverything();
                    behind = false;
                    Volatile.Write(ref trouble, null);
                    Changed?.Invoke(this, new NetworkChange(NetworkChangeKind.Everything));
                }
                catch (Exception again) when (again is SystemCallException or NetlinkFormatException)
                {
                    Volatile.Write(ref trouble, again.Message); // tried again a second later
                }
            }
        }
    }

    private void Deliver(ReadOnlySpan<byte> datagram)
    {
        var reader = new NetlinkReader(datagram);
        while (reader.TryRead(out var message))
        {
            if (Apply(new NetlinkBody(message.Type, message.Body)) is { } change)
            {
                Changed?.Invoke(this, change);
            }
        }
    }
}
