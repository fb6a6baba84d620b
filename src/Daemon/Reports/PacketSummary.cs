using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Reports;

/// <summary>One line about a frame: addresses, ports and what is wrapped in what. Reads what is there, and stops where it ends.</summary>
internal static class PacketSummary
{
    private const int GuePort = 6080;

    public static string Of(ReadOnlySpan<byte> frame)
    {
        var offset = 12;
        var tags = "";
        while (frame.Length >= offset + 6 && BinaryPrimitives.ReadUInt16BigEndian(frame[offset..]) is 0x8100 or 0x88a8)
        {
            tags += $"vlan {BinaryPrimitives.ReadUInt16BigEndian(frame[(offset + 2)..]) & 0xfff} ";
            offset += 4;
        }

        return frame.Length >= offset + 2 && BinaryPrimitives.ReadUInt16BigEndian(frame[offset..]) == 0x0800
            ? tags + Ipv4(frame[(offset + 2)..])
            : tags + "not IPv4";
    }

    private static string Ipv4(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < 20)
        {
            return "IPv4, cut short";
        }

        var source = IpAddress.FromBytes(packet[12..16]);
        var destination = IpAddress.FromBytes(packet[16..20]);
        var headerBytes = (packet[0] & 0xf) * 4;
        var behind = packet.Length > headerBytes ? packet[headerBytes..] : [];
        var isLaterFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1fff) != 0;
        var protocol = packet[9];
        if (isLaterFragment || behind.Length < 4)
        {
            return $"{source} > {destination} protocol {protocol}{(isLaterFragment ? ", later fragment" : "")}";
        }

        var sourcePort = BinaryPrimitives.ReadUInt16BigEndian(behind);
        var destinationPort = BinaryPrimitives.ReadUInt16BigEndian(behind[2..]);
        return protocol switch
        {
            4 => $"IPIP {source} > {destination} [{Ipv4(behind)}]",
            47 when behind.Length >= GreBytes(behind) => $"GRE {source} > {destination} [{Ipv4(behind[GreBytes(behind)..])}]",
            17 when destinationPort == GuePort && behind.Length >= 12 => $"GUE {source}:{sourcePort} > {destination} [{Ipv4(behind[12..])}]",
            6 => $"TCP {source}:{sourcePort} > {destination}:{destinationPort}",
            17 => $"UDP {source}:{sourcePort} > {destination}:{destinationPort}",
            132 => $"SCTP {source}:{sourcePort} > {destination}:{destinationPort}",
            1 => $"ICMP {source} > {destination} type {behind[0]} code {behind[1]}",
            _ => $"{source} > {destination} protocol {protocol}",
        };
    }

    private static int GreBytes(ReadOnlySpan<byte> gre) => (gre[0] & 0x20) == 0 ? 4 : 8;
}
