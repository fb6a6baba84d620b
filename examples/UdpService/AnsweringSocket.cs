using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SoftUnicast.Examples.UdpService;

/// <summary>Who asked, and the address and port that were asked: the ones to answer from.</summary>
public readonly record struct Question(IPEndPoint Peer, IPEndPoint Asked, int Length);

/// <summary>
/// A UDP socket for many addresses and many ports, IPv4 and IPv6. A packet that dispatch hands over says which address and port it was
/// sent to (IP_RECVORIGDSTADDR, ip(7)); the answer names the address as its source (IP_PKTINFO) and leaves by a socket that
/// is bound to the port, one a port and none an address.
/// </summary>
public sealed unsafe partial class AnsweringSocket : IDisposable
{
    private const int SOL_IP = 0;
    private const int SOL_IPV6 = 41;
    private const int IP_RECVORIGDSTADDR = 20; // IP_ORIGDSTADDR as a control message
    private const int IPV6_RECVORIGDSTADDR = 74;
    private const int IPV6_PKTINFO = 50;
    private const int IPV6_FREEBIND = 78;
    private const int ControlBytes = 256;
    private const int HeaderBytes = 16; // struct cmsghdr of 64-bit Linux
    private const int AddressBytes = 28; // struct sockaddr_in6
    private const int PacketInfoBytes = 20; // struct in6_pktinfo

    private readonly Socket socket;
    private readonly Dictionary<int, Socket> byPort = [];

    /// <param name="port">The port it is bound to itself; 0: any. It does not matter for what dispatch hands over.</param>
    public AnsweringSocket(int port = 0)
    {
        socket = Make();
        socket.SetRawSocketOption(SOL_IP, IP_RECVORIGDSTADDR, On);
        socket.SetRawSocketOption(SOL_IPV6, IPV6_RECVORIGDSTADDR, On);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        byPort[((IPEndPoint)socket.LocalEndPoint!).Port] = socket;
    }

    private static ReadOnlySpan<byte> On => [1, 0, 0, 0];

    /// <summary>The one to register.</summary>
    public Socket Socket => socket;

    /// <summary>Waits for a packet.</summary>
    public Question Receive(Span<byte> buffer)
    {
        _ = socket.Poll(-1, SelectMode.SelectRead);
        var address = stackalloc byte[AddressBytes];
        var control = stackalloc ulong[ControlBytes / sizeof(ulong)];
        fixed (byte* memory = buffer)
        {
            var vector = new Vector { Base = memory, Length = (nuint)buffer.Length };
            var message = new Message { Name = address, NameLength = AddressBytes, Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlBytes };
            var count = ReceiveMessage(socket.SafeHandle, &message, 0);
            if (count < 0)
            {
                throw new SocketException(Marshal.GetLastPInvokeError());
            }

            return new Question(ReadAddress(address), Asked((byte*)control, (int)message.ControlLength), (int)count);
        }
    }

    /// <summary>Answers from where the question went.</summary>
    public void Answer(Question question, ReadOnlySpan<byte> bytes)
    {
        var address = stackalloc byte[AddressBytes];
        WriteAddress(question.Peer, address);

        // struct in6_pktinfo: the source address, an IPv4 one as ::ffff:a.b.c.d, and interface 0, which is the route's.
        var control = stackalloc ulong[(HeaderBytes + PacketInfoBytes + 7) / sizeof(ulong)];
        *(nuint*)control = HeaderBytes + PacketInfoBytes;
        ((int*)control)[2] = SOL_IPV6;
        ((int*)control)[3] = IPV6_PKTINFO;
        question.Asked.Address.MapToIPv6().TryWriteBytes(new Span<byte>((byte*)control + HeaderBytes, 16), out _);
        *(int*)((byte*)control + HeaderBytes + 16) = 0;
        fixed (byte* memory = bytes)
        {
            var vector = new Vector { Base = memory, Length = (nuint)bytes.Length };
            var message = new Message
            {
                Name = address,
                NameLength = AddressBytes,
                Vectors = &vector,
                VectorCount = 1,
                Control = control,
                ControlLength = (HeaderBytes + PacketInfoBytes + 7) & ~7,
            };
            if (SendMessage(BoundTo(question.Asked.Port).SafeHandle, &message, 0) < 0)
            {
                throw new SocketException(Marshal.GetLastPInvokeError());
            }
        }
    }

    public void Dispose()
    {
        foreach (var bound in byPort.Values)
        {
            bound.Dispose();
        }
    }

    // It never receives what dispatch hands over; what else comes to the port is left in a small buffer.
    private Socket BoundTo(int port)
    {
        if (!byPort.TryGetValue(port, out var bound))
        {
            bound = Make();
            bound.ReceiveBufferSize = 1;
            bound.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
            byPort[port] = bound;
        }

        return bound;
    }

    // IPv6 takes an address that no interface has, but a local route, as a source only from a socket that may bind to it (ipv6(7)).
    private static Socket Make()
    {
        var made = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true };
        made.SetRawSocketOption(SOL_IPV6, IPV6_FREEBIND, On);
        return made;
    }

    private static IPEndPoint Asked(byte* control, int length)
    {
        for (var at = 0; at + HeaderBytes <= length;)
        {
            var bytes = (int)*(nuint*)(control + at);
            var (level, type) = (*(int*)(control + at + 8), *(int*)(control + at + 12));
            if ((level, type) is (SOL_IP, IP_RECVORIGDSTADDR) or (SOL_IPV6, IPV6_RECVORIGDSTADDR))
            {
                return ReadAddress(control + at + HeaderBytes);
            }

            at += Math.Max(HeaderBytes, (bytes + 7) & ~7);
        }

        throw new InvalidOperationException("the kernel did not say where the packet was sent to");
    }

    private static IPEndPoint ReadAddress(byte* address)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(address + 2, 2));
        var read = *(ushort*)address == 2 // AF_INET
            ? new IPAddress(new ReadOnlySpan<byte>(address + 4, 4))
            : new IPAddress(new ReadOnlySpan<byte>(address + 8, 16));
        return new IPEndPoint(read.IsIPv4MappedToIPv6 ? read.MapToIPv4() : read, port);
    }

    private static void WriteAddress(IPEndPoint endPoint, byte* address)
    {
        new Span<byte>(address, AddressBytes).Clear();
        *(ushort*)address = 10; // AF_INET6
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), (ushort)endPoint.Port);
        endPoint.Address.MapToIPv6().TryWriteBytes(new Span<byte>(address + 8, 16), out _);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public void* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(SafeSocketHandle socket, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(SafeSocketHandle socket, Message* message, int flags);
}
