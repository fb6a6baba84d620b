using SoftUnicast.Model;

namespace SoftUnicast.Steering.Packets;

/// <summary>The UDP source port that tells the flows of a tunnel apart, for ECMP in between (RFC 6438 2).</summary>
internal static class FlowHash
{
    /// <summary>A port from 49,152 on: the dynamic range (RFC 6335 6). Arithmetic wraps at 32 bits.</summary>
    public static ushort SourcePort(IpAddress source, IpAddress destination, byte protocol, uint flowPorts)
    {
        unchecked
        {
            var hash = source.ToUInt32() * 0x9E3779B1;
            hash ^= destination.ToUInt32() * 0x85EBCA6B;
            hash ^= flowPorts * 0xC2B2AE35;
            hash += protocol;
            hash ^= hash >> 15;
            hash *= 0x2C1B3C6D;
            hash ^= hash >> 12;
            return (ushort)(0xC000 | (hash & 0x3FFF));
        }
    }
}
