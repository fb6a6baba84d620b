using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>What the kernel does with packets that a route matches (rtnetlink(7), rtm_type).</summary>
public enum RouteType
{
    Unspecified = 0,
    Unicast = 1,
    Local = 2,
    Broadcast = 3,
    Anycast = 4,
    Multicast = 5,
    Blackhole = 6,
    Unreachable = 7,
    Prohibit = 8,
}

/// <summary>One way out of a route.</summary>
/// <param name="Gateway">Of either family (RFC 8950 allows an IPv6 gateway for IPv4); null: the destination is on the link.</param>
/// <param name="Weight">1 to 256.</param>
/// <param name="IsDead">Its device is down or has no carrier.</param>
public readonly record struct RouteLeg(int InterfaceIndex, IpAddress? Gateway, int Weight, bool IsDead);

/// <summary>The route that the kernel's tables hold for a destination.</summary>
/// <param name="Legs">One, or several for a multipath route, in the route's order.</param>
/// <param name="MtuBytes">Null if the route sets none.</param>
/// <param name="HasEncapsulation">The route wraps packets in a tunnel of its own (RTA_ENCAP).</param>
public sealed record Route(
    IpAddress Destination, RouteType Type, ImmutableArray<RouteLeg> Legs, IpAddress? PreferredSource, int? MtuBytes, bool HasEncapsulation)
{
    internal static Route Parse(IpAddress destination, NetlinkBody body)
    {
        var attributes = AttributeReader.Behind(body.Name, body.Bytes, Marshal.SizeOf<RtMsg>());
        var header = MemoryMarshal.Read<RtMsg>(body.Bytes);
        int? outInterface = null;
        int? mtuBytes = null;
        IpAddress? gateway = null;
        IpAddress? preferredSource = null;
        ImmutableArray<RouteLeg> legs = [];
        var hasEncapsulation = false;
        while (attributes.TryRead(out var type, out var value))
        {
            switch (type)
            {
                case Nl.RTA_OIF:
                    outInterface = value.AsInt32();
                    break;
                case Nl.RTA_GATEWAY:
                    gateway = value.AsAddress();
                    break;
                case Nl.RTA_VIA:
                    gateway = ParseVia(body.Name, value);
                    break;
                case Nl.RTA_PREFSRC:
                    preferredSource = value.AsAddress();
                    break;
                case Nl.RTA_METRICS:
                    mtuBytes = ParseMtu(value);
                    break;
                case Nl.RTA_MULTIPATH:
                    (legs, var legEncapsulation) = ParseLegs(body.Name, value.Bytes);
                    hasEncapsulation |= legEncapsulation;
                    break;
                case Nl.RTA_ENCAP:
                    hasEncapsulation = true;
                    break;
            }
        }

        if (legs.IsEmpty && outInterface is { } index)
        {
            legs = [new RouteLeg(index, gateway, 1, (header.Flags & (Nl.RTNH_F_DEAD | Nl.RTNH_F_LINKDOWN)) != 0)];
        }

        return new Route(destination, (RouteType)header.Type, legs, preferredSource, mtuBytes, hasEncapsulation);
    }

    // struct rtvia: family (2 bytes), address.
    private static IpAddress ParseVia(string owner, AttributeValue via) => via.Bytes.Length is 6 or 18
        ? IpAddress.FromBytes(via.Bytes[2..])
        : throw new NetlinkFormatException($"{owner}: RTA_VIA of {via.Bytes.Length} bytes");

    private static int? ParseMtu(AttributeValue metrics)
    {
        int? mtuBytes = null;
        var attributes = metrics.AsNested();
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == Nl.RTAX_MTU && value.AsUInt32() is > 0 and var mtu)
            {
                mtuBytes = (int)Math.Min(mtu, int.MaxValue);
            }
        }

        return mtuBytes;
    }

    private static (ImmutableArray<RouteLeg> Legs, bool HasEncapsulation) ParseLegs(string owner, ReadOnlySpan<byte> bytes)
    {
        var headerBytes = Marshal.SizeOf<RtNextHop>();
        var legs = ImmutableArray.CreateBuilder<RouteLeg>();
        var hasEncapsulation = false;
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < headerBytes)
            {
                throw new NetlinkFormatException($"{owner}: next hop cut short: {bytes.Length} of {headerBytes} bytes");
            }

            var header = MemoryMarshal.Read<RtNextHop>(bytes);
            if (header.Length < headerBytes || header.Length > bytes.Length)
            {
                throw new NetlinkFormatException($"{owner}: next hop claims {header.Length} bytes, {bytes.Length} are there");
            }

            IpAddress? gateway = null;
            var attributes = new AttributeReader(owner, bytes[headerBytes..header.Length]);
            while (attributes.TryRead(out var type, out var value))
            {
                switch (type)
                {
                    case Nl.RTA_GATEWAY:
                        gateway = value.AsAddress();
                        break;
                    case Nl.RTA_VIA:
                        gateway = ParseVia(owner, value);
                        break;
                    case Nl.RTA_ENCAP:
                        hasEncapsulation = true;
                        break;
                }
            }

            legs.Add(new RouteLeg(header.Index, gateway, header.Hops + 1, (header.Flags & (Nl.RTNH_F_DEAD | Nl.RTNH_F_LINKDOWN)) != 0));
            bytes = bytes[Math.Min(bytes.Length, NetlinkReader.Align(header.Length))..];
        }

        return (legs.ToImmutable(), hasEncapsulation);
    }
}
