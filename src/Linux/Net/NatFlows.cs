using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>A flow that connection tracking gave another source.</summary>
/// <param name="Protocol">IP protocol number; of ICMP, the port of <paramref name="Outside"/> is the identifier.</param>
/// <param name="Outside">The source that the other end sees.</param>
/// <param name="Remote">The other end; without a port for ICMP.</param>
public sealed record NatFlow(byte Protocol, SocketEnd Outside, SocketEnd Remote);

/// <summary>
/// Asks connection tracking (ctnetlink, nfnetlink_conntrack.h) which flows are translated, in the network namespace that the
/// constructing thread is in. Needs CAP_NET_ADMIN.
/// </summary>
public sealed class NatFlows : IDisposable
{
    // NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
    private const ushort CT_GET = 0x0101;
    private const ushort CTA_TUPLE_ORIG = 1;
    private const ushort CTA_TUPLE_REPLY = 2;
    private const ushort CTA_TUPLE_IP = 1;
    private const ushort CTA_TUPLE_PROTO = 2;
    private const ushort CTA_IP_V4_SRC = 1;
    private const ushort CTA_IP_V4_DST = 2;
    private const ushort CTA_PROTO_NUM = 1;
    private const ushort CTA_PROTO_SRC_PORT = 2;
    private const ushort CTA_PROTO_DST_PORT = 3;
    private const ushort CTA_PROTO_ICMP_ID = 4;
    private const byte Icmp = 1;
    private const string Name = "IPCTNL_MSG_CT_GET";
    private readonly NetlinkRequests requests = new(NetlinkSocket.ForNetfilter(), type => type == CT_GET ? Name : Nl.Name(type));

    /// <summary>Flows whose outside source lies in one of these prefixes and is not the one that was sent from. IPv4.</summary>
    public IReadOnlyList<NatFlow> In(IReadOnlyCollection<IpPrefix> prefixes)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        return requests.Dump(CT_GET, "translated flows", (ref NetlinkWriter writer) => writer.Header(new NetfilterHeader { Family = Libc.AF_INET }), body =>
        {
            Tuple original = default, reply = default;
            var attributes = AttributeReader.Behind(Name, body.Bytes, Marshal.SizeOf<NetfilterHeader>());
            while (attributes.TryRead(out var type, out var value))
            {
                switch (type)
                {
                    case CTA_TUPLE_ORIG:
                        original = Read(value.AsNested());
                        break;
                    case CTA_TUPLE_REPLY:
                        reply = Read(value.AsNested());
                        break;
                }
            }

            var outside = new SocketEnd(reply.To, reply.Protocol == Icmp ? reply.Identifier : reply.ToPort);
            return outside.Address != original.From && prefixes.Any(p => p.Contains(outside.Address))
                ? new NatFlow(reply.Protocol, outside, new SocketEnd(reply.From, reply.Protocol == Icmp ? (ushort)0 : reply.FromPort))
                : null;
        });
    }

    public void Dispose() => requests.Dispose();

    private static Tuple Read(AttributeReader attributes)
    {
        var tuple = default(Tuple);
        while (attributes.TryRead(out var type, out var value))
        {
            var inner = value.AsNested();
            while (type is CTA_TUPLE_IP or CTA_TUPLE_PROTO && inner.TryRead(out var field, out var part))
            {
                switch (type, field)
                {
                    case (CTA_TUPLE_IP, CTA_IP_V4_SRC):
                        tuple.From = part.AsAddress();
                        break;
                    case (CTA_TUPLE_IP, CTA_IP_V4_DST):
                        tuple.To = part.AsAddress();
                        break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_NUM):
                        tuple.Protocol = part.AsByte();
                        break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT):
                        tuple.FromPort = part.AsUInt16BigEndian();
                        break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_DST_PORT):
                        tuple.ToPort = part.AsUInt16BigEndian();
                        break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_ICMP_ID):
                        tuple.Identifier = part.AsUInt16BigEndian();
                        break;
                }
            }
        }

        return tuple;
    }

    private struct Tuple
    {
        public IpAddress From;
        public IpAddress To;
        public byte Protocol;
        public ushort FromPort;
        public ushort ToPort;
        public ushort Identifier;
    }
}
