using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels;

/// <summary>What an outer header says: from whom, to whom, wrapped how.</summary>
public readonly record struct OuterHeaderFields(IpAddress Source, IpAddress Endpoint, Encapsulation Encapsulation);

/// <summary>
/// The bytes that the packet path puts before an inner packet, ready but for what depends on the packet: total length,
/// TOS, IPv4 checksum, UDP length and UDP source port are zero and filled in per packet (bpf/abi.h, struct su_endpoint).
/// </summary>
/// <remarks>
/// <code>
///  IPv4 (RFC 791), 20 bytes: 45 00 | length 0 | id 0 | DF | TTL 64 | protocol | checksum 0 | source | endpoint
///  GUE  UDP (RFC 768), 8:    source port 0 | 6080 | length 0 | checksum 0   then 00 04 00 00 (variant 0, protocol 4)
///  GRE  (RFC 2784), 4:       00 00 08 00      with a key (RFC 2890), 8: 20 00 08 00 | key
///  IPIP (RFC 2003):          nothing
/// </code>
/// An IPv4 packet that is not a fragment and has DF needs no identification (RFC 6864 4.1).
/// </remarks>
public static class OuterHeader
{
    public const int Ipv4Bytes = 20;
    public const ushort GuePort = 6080;
    public const byte Ttl = 64;
    private const byte ProtocolIpip = 4;
    private const byte ProtocolUdp = 17;
    private const byte ProtocolGre = 47;
    private const ushort DontFragment = 0x4000;
    private const ushort EtherTypeIpv4 = 0x0800;
    private const ushort GreKeyPresent = 0x2000;
    private const uint GueHeader = 0x0004_0000;

    /// <summary>True if the packet path can wrap towards this address: IPv4 only so far.</summary>
    public static bool Carries(IpAddress endpoint) => !endpoint.IsIPv6;

    /// <summary>20 bytes for IPIP, 24 for GRE, 28 for GRE with a key, 32 for GUE.</summary>
    /// <exception cref="NotSupportedException">An address is IPv6: see <see cref="Carries"/>.</exception>
    public static byte[] Build(IpAddress source, IpAddress endpoint, Encapsulation encapsulation)
    {
        if (!Carries(source) || !Carries(endpoint))
        {
            throw new NotSupportedException($"the packet path does not carry an IPv6 underlay yet (tunnel from {source} to {endpoint})");
        }

        var header = new byte[encapsulation.OverheadBytes];
        header[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), DontFragment);
        header[8] = Ttl;
        header[9] = encapsulation.Kind switch
        {
            EncapsulationKind.Gue => ProtocolUdp,
            EncapsulationKind.Gre => ProtocolGre,
            _ => ProtocolIpip,
        };
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(12), source.ToUInt32());
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16), endpoint.ToUInt32());
        var tunnel = header.AsSpan(Ipv4Bytes);
        switch (encapsulation.Kind)
        {
            case EncapsulationKind.Gue:
                BinaryPrimitives.WriteUInt16BigEndian(tunnel[2..], GuePort);
                BinaryPrimitives.WriteUInt32BigEndian(tunnel[8..], GueHeader);
                break;
            case EncapsulationKind.Gre:
                BinaryPrimitives.WriteUInt16BigEndian(tunnel, encapsulation.Key is null ? (ushort)0 : GreKeyPresent);
                BinaryPrimitives.WriteUInt16BigEndian(tunnel[2..], EtherTypeIpv4);
                if (encapsulation.Key is { } key)
                {
                    BinaryPrimitives.WriteUInt32BigEndian(tunnel[4..], key);
                }

                break;
        }

        return header;
    }

    /// <summary>
    /// Reads back what <see cref="Build"/> wrote, and nothing else: false for bytes that it cannot have made.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> header, out OuterHeaderFields fields)
    {
        fields = default;
        if (header.Length < Ipv4Bytes || !TryReadEncapsulation(header[9], header[Ipv4Bytes..], out var encapsulation))
        {
            return false;
        }

        var source = IpAddress.FromBytes(header[12..16]);
        var endpoint = IpAddress.FromBytes(header[16..20]);
        if (!header.SequenceEqual(Build(source, endpoint, encapsulation)))
        {
            return false;
        }

        fields = new OuterHeaderFields(source, endpoint, encapsulation);
        return true;
    }

    private static bool TryReadEncapsulation(byte protocol, ReadOnlySpan<byte> tunnel, out Encapsulation encapsulation)
    {
        encapsulation = default;
        switch (protocol, tunnel.Length)
        {
            case (ProtocolUdp, 12):
                encapsulation = new Encapsulation(EncapsulationKind.Gue);
                return true;
            case (ProtocolGre, 4):
                encapsulation = new Encapsulation(EncapsulationKind.Gre);
                return true;
            case (ProtocolGre, 8):
                encapsulation = new Encapsulation(EncapsulationKind.Gre, BinaryPrimitives.ReadUInt32BigEndian(tunnel[4..]));
                return true;
            case (ProtocolIpip, 0):
                encapsulation = new Encapsulation(EncapsulationKind.Ipip);
                return true;
            default:
                return false;
        }
    }
}
