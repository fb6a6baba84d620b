using System.Buffers.Binary;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>Writes the path attributes of a route that starts here, one attribute an element (RFC 4271 4.3).</summary>
internal static class PathAttributeWriter
{
    private const byte Optional = 0x80;
    private const byte Transitive = 0x40;
    private const byte ExtendedLength = 0x10;
    private const byte OriginType = 1;
    private const byte NextHopType = 3;
    private const byte MpReachType = 14;

    /// <summary>
    /// ORIGIN IGP, the unspecified next hop (the daemon writes its own address instead, session by session; FlowSpec has none, but the
    /// control interface demands one), then the communities.
    /// </summary>
    public static List<byte[]> Write(Family family, ReadOnlySpan<byte> nlri, PathAttributes attributes)
    {
        var list = new List<byte[]> { Attribute(Transitive, OriginType, [0]) };
        list.Add(family == Family.IPv6Unicast
            ? Attribute(Optional, MpReachType, [0, 2, Family.UnicastSafi, 16, .. new byte[16], 0, .. nlri])
            : Attribute(Transitive, NextHopType, [0, 0, 0, 0]));
        if (!attributes.Communities.IsEmpty)
        {
            var value = new byte[4 * attributes.Communities.Length];
            for (var i = 0; i < attributes.Communities.Length; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(4 * i), attributes.Communities[i]);
            }

            list.Add(Attribute(Optional | Transitive, PathAttributeReader.CommunitiesType, value));
        }

        if (!attributes.ExtendedCommunities.IsEmpty)
        {
            var value = new byte[8 * attributes.ExtendedCommunities.Length];
            for (var i = 0; i < attributes.ExtendedCommunities.Length; i++)
            {
                BinaryPrimitives.WriteUInt64BigEndian(value.AsSpan(8 * i), attributes.ExtendedCommunities[i]);
            }

            list.Add(Attribute(Optional | Transitive, PathAttributeReader.ExtendedCommunitiesType, value));
        }

        if (!attributes.LargeCommunities.IsEmpty)
        {
            var value = new byte[12 * attributes.LargeCommunities.Length];
            for (var i = 0; i < attributes.LargeCommunities.Length; i++)
            {
                var at = value.AsSpan(12 * i);
                BinaryPrimitives.WriteUInt32BigEndian(at, attributes.LargeCommunities[i].GlobalAdministrator);
                BinaryPrimitives.WriteUInt32BigEndian(at[4..], attributes.LargeCommunities[i].Function);
                BinaryPrimitives.WriteUInt32BigEndian(at[8..], attributes.LargeCommunities[i].Value);
            }

            list.Add(Attribute(Optional | Transitive, PathAttributeReader.LargeCommunitiesType, value));
        }

        return list;
    }

    private static byte[] Attribute(byte flags, byte type, ReadOnlySpan<byte> value) => value.Length <= 255
        ? [flags, type, (byte)value.Length, .. value]
        : [(byte)(flags | ExtendedLength), type, (byte)(value.Length >> 8), (byte)value.Length, .. value];
}
