using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Steering.Packets;

/// <summary>
/// An IPv4 header (RFC 791) of at least 20 bytes, and what follows it:
/// <code>
///  0                   1                   2                   3
/// |version|  IHL  |    TOS    |ECN|          total length         |
/// |         identification        |0|D|M|     fragment offset     |
/// |      TTL      |   protocol    |        header checksum        |
/// |                            source                             |
/// |                          destination                          |
/// </code>
/// </summary>
internal readonly ref struct Ipv4Layer(ReadOnlySpan<byte> bytes)
{
    public const int MinHeaderBytes = 20;
    public const int ChecksumOffset = 10;
    public const int TtlOffset = 8;
    public const int EcnMask = 3;
    public const int CongestionExperienced = 3;
    private readonly ReadOnlySpan<byte> bytes = bytes;

    public int Version => bytes[0] >> 4;

    /// <summary>In bytes, as the header says: possibly less than 20 or more than there is.</summary>
    public int HeaderBytes => (bytes[0] & 0x0f) * 4;

    public byte TypeOfService => bytes[1];

    public int TotalLength => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);

    public bool MoreFragments => (bytes[6] & 0x20) != 0;

    /// <summary>In units of 8 bytes.</summary>
    public int FragmentOffset => BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0x1fff;

    public byte Ttl => bytes[TtlOffset];

    public byte Protocol => bytes[9];

    public IpAddress Source => IpAddress.FromUInt32(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]));

    public IpAddress Destination => IpAddress.FromUInt32(BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]));

    /// <summary>Source and destination, as they lie on the wire: 8 bytes.</summary>
    public ReadOnlySpan<byte> Addresses => bytes.Slice(12, 8);

    public bool HasOptions => HeaderBytes != MinHeaderBytes;

    /// <summary>The lengths hold together, and all that the header promises is there.</summary>
    public bool IsSane => Version == 4
        && HeaderBytes >= MinHeaderBytes
        && HeaderBytes <= bytes.Length
        && TotalLength >= HeaderBytes
        && TotalLength <= bytes.Length;

    /// <summary>What lies behind the header, up to the total length: without the padding of the frame.</summary>
    public ReadOnlySpan<byte> Payload => bytes[HeaderBytes..TotalLength];

    /// <summary>The header and everything behind it, padding included.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Sets the congestion mark (RFC 6040 4.2) in a packet whose bytes these are.</summary>
    public static void MarkCongestion(Span<byte> packet)
    {
        var oldWord = BinaryPrimitives.ReadUInt16BigEndian(packet);
        var newWord = (ushort)(oldWord | CongestionExperienced);
        BinaryPrimitives.WriteUInt16BigEndian(packet, newWord);
        UpdateChecksum(packet, oldWord, newWord);
    }

    public static void DecrementTtl(Span<byte> packet)
    {
        packet[TtlOffset]--;
        var checksum = packet[ChecksumOffset..];
        BinaryPrimitives.WriteUInt16BigEndian(checksum, Checksum.AfterTtlDecrement(BinaryPrimitives.ReadUInt16BigEndian(checksum)));
    }

    public static void SetTtl(Span<byte> packet, byte ttl)
    {
        var oldWord = BinaryPrimitives.ReadUInt16BigEndian(packet[TtlOffset..]);
        packet[TtlOffset] = ttl;
        UpdateChecksum(packet, oldWord, BinaryPrimitives.ReadUInt16BigEndian(packet[TtlOffset..]));
    }

    private static void UpdateChecksum(Span<byte> packet, ushort oldWord, ushort newWord)
    {
        var checksum = packet[ChecksumOffset..];
        BinaryPrimitives.WriteUInt16BigEndian(checksum, Checksum.Update(BinaryPrimitives.ReadUInt16BigEndian(checksum), oldWord, newWord));
    }
}
