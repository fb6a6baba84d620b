using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>The NLRI of a unicast route (RFC 4271 4.3, RFC 4760 5): length in bits (1 byte), then the prefix's bytes.</summary>
internal static class UnicastNlri
{
    public static byte[] Write(IpPrefix prefix) =>
        [(byte)prefix.Length, .. prefix.Network.ToBytes().AsSpan(0, (prefix.Length + 7) / 8)];

    public static bool TryRead(ReadOnlySpan<byte> bytes, bool ipv6, out IpPrefix prefix)
    {
        prefix = default;
        if (bytes.IsEmpty || bytes[0] > (ipv6 ? 128 : 32) || bytes.Length != 1 + ((bytes[0] + 7) / 8))
        {
            return false;
        }

        Span<byte> address = stackalloc byte[16];
        address.Clear();
        bytes[1..].CopyTo(address);
        prefix = IpPrefix.Covering(IpAddress.FromBytes(address[..(ipv6 ? 16 : 4)]), bytes[0]);
        return true;
    }
}
