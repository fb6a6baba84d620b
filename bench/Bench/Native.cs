using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace SoftUnicast.Bench;

/// <summary>System calls as they are: what .NET would add to each connection would hide what is measured.</summary>
internal static unsafe partial class Native
{
    public const int CLONE_NEWNET = 0x40000000;
    private const int AF_INET = 2;
    private const int SOCK_STREAM = 1;
    private const int SOL_SOCKET = 1;
    private const int SO_LINGER = 13;
    private const int IPPROTO_IP = 0;
    private const int IP_BIND_ADDRESS_NO_PORT = 24;
    private const int IP_LOCAL_PORT_RANGE = 51;
    private const int ThreadCpuClock = 3; // CLOCK_THREAD_CPUTIME_ID

    /// <summary>This thread, and what it starts, gets a network of its own. It goes with the thread.</summary>
    public static void EnterNewNetwork() => Check(Unshare(CLONE_NEWNET), "unshare(CLONE_NEWNET)");

    /// <summary>This thread runs on one CPU only: the last one that it may run on.</summary>
    public static void StayOnOneCpu()
    {
        var mask = stackalloc ulong[16];
        Check(GetAffinity(0, 128, mask), "sched_getaffinity");
        for (var word = 15; word >= 0; word--)
        {
            if (mask[word] != 0)
            {
                var last = 1ul << (63 - BitOperations.LeadingZeroCount(mask[word]));
                new Span<ulong>(mask, 16).Clear();
                mask[word] = last;
                break;
            }
        }

        Check(SetAffinity(0, 128, mask), "sched_setaffinity");
    }

    /// <summary>CPU time of this thread so far.</summary>
    public static long ThreadNanoseconds()
    {
        var time = stackalloc long[2];
        _ = ClockTime(ThreadCpuClock, time);
        return (time[0] * 1_000_000_000) + time[1];
    }

    public static int TcpSocket()
    {
        var fd = Check(Socket(AF_INET, SOCK_STREAM, 0), "socket");
        var linger = stackalloc int[] { 1, 0 }; // closes with a reset: no TIME_WAIT
        Check(SetOption(fd, SOL_SOCKET, SO_LINGER, linger, 8), "setsockopt(SO_LINGER)");
        return fd;
    }

    public static int Listen(uint address, ushort port)
    {
        var fd = TcpSocket();
        var name = new SocketName(address, port);
        Check(Bind(fd, &name, sizeof(SocketName)), "bind");
        Check(Listen(fd, 4096), "listen");
        return fd;
    }

    /// <summary>ip(7): the port is chosen at connect, among these.</summary>
    public static void BindWithinRange(int fd, uint address, ushort first, ushort last)
    {
        var on = 1;
        Check(SetOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, 4), "setsockopt(IP_BIND_ADDRESS_NO_PORT)");
        var range = ((uint)last << 16) | first;
        Check(SetOption(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, 4), "setsockopt(IP_LOCAL_PORT_RANGE), of Linux 6.3,");
        var name = new SocketName(address, 0);
        Check(Bind(fd, &name, sizeof(SocketName)), "bind");
    }

    public static void Connect(int fd, uint address, ushort port)
    {
        var name = new SocketName(address, port);
        Check(Connect(fd, &name, sizeof(SocketName)), "connect");
    }

    public static SocketName NameOf(int fd)
    {
        SocketName name;
        var length = sizeof(SocketName);
        Check(GetName(fd, &name, &length), "getsockname");
        return name;
    }

    public static int Accept(int listener) => Check(Accept(listener, null, null), "accept");

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int fd);

    private static int Check(int result, string call) => result >= 0
        ? result
        : throw new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static partial int GetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockTime(int clock, long* time);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(int fd, int level, int option, void* value, int length);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(int fd, SocketName* name, int length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    private static partial int Listen(int fd, int backlog);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(int fd, SocketName* name, int length);

    [LibraryImport("libc", EntryPoint = "accept", SetLastError = true)]
    private static partial int Accept(int fd, SocketName* name, int* length);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    private static partial int GetName(int fd, SocketName* name, int* length);

    /// <summary><c>struct sockaddr_in</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SocketName(uint address, ushort port)
    {
        private readonly ushort family = AF_INET;
        private readonly ushort portBe = BinaryPrimitives.ReverseEndianness(port);
        private readonly uint addressBe = BinaryPrimitives.ReverseEndianness(address);
        private readonly ulong zero;

        public readonly uint Address => BinaryPrimitives.ReverseEndianness(addressBe);

        public readonly ushort Port => BinaryPrimitives.ReverseEndianness(portBe);
    }
}
