using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>A route of the table local (RTM_NEWROUTE).</summary>
/// <param name="Protocol">Who made it (rtm_protocol).</param>
internal sealed record LocalTableRoute(IpPrefix Prefix, RouteType Type, byte Protocol)
{
    /// <param name="family">AF_INET or AF_INET6; one of another family is passed over.</param>
    public static LocalTableRoute? Parse(byte family, NetlinkBody body)
    {
        var attributes = AttributeReader.Behind(body.Name, body.Bytes, Marshal.SizeOf<RtMsg>());
        var header = MemoryMarshal.Read<RtMsg>(body.Bytes);
        if (header.Family != family || header.Table != Nl.RT_TABLE_LOCAL)
        {
            return null; // a kernel that does not filter (before 4.20), or has no such family
        }

        var destination = family == Libc.AF_INET6 ? IpAddress.FromUInt128(0) : IpAddress.FromUInt32(0); // a default route names none
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == Nl.RTA_DST)
            {
                destination = value.AsAddress();
            }
        }

        return new LocalTableRoute(IpPrefix.Covering(destination, header.DestinationLength), (RouteType)header.Type, header.Protocol);
    }
}
