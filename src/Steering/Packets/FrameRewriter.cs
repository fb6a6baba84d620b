using System.Buffers.Binary;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Packets;

/// <summary>Makes the frames that leave.</summary>
internal static class FrameRewriter
{
    private const byte AnswerTtl = 64;

    /// <summary>Into a tunnel: the endpoint's Ethernet and outer headers, then the packet with its TTL one lower.</summary>
    /// <param name="packet">From the IP header on, padding included.</param>
    /// <param name="markCongestion">Set the congestion mark that the outer header carried.</param>
    public static byte[] Encapsulate(SteeringEndpoint endpoint, ReadOnlySpan<byte> packet, OwnerPort owner, bool markCongestion)
    {
        var innerOffset = endpoint.L2.Length + endpoint.Outer.Length;
        var frame = new byte[innerOffset + packet.Length];
        endpoint.L2.CopyTo(frame);
        var inner = frame.AsSpan(innerOffset);
        packet.CopyTo(inner);
        if (markCongestion)
        {
            Ipv4Layer.MarkCongestion(inner);
        }

        Ipv4Layer.DecrementTtl(inner);
        var outer = frame.AsSpan(endpoint.L2.Length, endpoint.Outer.Length);
        endpoint.Outer.CopyTo(outer);
        WriteOuter(outer, endpoint.Encapsulation, new Ipv4Layer(inner), owner);
        return frame;
    }

    /// <summary>Out of a tunnel: the Ethernet header as it came, then the inner packet.</summary>
    public static byte[] Decapsulate(ReadOnlySpan<byte> link, ReadOnlySpan<byte> packet, bool markCongestion)
    {
        byte[] frame = [.. link, .. packet];
        if (markCongestion)
        {
            Ipv4Layer.MarkCongestion(frame.AsSpan(link.Length));
        }

        return frame;
    }

    /// <summary>An echo reply (RFC 792): both pairs of addresses change places, the TTL starts anew.</summary>
    /// <param name="linkBytes">Length of the Ethernet header with its tags, which stay.</param>
    public static byte[] Answer(ReadOnlySpan<byte> request, int linkBytes)
    {
        var frame = request.ToArray();
        request[..6].CopyTo(frame.AsSpan(6));
        request[6..12].CopyTo(frame);
        var ip = frame.AsSpan(linkBytes);
        request.Slice(linkBytes + 12, 4).CopyTo(ip[16..]);
        request.Slice(linkBytes + 16, 4).CopyTo(ip[12..]);
        Ipv4Layer.SetTtl(ip, AnswerTtl);

        var icmp = ip[Ipv4Layer.MinHeaderBytes..];
        var oldWord = BinaryPrimitives.ReadUInt16BigEndian(icmp);
        icmp[0] = TransportLayer.IcmpEchoReply;
        var checksum = Checksum.Update(BinaryPrimitives.ReadUInt16BigEndian(icmp[2..]), oldWord, BinaryPrimitives.ReadUInt16BigEndian(icmp));
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], checksum);
        return frame;
    }

    private static void WriteOuter(Span<byte> outer, Encapsulation encapsulation, in Ipv4Layer inner, OwnerPort owner)
    {
        outer[1] = inner.TypeOfService;
        BinaryPrimitives.WriteUInt16BigEndian(outer[2..], (ushort)(inner.TotalLength + outer.Length));
        BinaryPrimitives.WriteUInt16BigEndian(outer[Ipv4Layer.ChecksumOffset..], Checksum.Of(outer[..Ipv4Layer.MinHeaderBytes]));
        if (encapsulation.Kind == EncapsulationKind.Gue)
        {
            var udp = outer[Ipv4Layer.MinHeaderBytes..];
            BinaryPrimitives.WriteUInt16BigEndian(udp, FlowHash.SourcePort(inner.Addresses, owner.FlowPorts));
            BinaryPrimitives.WriteUInt16BigEndian(
                udp[TunnelLayer.UdpLengthOffset..],
                (ushort)(inner.TotalLength + TunnelLayer.UdpHeaderBytes + TunnelLayer.GueHeaderBytes));
        }
    }
}
