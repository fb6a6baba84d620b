using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>Kinds of packet that <c>trace packet</c> can make.</summary>
public enum TraceProtocol
{
    Tcp,
    Udp,
    Sctp,
    EchoRequest,
    EchoReply,
    IcmpError,
}

/// <summary>A packet to trace: described, or given as bytes.</summary>
public abstract record PacketSource
{
    /// <summary>True if it comes through a tunnel, so that a backbone interface is where it would arrive; null: the bytes must tell.</summary>
    public abstract bool? Tunnelled { get; }

    /// <summary>The Ethernet frame as it would arrive at an interface with this address.</summary>
    public abstract byte[] FrameFor(MacAddress interfaceAddress);
}

/// <summary>A whole Ethernet frame, as given.</summary>
public sealed record RawFrame(ImmutableArray<byte> Frame) : PacketSource
{
    public override bool? Tunnelled => null;

    public override byte[] FrameFor(MacAddress interfaceAddress) => [.. Frame];

    public bool Equals(RawFrame? other) => other is not null && Frame.AsSpan().SequenceEqual(other.Frame.AsSpan());

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Frame.AsSpan());
        return hash.ToHashCode();
    }
}

/// <summary>The tunnel that a traced packet comes out of.</summary>
/// <param name="Peer">Outer source: the server that sent it here.</param>
/// <param name="Endpoint">Outer destination: an endpoint of this server.</param>
public readonly record struct TunnelSketch(Encapsulation Encapsulation, IpAddress Peer, IpAddress Endpoint);

/// <summary>A packet described by what the packet path looks at. Both addresses are of one family.</summary>
/// <param name="FromPort">Source port; 0 where there is none.</param>
/// <param name="ToPort">Destination port; for an echo its identifier; for an ICMP error the source port of the packet it quotes.</param>
public sealed record PacketSketch(
    TraceProtocol Protocol,
    IpAddress From,
    ushort FromPort,
    IpAddress To,
    ushort ToPort) : PacketSource
{
    /// <summary>TCP: SYN alone; SCTP: an INIT chunk.</summary>
    public bool Syn { get; init; }

    /// <summary>Length of the (inner) IP packet, header included; null: the shortest possible.</summary>
    public int? LengthBytes { get; init; }

    public byte Ttl { get; init; } = 64;

    /// <summary>The whole TOS or traffic class octet; its last two bits are ECN.</summary>
    public byte Tos { get; init; }

    /// <summary>Multiple of 8, up to 65,528; IPv4 only.</summary>
    public int FragmentOffsetBytes { get; init; }

    /// <summary>IPv4 only.</summary>
    public bool MoreFragments { get; init; }

    /// <summary>802.1Q tag that it arrives with, 1 to 4094, or null.</summary>
    public ushort? VlanId { get; init; }

    /// <summary>Type of an ICMP error; null: destination unreachable (3, ICMPv6: 1).</summary>
    public byte? IcmpType { get; init; }

    /// <summary>What the packet that an ICMP error quotes was.</summary>
    public TraceProtocol Quoted { get; init; } = TraceProtocol.Tcp;

    public TunnelSketch? Tunnel { get; init; }

    public override bool? Tunnelled => Tunnel is not null;

    /// <exception cref="ArgumentException">The length is out of range: see <see cref="PacketBuilder.ShortestBytes"/>.</exception>
    public override byte[] FrameFor(MacAddress interfaceAddress) => PacketBuilder.Build(this, interfaceAddress);
}
