using System.Buffers.Binary;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>Endpoints with ready headers, made here field by field: nothing of the code under test builds them.</summary>
internal static class TestEndpoint
{
    public static readonly byte[] NextHopMac = [0x02, 0, 0, 0, 0, 0xee];
    public static readonly byte[] OwnMac = [0x02, 0, 0, 0, 0, 0x01];

    public static SteeringEndpoint Make(
        string address,
        Encapsulation encapsulation = default,
        Rank rank = Rank.Datacenter,
        int mtu = 1500,
        int interfaceIndex = 1,
        ushort? vlan = null,
        bool resolved = true,
        string source = "10.1.1.1") =>
        new(IpAddress.Parse(address), encapsulation, rank, resolved ? Link(vlan) : [], Outer(source, address, encapsulation), mtu, interfaceIndex);

    public static byte[] Link(ushort? vlan) => vlan is { } id
        ? [.. NextHopMac, .. OwnMac, 0x81, 0x00, (byte)(id >> 8), (byte)id, 0x08, 0x00]
        : [.. NextHopMac, .. OwnMac, 0x08, 0x00];

    /// <summary>The template of bpf/abi.h: version and header length, DF, TTL 64, protocol, addresses; then the tunnel header.</summary>
    public static byte[] Outer(string source, string destination, Encapsulation encapsulation)
    {
        byte[] ip =
        [
            0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, ProtocolOf(encapsulation.Kind), 0, 0,
            .. IpAddress.Parse(source).ToBytes(), .. IpAddress.Parse(destination).ToBytes(),
        ];
        return [.. ip, .. TunnelHeader(encapsulation)];
    }

    private static byte ProtocolOf(EncapsulationKind kind) => kind switch
    {
        EncapsulationKind.Gue => 17,
        EncapsulationKind.Gre => 47,
        _ => 4,
    };

    private static byte[] TunnelHeader(Encapsulation encapsulation)
    {
        switch (encapsulation.Kind)
        {
            case EncapsulationKind.Gue:
                return [0, 0, 0x17, 0xc0, 0, 0, 0, 0, 0, 4, 0, 0];
            case EncapsulationKind.Gre when encapsulation.Key is { } key:
                byte[] header = [0x20, 0, 0x08, 0, 0, 0, 0, 0];
                BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), key);
                return header;
            case EncapsulationKind.Gre:
                return [0, 0, 0x08, 0];
            default:
                return [];
        }
    }
}
