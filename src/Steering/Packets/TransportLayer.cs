using System.Buffers.Binary;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Packets;

/// <summary>What a packet would open, seen from outside.</summary>
internal enum Opening
{
    Nothing,
    Connection,
    Echo,
}

/// <summary>What the transport header says about the owner.</summary>
/// <param name="Port">The owner's port: destination port, echo identifier, or the source port that an ICMP error quotes.</param>
/// <param name="FlowPorts">What the flow hash takes: source port shifted up and destination port, or the port alone for ICMP.</param>
internal readonly record struct OwnerPort(ushort Port, uint FlowPorts, Opening Opening);

/// <summary>
/// The port that finds the owner.
/// <code>
/// TCP  (RFC 9293)  | source 2 | destination 2 | ... flags at 13 ... |  20 bytes
/// UDP  (RFC 768)   | source 2 | destination 2 | length | checksum |   8 bytes
/// SCTP (RFC 9260)  | source 2 | destination 2 | tag 4 | checksum 4 | first chunk type 1
/// ICMP (RFC 792)   | type | code | checksum 2 | identifier 2 | sequence 2 |   echo
///                  | type | code | checksum 2 | 4 | quoted IP header and 8 bytes |   error
/// </code>
/// </summary>
internal static class TransportLayer
{
    public const byte Icmp = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Sctp = 132;
    public const byte IcmpEchoReply = 0;
    public const byte IcmpEchoRequest = 8;
    public const int IcmpHeaderBytes = 8;
    private const byte IcmpUnreachable = 3;
    private const byte IcmpTimeExceeded = 11;
    private const byte IcmpParameterProblem = 12;
    private const int TcpFlagsOffset = 13;
    private const int TcpSyn = 0x02;
    private const int TcpAck = 0x10;
    private const int SctpHeaderBytes = 12;
    private const byte SctpInit = 1;
    private const int QuotedBytes = 8;

    /// <summary>Reads the owner's port of a packet that is no later fragment.</summary>
    /// <returns>Why it is dropped, or null.</returns>
    public static Reason? Read(in Ipv4Layer ip, out OwnerPort owner)
    {
        owner = default;
        var payload = ip.Payload;
        switch (ip.Protocol)
        {
            case Tcp when payload.Length >= 20:
                var opens = (payload[TcpFlagsOffset] & (TcpSyn | TcpAck)) == TcpSyn;
                owner = FromPorts(payload, opens);
                return null;
            case Udp when payload.Length >= 8:
                owner = FromPorts(payload, opens: false);
                return null;
            case Sctp when payload.Length >= SctpHeaderBytes:
                owner = FromPorts(payload, payload.Length > SctpHeaderBytes && payload[SctpHeaderBytes] == SctpInit);
                return null;
            case Icmp when payload.Length >= IcmpHeaderBytes:
                return ReadIcmp(in ip, payload, out owner);
            case Tcp or Udp or Sctp or Icmp:
                return Reason.Malformed;
            default:
                return Reason.Protocol;
        }
    }

    private static Reason? ReadIcmp(in Ipv4Layer ip, ReadOnlySpan<byte> message, out OwnerPort owner)
    {
        owner = default;
        var identifier = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        switch (message[0])
        {
            case IcmpEchoRequest:
                owner = new OwnerPort(identifier, identifier, Opening.Echo);
                return null;
            case IcmpEchoReply:
                owner = new OwnerPort(identifier, identifier, Opening.Nothing);
                return null;
            case IcmpUnreachable or IcmpTimeExceeded or IcmpParameterProblem:
                if (!TryReadQuote(in ip, message[IcmpHeaderBytes..], out var port))
                {
                    return Reason.IcmpQuote;
                }

                owner = new OwnerPort(port, port, Opening.Nothing);
                return null;
            default:
                return Reason.IcmpType;
        }
    }

    /// <summary>
    /// The port that the quoted packet was sent from (RFC 5508 4): it must have come from the address that the error goes
    /// to. Eight bytes of its transport header are all that RFC 792 promises.
    /// </summary>
    private static bool TryReadQuote(in Ipv4Layer ip, ReadOnlySpan<byte> quote, out ushort port)
    {
        port = 0;
        if (quote.Length < Ipv4Layer.MinHeaderBytes)
        {
            return false;
        }

        var quoted = new Ipv4Layer(quote);
        if (quoted.Version != 4
            || quoted.HeaderBytes < Ipv4Layer.MinHeaderBytes
            || quoted.Source != ip.Destination
            || quoted.FragmentOffset != 0
            || quoted.Protocol is not (Tcp or Udp or Sctp or Icmp)
            || quote.Length < quoted.HeaderBytes + QuotedBytes)
        {
            return false;
        }

        var transport = quote[quoted.HeaderBytes..];
        if (quoted.Protocol != Icmp)
        {
            port = BinaryPrimitives.ReadUInt16BigEndian(transport);
            return true;
        }

        port = BinaryPrimitives.ReadUInt16BigEndian(transport[4..]);
        return transport[0] is IcmpEchoRequest or IcmpEchoReply;
    }

    private static OwnerPort FromPorts(ReadOnlySpan<byte> header, bool opens) => new(
        BinaryPrimitives.ReadUInt16BigEndian(header[2..]),
        BinaryPrimitives.ReadUInt32BigEndian(header),
        opens ? Opening.Connection : Opening.Nothing);
}
