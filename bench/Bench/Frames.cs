using System.Buffers.Binary;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Bench;

/// <summary>The packets that are measured with: the smallest that carry TCP, 64 bytes of Ethernet where they come without a tunnel.</summary>
internal static class Frames
{
    public static readonly MacAddress Own = MacAddress.Parse("02:00:00:00:00:01");
    public static readonly MacAddress Neighbour = MacAddress.Parse("02:00:00:00:00:02");
    private const int InnerBytes = 50; // IPv4, TCP, 10 bytes of data
    private const int EthernetBytes = 14;
    private const byte AckFlag = 0x10;

    /// <summary>TCP from the Internet, ACK set.</summary>
    public static byte[] Tcp(IpAddress destination, ushort port)
    {
        var frame = new byte[EthernetBytes + InnerBytes];
        WriteEthernet(frame);
        WriteTcp(frame.AsSpan(EthernetBytes), destination, port);
        return frame;
    }

    /// <summary>UDP that leaves, 64 bytes with its Ethernet header.</summary>
    public static byte[] Udp(IpAddress source, ushort port)
    {
        var frame = new byte[EthernetBytes + InnerBytes];
        WriteEthernet(frame);
        var ip = frame.AsSpan(EthernetBytes);
        WriteTcp(ip, IpAddress.Parse("198.51.100.7"), 53);
        ip[9] = 17;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], source.ToUInt32());
        BinaryPrimitives.WriteUInt16BigEndian(ip[20..], port);
        BinaryPrimitives.WriteUInt16BigEndian(ip[24..], InnerBytes - 20);
        ip[10] = ip[11] = 0;
        WriteChecksum(ip);
        return frame;
    }

    /// <summary>TCP from the Internet, in GUE from a peer.</summary>
    public static byte[] Tunnelled(IpAddress peer, IpAddress local, IpAddress destination, ushort port)
    {
        var outer = OuterHeader.Build(peer, local, new Encapsulation(EncapsulationKind.Gue));
        var frame = new byte[EthernetBytes + outer.Length + InnerBytes];
        WriteEthernet(frame);
        outer.CopyTo(frame, EthernetBytes);
        var ip = frame.AsSpan(EthernetBytes);
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        WriteChecksum(ip);
        BinaryPrimitives.WriteUInt16BigEndian(ip[20..], 0xc123);
        BinaryPrimitives.WriteUInt16BigEndian(ip[24..], (ushort)(ip.Length - 20));
        WriteTcp(ip[outer.Length..], destination, port);
        return frame;
    }

    private static void WriteEthernet(Span<byte> frame)
    {
        Own.CopyTo(frame);
        Neighbour.CopyTo(frame[6..]);
        frame[12] = 0x08;
    }

    private static void WriteTcp(Span<byte> ip, IpAddress destination, ushort port)
    {
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], InnerBytes);
        ip[6] = 0x40;
        ip[8] = 57;
        ip[9] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], IpAddress.Parse("198.51.100.7").ToUInt32());
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], destination.ToUInt32());
        WriteChecksum(ip);
        BinaryPrimitives.WriteUInt16BigEndian(ip[20..], 443);
        BinaryPrimitives.WriteUInt16BigEndian(ip[22..], port);
        ip[32] = 0x50;
        ip[33] = AckFlag;
    }

    private static void WriteChecksum(Span<byte> ip)
    {
        uint sum = 0;
        for (var i = 0; i < 20; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(ip[i..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], (ushort)~(sum + (sum >> 16)));
    }
}
