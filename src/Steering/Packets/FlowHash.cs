using System.Buffers.Binary;

namespace SoftUnicast.Steering.Packets;

/// <summary>The UDP source port that tells the flows of a tunnel apart, for ECMP in between (RFC 6438 2).</summary>
internal static class FlowHash
{
    /// <summary>A port from 49,152 on: the dynamic range (RFC 6335 6).</summary>
    /// <param name="addresses">Source and destination, as they lie in the inner IPv4 header: 8 bytes.</param>
    /// <param name="flowPorts">Source port in the upper half, destination port in the lower; or one port alone.</param>
    public static ushort SourcePort(ReadOnlySpan<byte> addresses, uint flowPorts)
    {
        var flow = BinaryPrimitives.ReadUInt64LittleEndian(addresses) ^ ((ulong)BinaryPrimitives.ReverseEndianness(flowPorts) << 16);
        return (ushort)(0xC000 | BinaryPrimitives.ReverseEndianness((ushort)(unchecked(flow * 0x9E3779B97F4A7C15) >> 48)));
    }
}
