using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Net;

/// <summary>Carries netlink datagrams to the kernel and back.</summary>
internal interface INetlinkTransport : IDisposable
{
    void Send(ReadOnlySpan<byte> request);

    /// <summary>Blocks for the next datagram from the kernel. The span is valid until the next call.</summary>
    /// <exception cref="SystemCallException">ENOBUFS: notifications were lost; EAGAIN: nothing came in time.</exception>
    ReadOnlySpan<byte> Receive();
}

/// <summary>
/// A NETLINK_ROUTE, NETLINK_SOCK_DIAG or NETLINK_NETFILTER socket of the network namespace that the constructing thread is in.
/// </summary>
internal sealed class NetlinkSocket : INetlinkTransport
{
    private const int NETLINK_ROUTE = 0;
    private const int NETLINK_SOCK_DIAG = 4;
    private const int NETLINK_NETFILTER = 12;
    private const int BufferBytes = 256 * 1024; // more than the kernel puts into one datagram
    private readonly FileDescriptor socket;
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);

    /// <param name="groups">Multicast groups to listen to; empty for a socket that only asks.</param>
    /// <exception cref="SystemCallException">The kernel refuses the socket.</exception>
    public NetlinkSocket(params ReadOnlySpan<int> groups)
        : this(NETLINK_ROUTE, groups)
    {
    }

    private NetlinkSocket(int protocol, ReadOnlySpan<int> groups)
    {
        socket = new FileDescriptor(Libc.Socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, protocol));
        Check(socket.IsInvalid ? -1 : 0, "socket");
        try
        {
            Option(Nl.NETLINK_EXT_ACK, 1);
            Option(Nl.NETLINK_CAP_ACK, 1);
            Option(Nl.NETLINK_GET_STRICT_CHK, 1);
            var address = new Libc.SockaddrNl { Family = Libc.AF_NETLINK };
            Check(Libc.Bind(socket, ref address, Marshal.SizeOf<Libc.SockaddrNl>()), "bind");
            foreach (var group in groups)
            {
                Option(Nl.NETLINK_ADD_MEMBERSHIP, group);
            }

            if (groups.IsEmpty)
            {
                // The kernel answers while it is being asked: silence is a fault, not slowness.
                var timeout = new Libc.Timeval { Seconds = 10 };
                Check(Libc.SetSocketOption(socket, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, ref timeout, Marshal.SizeOf<Libc.Timeval>()), "setsockopt");
            }
            else
            {
                // Beyond net.core.rmem_max only with CAP_NET_ADMIN; a smaller buffer costs a resynchronisation, no more.
                var bytes = 4 * 1024 * 1024;
                if (Libc.SetSocketOption(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, ref bytes, sizeof(int)) < 0)
                {
                    Check(Libc.SetSocketOption(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUF, ref bytes, sizeof(int)), "setsockopt");
                }
            }
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public int Descriptor => socket.Number;

    /// <summary>One that asks about sockets (sock_diag(7)).</summary>
    public static NetlinkSocket ForSocketDiagnostics() => new(NETLINK_SOCK_DIAG, []);

    /// <summary>One that asks connection tracking.</summary>
    public static NetlinkSocket ForNetfilter() => new(NETLINK_NETFILTER, []);

    /// <summary>Makes the receive buffer this small: a test's way to have the kernel drop notifications.</summary>
    internal void ShrinkReceiveBuffer(int bytes) =>
        Check(Libc.SetSocketOption(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUF, ref bytes, sizeof(int)), "setsockopt");

    public void Send(ReadOnlySpan<byte> request)
    {
        while (Libc.Send(socket, request, request.Length, 0) < 0)
        {
            if (Marshal.GetLastPInvokeError() != Libc.EINTR)
            {
                throw SystemCallException.Last("send", "netlink socket");
            }
        }
    }

    public ReadOnlySpan<byte> Receive()
    {
        while (true)
        {
            var fromLength = Marshal.SizeOf<Libc.SockaddrNl>();
            var count = Libc.ReceiveFrom(socket, buffer, buffer.Length, Libc.MSG_TRUNC, out var from, ref fromLength);
            if (count < 0)
            {
                if (Marshal.GetLastPInvokeError() == Libc.EINTR)
                {
                    continue;
                }

                throw SystemCallException.Last("recvfrom", "netlink socket");
            }

            if (count > buffer.Length)
            {
                throw new NetlinkFormatException($"netlink datagram of {count} bytes, more than the {buffer.Length} that fit");
            }

            if (from.PortId == 0) // from the kernel, not from another process
            {
                return buffer.AsSpan(0, (int)count);
            }
        }
    }

    public void Dispose() => socket.Dispose();

    private void Option(int option, int value) =>
        Check(Libc.SetSocketOption(socket, Nl.SOL_NETLINK, option, ref value, sizeof(int)), "setsockopt");

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            throw SystemCallException.Last(call, "AF_NETLINK");
        }
    }
}
