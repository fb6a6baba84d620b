using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>The value is the IP protocol number.</summary>
public enum SocketProtocol
{
    Tcp = 6,
    Udp = 17,
}

/// <summary>As the kernel numbers them (net/tcp_states.h). UDP has <see cref="Established"/> when connected, else <see cref="Closed"/>.</summary>
public enum SocketState
{
    Established = 1,
    SynSent = 2,
    SynReceived = 3,
    FinWait1 = 4,
    FinWait2 = 5,

    /// <summary>Belongs to no process any more, and holds its 4-tuple for 60 s.</summary>
    TimeWait = 6,

    /// <summary>Of TCP: bound, neither connected nor listening; told of from kernel 6.8 on.</summary>
    Closed = 7,
    CloseWait = 8,
    LastAck = 9,
    Listening = 10,
    Closing = 11,
    NewSynReceived = 12,
}

/// <summary>One end of a socket: an IPv4-mapped IPv6 address is shown as IPv4.</summary>
public readonly record struct SocketEnd(IpAddress Address, ushort Port)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Address.IsIPv6 ? $"[{Address}]" : Address)}:{Port}");
}

/// <summary>A socket of this network namespace.</summary>
/// <param name="Remote">0.0.0.0:0 if it has none.</param>
/// <param name="Inode">What /proc/PID/fd shows of it; 0 if no process holds it.</param>
/// <param name="Cookie">The kernel's number for it, never used twice.</param>
public sealed record SocketRecord(SocketProtocol Protocol, SocketEnd Local, SocketEnd Remote, SocketState State, uint Inode, uint Uid, ulong Cookie)
{
    private const int MessageBytes = 72;
    private const string Owner = "SOCK_DIAG_BY_FAMILY";

    // struct inet_diag_msg: family, state, timer, retrans (a byte each), struct inet_diag_sockid (48 bytes), expires, rqueue,
    // wqueue, uid, inode (4 each). The sockid: ports (2 each) and addresses (16 each) in network order, ifindex, cookie (8).
    internal static SocketRecord Parse(SocketProtocol protocol, ReadOnlySpan<byte> body)
    {
        if (body.Length < MessageBytes)
        {
            throw new NetlinkFormatException($"{Owner}: {body.Length} bytes, where its header alone has {MessageBytes}");
        }

        var family = body[0];
        return new SocketRecord(
            protocol,
            new SocketEnd(Address(family, body[8..24]), BinaryPrimitives.ReadUInt16BigEndian(body[4..])),
            new SocketEnd(Address(family, body[24..40]), BinaryPrimitives.ReadUInt16BigEndian(body[6..])),
            (SocketState)body[1],
            MemoryMarshal.Read<uint>(body[68..]),
            MemoryMarshal.Read<uint>(body[64..]),
            MemoryMarshal.Read<ulong>(body[44..]));
    }

    private static IpAddress Address(byte family, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        return family == Libc.AF_INET ? IpAddress.FromBytes(bytes[..4])
            : bytes[..12].SequenceEqual(mapped) ? IpAddress.FromBytes(bytes[12..])
            : IpAddress.FromBytes(bytes);
    }
}
