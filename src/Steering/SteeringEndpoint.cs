using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>
/// Where packets are sent: a tunnel endpoint with the ready headers that lead to it. Two are equal if the packet path
/// would do the same with both, byte for byte.
/// </summary>
public sealed class SteeringEndpoint : IEquatable<SteeringEndpoint>
{
    private const int SourceOffset = 12;
    private const int DestinationOffset = 16;
    private const int GreKeyOffset = 24;
    private readonly SuEndpoint entry;
    private readonly int hash;

    /// <param name="address">The IPv4 address of the endpoint: the destination of <paramref name="outer"/>.</param>
    /// <param name="rank"><see cref="Abi.Rank.Datacenter"/> if it is in this datacenter, else <see cref="Abi.Rank.Backbone"/>.</param>
    /// <param name="l2">Ethernet header: 14 bytes, 18 with an 802.1Q tag; none if the next hop is not resolved.</param>
    /// <param name="outer">IPv4 header without options (DF, TTL 64; total length, TOS and checksum zero) and the tunnel header.</param>
    /// <param name="mtuBytes">Largest outer packet, IP header included; 65,535 at most.</param>
    /// <param name="interfaceIndex">ifindex that it leaves by.</param>
    /// <exception cref="ArgumentException">A header does not fit the other arguments.</exception>
    public SteeringEndpoint(
        IpAddress address,
        Encapsulation encapsulation,
        Rank rank,
        ReadOnlyMemory<byte> l2,
        ReadOnlyMemory<byte> outer,
        int mtuBytes,
        int interfaceIndex)
        : this(Build(address, encapsulation, rank, l2.Span, outer.Span, mtuBytes, interfaceIndex))
    {
    }

    private SteeringEndpoint(in SuEndpoint entry)
    {
        this.entry = entry;
        var code = default(HashCode);
        code.AddBytes(BytesOf(in this.entry));
        hash = code.ToHashCode();
    }

    /// <summary>The tunnel endpoint: destination of the outer header.</summary>
    public IpAddress Address => ReadAddress(DestinationOffset);

    /// <summary>The address of this server that the outer header carries as its source.</summary>
    public IpAddress Source => ReadAddress(SourceOffset);

    public Encapsulation Encapsulation => (EncapsulationCode)entry.Encap switch
    {
        EncapsulationCode.Gue => new Encapsulation(EncapsulationKind.Gue),
        EncapsulationCode.Ipip => new Encapsulation(EncapsulationKind.Ipip),
        EncapsulationCode.Gre => new Encapsulation(EncapsulationKind.Gre),
        _ => new Encapsulation(EncapsulationKind.Gre, BinaryPrimitives.ReadUInt32BigEndian(OuterSpan[GreKeyOffset..])),
    };

    public Rank Rank => (Rank)entry.Rank;

    /// <summary>False if no next hop is known: what should go there is dropped.</summary>
    public bool IsResolved => entry.L2Bytes != 0;

    /// <summary>The Ethernet header; empty if the next hop is not resolved.</summary>
    public ReadOnlySpan<byte> L2 => ((ReadOnlySpan<byte>)entry.L2)[..entry.L2Bytes];

    /// <summary>Outer IPv4 header and tunnel header, as a template.</summary>
    public ReadOnlySpan<byte> Outer => OuterSpan[..entry.OuterBytes];

    /// <summary>Largest outer packet, IP header included.</summary>
    public int MtuBytes => entry.MtuBytes;

    public int InterfaceIndex => (int)entry.Ifindex;

    private ReadOnlySpan<byte> OuterSpan => entry.Outer;

    public static bool operator ==(SteeringEndpoint? left, SteeringEndpoint? right) => Equals(left, right);

    public static bool operator !=(SteeringEndpoint? left, SteeringEndpoint? right) => !Equals(left, right);

    /// <summary>The entry as it lies in <c>su_endpoints</c>.</summary>
    public SuEndpoint ToEntry() => entry;

    /// <summary>What an entry of <c>su_endpoints</c> says, or null if it is not one that was ever complete.</summary>
    public static SteeringEndpoint? FromEntry(in SuEndpoint entry)
    {
        ReadOnlySpan<byte> outer = entry.Outer;
        var sound = entry.Encap <= (int)EncapsulationCode.GreKey
            && entry.OuterBytes == OuterBytesOf((EncapsulationCode)entry.Encap)
            && entry.L2Bytes is 0 or 14 or 18
            && entry.Rank is (byte)Rank.Datacenter or (byte)Rank.Backbone
            && outer[0] == 0x45
            && entry.CsumBase == SumOf(outer)
            && !outer[entry.OuterBytes..].ContainsAnyExcept((byte)0)
            && !((ReadOnlySpan<byte>)entry.L2)[entry.L2Bytes..].ContainsAnyExcept((byte)0);
        return sound ? new SteeringEndpoint(in entry) : null;
    }

    public bool Equals(SteeringEndpoint? other) =>
        other is not null && hash == other.hash && BytesOf(in entry).SequenceEqual(BytesOf(in other.entry));

    public override bool Equals(object? obj) => Equals(obj as SteeringEndpoint);

    public override int GetHashCode() => hash;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Address} by {Encapsulation}, {(Rank == Rank.Datacenter ? "this datacenter" : "another datacenter")}, {(IsResolved ? $"interface {InterfaceIndex}" : "next hop not resolved")}, MTU {MtuBytes}");

    internal static ReadOnlySpan<byte> BytesOf(in SuEndpoint entry) =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in entry, 1));

    private static SuEndpoint Build(
        IpAddress address, Encapsulation encapsulation, Rank rank, ReadOnlySpan<byte> l2, ReadOnlySpan<byte> outer, int mtuBytes, int interfaceIndex)
    {
        var code = CodeOf(encapsulation);
        Require(!address.IsIPv6, nameof(address), "the packet path carries IPv4 endpoints only");
        Require(rank is Rank.Datacenter or Rank.Backbone, nameof(rank), "an endpoint is in this datacenter or on the backbone");
        Require(l2.Length is 0 or 14 or 18, nameof(l2), "an Ethernet header has 14 bytes, or 18 with a tag");
        Require(outer.Length == OuterBytesOf(code), nameof(outer), "the outer header is as long as its encapsulation asks");
        Require(outer[0] == 0x45, nameof(outer), "the outer header is IPv4 without options");
        Require(BinaryPrimitives.ReadUInt32BigEndian(outer[DestinationOffset..]) == address.ToUInt32(), nameof(outer), "the outer header goes to the endpoint's address");
        Require(outer[1] == 0 && outer[2] == 0 && outer[3] == 0 && outer[10] == 0 && outer[11] == 0, nameof(outer), "TOS, total length and checksum of the template are zero");
        Require(mtuBytes is >= 0 and <= ushort.MaxValue, nameof(mtuBytes), "an MTU is 0 to 65535 bytes");
        Require(interfaceIndex >= 0, nameof(interfaceIndex), "an interface index is not negative");
        var entry = new SuEndpoint
        {
            L2Bytes = (byte)l2.Length,
            Encap = (byte)code,
            OuterBytes = (byte)outer.Length,
            Rank = (byte)rank,
            MtuBytes = (ushort)mtuBytes,
            Ifindex = (uint)interfaceIndex,
            CsumBase = SumOf(outer),
        };
        l2.CopyTo(entry.L2);
        outer.CopyTo(entry.Outer);
        return entry;
    }

    private static EncapsulationCode CodeOf(Encapsulation encapsulation) => encapsulation.Kind switch
    {
        EncapsulationKind.Gue => EncapsulationCode.Gue,
        EncapsulationKind.Ipip => EncapsulationCode.Ipip,
        _ => encapsulation.Key is null ? EncapsulationCode.Gre : EncapsulationCode.GreKey,
    };

    private static int OuterBytesOf(EncapsulationCode code) => code switch
    {
        EncapsulationCode.Gue => 32,
        EncapsulationCode.Ipip => 20,
        EncapsulationCode.Gre => 24,
        _ => 28,
    };

    /// <summary>The sum that the packet path starts its outer checksum from: words as they lie in memory, not folded.</summary>
    private static uint SumOf(ReadOnlySpan<byte> outer)
    {
        uint sum = 0;
        foreach (var word in MemoryMarshal.Cast<byte, ushort>(outer[..20]))
        {
            sum += word;
        }

        return sum;
    }

    private static void Require(bool holds, string argument, string rule)
    {
        if (!holds)
        {
            throw new ArgumentException(rule, argument);
        }
    }

    private IpAddress ReadAddress(int offset) => IpAddress.FromUInt32(BinaryPrimitives.ReadUInt32BigEndian(OuterSpan[offset..]));
}
