using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels;

/// <summary>
/// The Ethernet header before an outer IPv4 packet: 14 bytes, or 18 with one 802.1Q tag (priority 0, not drop eligible).
/// </summary>
public static class LinkHeader
{
    public const int UntaggedBytes = 14;
    public const int TaggedBytes = 18;
    public const ushort MaxVlanId = 4094;
    private const ushort EtherTypeIpv4 = 0x0800;
    private const ushort EtherTypeVlan = 0x8100;

    /// <exception cref="ArgumentException">The VLAN id is not 1 to 4094 (0 and 4095 are reserved, IEEE 802.1Q).</exception>
    public static byte[] Build(NextHop nextHop)
    {
        if (nextHop.VlanId is { } id and (0 or > MaxVlanId))
        {
            throw new ArgumentException($"a VLAN id is 1 to {MaxVlanId}, not {id}", nameof(nextHop));
        }

        var header = new byte[nextHop.VlanId is null ? UntaggedBytes : TaggedBytes];
        nextHop.Destination.CopyTo(header);
        nextHop.Source.CopyTo(header.AsSpan(6));
        if (nextHop.VlanId is { } vlanId)
        {
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(12), EtherTypeVlan);
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), vlanId);
        }

        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(header.Length - 2), EtherTypeIpv4);
        return header;
    }

    /// <summary>Reads back what <see cref="Build"/> wrote, and nothing else.</summary>
    public static bool TryParse(ReadOnlySpan<byte> header, out MacAddress source, out MacAddress destination, out ushort? vlanId)
    {
        source = destination = default;
        vlanId = null;
        if (header.Length is not (UntaggedBytes or TaggedBytes))
        {
            return false;
        }

        destination = MacAddress.FromBytes(header[..6]);
        source = MacAddress.FromBytes(header[6..12]);
        if (header.Length == TaggedBytes)
        {
            vlanId = BinaryPrimitives.ReadUInt16BigEndian(header[14..]);
            if (vlanId is 0 or > MaxVlanId)
            {
                return false;
            }
        }

        return header.SequenceEqual(Build(new NextHop(0, source, destination, vlanId, 0)));
    }
}
