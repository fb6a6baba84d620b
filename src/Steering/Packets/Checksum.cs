using System.Buffers.Binary;

namespace SoftUnicast.Steering.Packets;

/// <summary>The Internet checksum (RFC 1071) and its update in place (RFC 1624).</summary>
internal static class Checksum
{
    /// <summary>The checksum of a header whose checksum field is zero.</summary>
    public static ushort Of(ReadOnlySpan<byte> header)
    {
        uint sum = 0;
        for (var i = 0; i + 1 < header.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        }

        return (ushort)~Fold(sum);
    }

    /// <summary>RFC 1624 equation 3: the checksum after a word of what it covers changed.</summary>
    public static ushort Update(ushort checksum, ushort oldWord, ushort newWord) =>
        (ushort)~Fold((uint)(ushort)~checksum + (ushort)~oldWord + newWord);

    /// <summary>The checksum after a TTL went down by one, as routers do it (RFC 1141).</summary>
    public static ushort AfterTtlDecrement(ushort checksum)
    {
        var sum = checksum + 0x0100u;
        return (ushort)(sum + (sum >= 0xffff ? 1 : 0));
    }

    private static uint Fold(uint sum)
    {
        sum = (sum & 0xffff) + (sum >> 16);
        return (sum & 0xffff) + (sum >> 16);
    }
}
