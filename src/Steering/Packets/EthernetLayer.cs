using SoftUnicast.Model;

namespace SoftUnicast.Steering.Packets;

/// <summary>
/// Ethernet II with up to two tags (IEEE 802.1Q):
/// <code>
/// | destination 6 | source 6 | [ 8100 or 88a8 | TCI 2 ] x 0..2 | ethertype 2 |
/// </code>
/// </summary>
internal static class EthernetLayer
{
    public const int AddressBytes = 12;
    public const int HeaderBytes = 14;
    public const ushort Ipv4 = 0x0800;
    private const ushort CustomerTag = 0x8100;
    private const ushort ServiceTag = 0x88a8;
    private const int MaxTags = 2;

    /// <summary>Reads the addresses; false if the header is cut short.</summary>
    public static bool TryReadDestination(ReadOnlySpan<byte> frame, out MacAddress destination)
    {
        destination = frame.Length < HeaderBytes ? default : MacAddress.FromBytes(frame[..6]);
        return frame.Length >= HeaderBytes;
    }

    /// <summary>Skips the tags.</summary>
    /// <param name="cursor">At the first ethertype; afterwards behind the last.</param>
    /// <param name="etherType">What follows. A third tag is not skipped: it is what follows.</param>
    /// <returns>False if cut short inside a tag.</returns>
    public static bool TrySkipTags(ref PacketCursor cursor, out ushort etherType)
    {
        var enough = cursor.TryTakeUInt16(out etherType);
        for (var tags = 0; enough && tags < MaxTags && etherType is CustomerTag or ServiceTag; tags++)
        {
            enough = cursor.TryTake(2, out _) && cursor.TryTakeUInt16(out etherType);
        }

        return enough;
    }
}
