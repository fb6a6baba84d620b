using System.Buffers.Binary;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Packets;

/// <summary>
/// What lies between the outer and the inner IP header.
/// <code>
/// GUE   | UDP: source 2 | 6080 2 | length 2 | checksum 2 |  00 04 00 00  |   draft-ietf-intarea-gue, variant 0, no options
/// GRE   | flags and version 2: 0000, or 2000 with a key  |  0800  | [ key 4 ] |   RFC 2784, RFC 2890
/// IPIP  nothing                                                              RFC 2003
/// </code>
/// </summary>
internal static class TunnelLayer
{
    public const byte Ipip = 4;
    public const byte Gre = 47;
    public const int UdpHeaderBytes = 8;
    public const int UdpLengthOffset = 4;
    public const int GueHeaderBytes = 4;
    private const uint GueHeader = 0x0004_0000;
    private const ushort GreWithoutKey = 0x0000;
    private const ushort GreWithKey = 0x2000;

    /// <summary>The encapsulations that an IP protocol may carry; none if it is no tunnel.</summary>
    public static AcceptedEncapsulations EncapsulationsOf(byte protocol) => protocol switch
    {
        TransportLayer.Udp => AcceptedEncapsulations.Gue,
        Gre => AcceptedEncapsulations.Gre | AcceptedEncapsulations.GreKey,
        Ipip => AcceptedEncapsulations.Ipip,
        _ => AcceptedEncapsulations.None,
    };

    /// <summary>Takes the GUE header off.</summary>
    /// <returns>Why it is dropped, or null.</returns>
    public static Reason? SkipGue(ref PacketCursor cursor)
    {
        if (!cursor.TryTake(GueHeaderBytes, out var header))
        {
            return Reason.Malformed;
        }

        return BinaryPrimitives.ReadUInt32BigEndian(header) == GueHeader ? null : Reason.TunnelHeader;
    }

    /// <summary>Takes the GRE header off, if it is the one that this address accepts.</summary>
    /// <returns>Why it is dropped, or null.</returns>
    public static Reason? SkipGre(ref PacketCursor cursor, SteeringLocal local)
    {
        if (!cursor.TryTakeUInt16(out var flags) || !cursor.TryTakeUInt16(out var protocolType))
        {
            return Reason.Malformed;
        }

        if (flags is not (GreWithoutKey or GreWithKey))
        {
            return Reason.TunnelHeader;
        }

        ReadOnlySpan<byte> key = default;
        if (flags == GreWithKey && !cursor.TryTake(4, out key))
        {
            return Reason.Malformed;
        }

        if (protocolType != EthernetLayer.Ipv4)
        {
            return Reason.TunnelHeader;
        }

        var accepted = flags == GreWithoutKey
            ? local.Accept.HasFlag(AcceptedEncapsulations.Gre)
            : local.Accept.HasFlag(AcceptedEncapsulations.GreKey) && local.GreKey == BinaryPrimitives.ReadUInt32BigEndian(key);
        return accepted ? null : Reason.TunnelKey;
    }
}
