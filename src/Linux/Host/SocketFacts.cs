using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using SoftUnicast.Dispatch;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Host;

/// <summary>What a socket is, as its options say (socket(7)), and whether packets can be handed to it.</summary>
/// <param name="Protocol">Null: neither TCP nor UDP.</param>
/// <param name="What">In words: <c>a TCP socket of 0.0.0.0:80</c>.</param>
/// <param name="IsIPv6">AF_INET6.</param>
/// <param name="TakesIPv4">AF_INET, or of :: and not IPV6_V6ONLY.</param>
/// <param name="IsReusePort">It may be a member of an SO_REUSEPORT group.</param>
/// <param name="Cookie">The kernel's number of the socket.</param>
public sealed record SocketFacts(
    DispatchProtocol? Protocol, string What, bool IsIPv6, bool TakesIPv4, bool IsListening, bool IsConnected, IpAddress Address, ushort Port,
    bool IsReusePort, ulong Cookie)
{
    private const int SO_TYPE = 3;
    private const int SO_REUSEPORT = 15;
    private const int SO_ACCEPTCONN = 30;
    private const int SO_PROTOCOL = 38;
    private const int SO_DOMAIN = 39;
    private const int SO_COOKIE = 57;
    private const int SOL_IPV6 = 41;
    private const int IPV6_V6ONLY = 26;
    private const int SOCK_STREAM = 1;
    private const int SOCK_DGRAM = 2;
    private const int SockaddrBytes = 128;

    /// <exception cref="SystemCallException">It is no socket, or a call was refused.</exception>
    public static SocketFacts Of(SafeHandle socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var domain = (int)Option(socket, Libc.SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN");
        var type = (int)Option(socket, Libc.SOL_SOCKET, SO_TYPE, "SO_TYPE");
        var number = (int)Option(socket, Libc.SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL");
        var isInternet = domain is Libc.AF_INET or Libc.AF_INET6;
        DispatchProtocol? protocol = (isInternet, type, number) switch
        {
            (true, SOCK_STREAM, (int)DispatchProtocol.Tcp) => DispatchProtocol.Tcp,
            (true, SOCK_DGRAM, (int)DispatchProtocol.Udp) => DispatchProtocol.Udp,
            _ => null,
        };
        if (protocol is null)
        {
            return new SocketFacts(null, Describe(domain, type, number), false, false, false, false, default, 0, false, CookieOf(socket));
        }

        var (address, port) = Name(socket);
        var isIPv6 = domain == Libc.AF_INET6;
        var isDual = isIPv6 && address.Value == 0 && Option(socket, SOL_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY") == 0;
        var what = string.Create(CultureInfo.InvariantCulture, $"a {protocol.ToString()!.ToUpperInvariant()} socket of {(isIPv6 ? $"[{address}]" : address)}:{port}");
        return new SocketFacts(
            protocol, what, isIPv6, !isIPv6 || isDual, Option(socket, Libc.SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN") != 0, HasPeer(socket), address, port,
            Option(socket, Libc.SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT") != 0, CookieOf(socket));
    }

    /// <summary>Why packets cannot be handed to it; null: they can.</summary>
    public string? Refusal()
    {
        if (Protocol is null)
        {
            return $"{What} cannot be registered: a TCP socket that listens or a UDP socket is needed";
        }

        if (Protocol == DispatchProtocol.Tcp)
        {
            return IsListening ? null : IsConnected
                ? $"{What} is a connection, not a socket that listens"
                : $"{What} is a socket that is not listening: call listen(2) before it is registered";
        }

        if (IsConnected)
        {
            return $"{What} is connected: it can take packets of its peer alone";
        }

        if (Port == 0)
        {
            return "a UDP socket that is not bound cannot be registered: bind it to 0.0.0.0 or :: and any port";
        }

        return IsLoopback(Address)
            ? $"{What} could not answer from the address it was asked at, for it is bound to a loopback address: bind it to 0.0.0.0 or ::"
            : null;
    }

    private static bool IsLoopback(IpAddress address) => address.IsIPv6 ? address.Value == 1 : address.Value >> 24 == 127;

    private static ulong CookieOf(SafeHandle socket) => Option(socket, Libc.SOL_SOCKET, SO_COOKIE, "SO_COOKIE", sizeof(ulong));

    private static ulong Option(SafeHandle socket, int level, int option, string name, int length = sizeof(int))
    {
        var value = 0ul;
        if (Libc.GetSocketOption(socket, level, option, ref value, ref length) >= 0)
        {
            return value;
        }

        var errno = Marshal.GetLastPInvokeError();
        throw new SystemCallException("getsockopt", name, errno, errno == Libc.ENOTSOCK ? "the descriptor is not a socket" : null);
    }

    private static (IpAddress Address, ushort Port) Name(SafeHandle socket)
    {
        Span<byte> name = stackalloc byte[SockaddrBytes];
        var length = name.Length;
        if (Libc.GetSocketName(socket, name, ref length) < 0)
        {
            throw SystemCallException.Last("getsockname", "socket");
        }

        var port = BinaryPrimitives.ReadUInt16BigEndian(name[2..]);
        return MemoryMarshal.Read<ushort>(name) == Libc.AF_INET6
            ? (IpAddress.FromBytes(name[8..24]), port)
            : (IpAddress.FromBytes(name[4..8]), port);
    }

    private static bool HasPeer(SafeHandle socket)
    {
        Span<byte> name = stackalloc byte[SockaddrBytes];
        var length = name.Length;
        return Libc.GetPeerName(socket, name, ref length) >= 0;
    }

    private static string Describe(int domain, int type, int protocol) => domain == 1
        ? "a Unix socket"
        : string.Create(CultureInfo.InvariantCulture, $"a socket of domain {domain}, type {type}, protocol {protocol}");
}
