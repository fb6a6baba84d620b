using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SoftUnicast.Steering.Abi;

/// <summary>
/// How far a packet still may go (<c>enum su_rank</c>): a packet of one rank goes on only to something of a lower rank.
/// </summary>
public enum Rank
{
    Here = 0,

    /// <summary>A server of this datacenter.</summary>
    Datacenter = 1,

    /// <summary>A server of another datacenter, or that datacenter.</summary>
    Backbone = 2,

    /// <summary>What came without a tunnel.</summary>
    Internet = 3,
}

/// <summary>Tunnel headers as the packet path numbers them (<c>enum su_encapsulation</c>).</summary>
public enum EncapsulationCode
{
    Gue = 0,
    Gre = 1,
    Ipip = 2,
    GreKey = 3,
}

/// <summary>Which tunnel headers are taken off (<c>1 &lt;&lt; enum su_encapsulation</c>).</summary>
[Flags]
public enum AcceptedEncapsulations
{
    None = 0,
    Gue = 1 << EncapsulationCode.Gue,
    Gre = 1 << EncapsulationCode.Gre,
    Ipip = 1 << EncapsulationCode.Ipip,
    GreKey = 1 << EncapsulationCode.GreKey,
}

/// <summary>18 bytes: an Ethernet header with room for one 802.1Q tag.</summary>
[InlineArray(Length)]
public struct SuLinkBytes
{
    public const int Length = 18;
    private byte first;
}

/// <summary>32 bytes: an outer IPv4 header and the longest tunnel header.</summary>
[InlineArray(Length)]
public struct SuOuterBytes
{
    public const int Length = 32;
    private byte first;
}

/// <summary><c>struct su_endpoint</c>: where to send; 64 bytes, one cache line, immutable once a slot points to it.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SuEndpoint
{
    /// <summary>Ready Ethernet header.</summary>
    public SuLinkBytes L2;

    /// <summary>14, or 18 with a tag; 0 if the next hop is not resolved.</summary>
    public byte L2Bytes;

    /// <summary><see cref="EncapsulationCode"/>.</summary>
    public byte Encap;

    /// <summary>Ready outer headers; total length, TOS and checksum are zero.</summary>
    public SuOuterBytes Outer;

    /// <summary>20 IPIP, 24 GRE, 28 GRE with key, 32 GUE.</summary>
    public byte OuterBytes;

    /// <summary><see cref="Abi.Rank"/>: datacenter or backbone.</summary>
    public byte Rank;

    /// <summary>Largest outer packet, IP header included.</summary>
    public ushort MtuBytes;

    /// <summary>Leaves here.</summary>
    public uint Ifindex;

    /// <summary>Sum of the first 20 outer bytes as 16-bit words in memory order, not folded.</summary>
    public uint CsumBase;
}
