using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>
/// Makes the frame that <c>trace packet</c> describes, with right lengths and checksums of the IP headers and of ICMP.
/// TCP, UDP and SCTP checksums are left zero: nothing on the packet path reads them.
/// Standards: RFC 791, 8200, 9293, 768, 9260, 792, 4443, 2784, 2890, 2003; 802.1Q.
/// </summary>
internal static class PacketBuilder
{
    private const int GuePort = 6080;
    private const int GueSourcePort = 0xC000;
    private static readonly MacAddress Sender = MacAddress.Parse("02:00:00:00:00:01");

    /// <summary>Length of the shortest IP packet of this shape, IP header included.</summary>
    public static int ShortestBytes(PacketSketch packet) => IpHeaderBytes(packet.From) + TransportBytes(packet);

    public static byte[] Build(PacketSketch packet, MacAddress interfaceAddress)
    {
        var ip = IpPacket(packet);
        var protocolAbove = packet.To.IsIPv6 ? 0x86DD : 0x0800;
        if (packet.Tunnel is { } tunnel)
        {
            ip = Wrap(ip, tunnel, packet.Tos, protocolAbove);
            protocolAbove = tunnel.Endpoint.IsIPv6 ? 0x86DD : 0x0800;
        }

        var linkBytes = packet.VlanId is null ? 14 : 18;
        var frame = new byte[linkBytes + ip.Length];
        interfaceAddress.CopyTo(frame);
        Sender.CopyTo(frame.AsSpan(6));
        if (packet.VlanId is { } vlan)
        {
            Put16(frame, 12, 0x8100);
            Put16(frame, 14, vlan);
        }

        Put16(frame, linkBytes - 2, protocolAbove);
        ip.CopyTo(frame, linkBytes);
        return frame;
    }

    private static byte[] IpPacket(PacketSketch packet)
    {
        var headerBytes = IpHeaderBytes(packet.From);
        var shortest = ShortestBytes(packet);
        var length = packet.LengthBytes ?? shortest;
        if (length < shortest || length > ushort.MaxValue)
        {
            throw new ArgumentException($"such a packet has {shortest} to {ushort.MaxValue} bytes, not {length}", nameof(packet));
        }

        var bytes = new byte[length];
        WriteTransport(packet, bytes.AsSpan(headerBytes));
        WriteIpHeader(bytes, packet.From, packet.To, ProtocolNumber(packet.Protocol, packet.From.IsIPv6), packet.Ttl, packet.Tos);
        if (!packet.From.IsIPv6)
        {
            var fragment = (packet.MoreFragments ? 0x2000 : 0) | (packet.FragmentOffsetBytes / 8);
            Put16(bytes, 6, fragment == 0 ? 0x4000 : fragment);
            Put16(bytes, 10, 0);
            Put16(bytes, 10, Checksum(bytes.AsSpan(0, 20), 0));
        }

        return bytes;
    }

    private static byte[] Wrap(byte[] inner, TunnelSketch tunnel, byte tos, int innerProtocol)
    {
        var headerBytes = IpHeaderBytes(tunnel.Endpoint);
        var ipInIp = innerProtocol == 0x86DD ? 41 : 4;
        byte[] between;
        int protocol;
        switch (tunnel.Encapsulation.Kind)
        {
            case EncapsulationKind.Gue:
                protocol = 17;
                between = new byte[12];
                Put16(between, 0, GueSourcePort);
                Put16(between, 2, GuePort);
                Put16(between, 4, 12 + inner.Length);
                between[9] = (byte)ipInIp;
                break;
            case EncapsulationKind.Gre:
                protocol = 47;
                between = new byte[tunnel.Encapsulation.Key is null ? 4 : 8];
                Put16(between, 2, innerProtocol);
                if (tunnel.Encapsulation.Key is { } key)
                {
                    between[0] = 0x20;
                    BinaryPrimitives.WriteUInt32BigEndian(between.AsSpan(4), key);
                }

                break;
            default:
                protocol = ipInIp;
                between = [];
                break;
        }

        var bytes = new byte[headerBytes + between.Length + inner.Length];
        between.CopyTo(bytes, headerBytes);
        inner.CopyTo(bytes, headerBytes + between.Length);
        WriteIpHeader(bytes, tunnel.Peer, tunnel.Endpoint, protocol, 64, tos);
        return bytes;
    }

    private static int IpHeaderBytes(IpAddress address) => address.IsIPv6 ? 40 : 20;

    private static int TransportBytes(PacketSketch packet) => packet.Protocol switch
    {
        TraceProtocol.Tcp => 20,
        TraceProtocol.Udp => 8,
        TraceProtocol.Sctp => packet.Syn ? 32 : 12,
        TraceProtocol.IcmpError => 8 + IpHeaderBytes(packet.To) + 8,
        _ => 8,
    };

    private static int ProtocolNumber(TraceProtocol protocol, bool isIPv6) => protocol switch
    {
        TraceProtocol.Tcp => 6,
        TraceProtocol.Udp => 17,
        TraceProtocol.Sctp => 132,
        _ => isIPv6 ? 58 : 1,
    };

    private static void WriteTransport(PacketSketch packet, Span<byte> bytes)
    {
        switch (packet.Protocol)
        {
            case TraceProtocol.Tcp:
            case TraceProtocol.Udp:
            case TraceProtocol.Sctp:
                WritePorts(packet.Protocol, packet.FromPort, packet.ToPort, packet.Syn, bytes);
                return;
            case TraceProtocol.EchoRequest:
            case TraceProtocol.EchoReply:
                WriteEcho(packet.Protocol, packet.To.IsIPv6, packet.ToPort, bytes);
                break;
            default:
                WriteError(packet, bytes);
                break;
        }

        Put16(bytes, 2, Checksum(bytes, packet.To.IsIPv6 ? PseudoHeaderSum(packet.From, packet.To, bytes.Length, 58) : 0));
    }

    private static void WritePorts(TraceProtocol protocol, ushort from, ushort to, bool syn, Span<byte> bytes)
    {
        Put16(bytes, 0, from);
        Put16(bytes, 2, to);
        if (protocol == TraceProtocol.Udp)
        {
            Put16(bytes, 4, bytes.Length);
        }
        else if (protocol == TraceProtocol.Tcp && bytes.Length >= 20)
        {
            bytes[12] = 5 << 4;
            bytes[13] = (byte)(syn ? 0x02 : 0x10);
            Put16(bytes, 14, 0xFFFF);
        }
        else if (protocol == TraceProtocol.Sctp && syn && bytes.Length >= 32)
        {
            bytes[12] = 1;
            Put16(bytes, 14, 20);
        }
    }

    private static void WriteEcho(TraceProtocol protocol, bool isIPv6, ushort identifier, Span<byte> bytes)
    {
        bytes[0] = (protocol, isIPv6) switch
        {
            (TraceProtocol.EchoRequest, false) => 8,
            (TraceProtocol.EchoReply, false) => 0,
            (TraceProtocol.EchoRequest, true) => 128,
            _ => 129,
        };
        Put16(bytes, 4, identifier);
    }

    private static void WriteError(PacketSketch packet, Span<byte> bytes)
    {
        bytes[0] = packet.IcmpType ?? (byte)(packet.To.IsIPv6 ? 1 : 3);
        var quote = bytes[8..];
        var headerBytes = IpHeaderBytes(packet.To);
        var quoted = quote[headerBytes..];
        if (packet.Quoted is TraceProtocol.EchoRequest or TraceProtocol.EchoReply)
        {
            WriteEcho(packet.Quoted, packet.To.IsIPv6, packet.ToPort, quoted);
        }
        else
        {
            WritePorts(packet.Quoted, packet.ToPort, packet.FromPort, syn: false, quoted);
        }

        WriteIpHeader(quote, packet.To, packet.From, ProtocolNumber(packet.Quoted, packet.To.IsIPv6), 1, 0);
    }

    private static void WriteIpHeader(Span<byte> packet, IpAddress from, IpAddress to, int protocol, byte ttl, byte tos)
    {
        if (to.IsIPv6)
        {
            packet[0] = (byte)(0x60 | (tos >> 4));
            packet[1] = (byte)(tos << 4);
            Put16(packet, 4, packet.Length - 40);
            packet[6] = (byte)protocol;
            packet[7] = ttl;
            from.ToBytes().CopyTo(packet[8..]);
            to.ToBytes().CopyTo(packet[24..]);
            return;
        }

        packet[0] = 0x45;
        packet[1] = tos;
        Put16(packet, 2, packet.Length);
        Put16(packet, 6, 0x4000);
        packet[8] = ttl;
        packet[9] = (byte)protocol;
        from.ToBytes().CopyTo(packet[12..]);
        to.ToBytes().CopyTo(packet[16..]);
        Put16(packet, 10, Checksum(packet[..20], 0));
    }

    private static uint PseudoHeaderSum(IpAddress from, IpAddress to, int length, int protocol) =>
        Sum(from.ToBytes()) + Sum(to.ToBytes()) + (uint)length + (uint)protocol;

    private static int Checksum(ReadOnlySpan<byte> bytes, uint start)
    {
        var sum = start + Sum(bytes);
        while (sum > 0xFFFF)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (int)(~sum & 0xFFFF);
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i += 2)
        {
            sum += (uint)(bytes[i] << 8) + (i + 1 < bytes.Length ? bytes[i + 1] : 0u);
        }

        return sum;
    }

    private static void Put16(Span<byte> bytes, int offset, int value) =>
        BinaryPrimitives.WriteUInt16BigEndian(bytes[offset..], (ushort)value);
}
