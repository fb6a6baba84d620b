using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SoftUnicast.Linux.Host;

/// <summary>Bytes and descriptors from one process to another over a Unix socket (unix(7), SCM_RIGHTS).</summary>
public static unsafe class SocketPassing
{
    /// <summary>Descriptors taken by one <see cref="Receive"/>, at most; a message that carries more is refused.</summary>
    public const int MaxDescriptors = 32;

    private const int SCM_RIGHTS = 1;
    private const int MSG_CTRUNC = 0x8;
    private const int MSG_CMSG_CLOEXEC = 0x40000000;
    private const int MSG_NOSIGNAL = 0x4000;
    private const int MSG_DONTWAIT = 0x40;
    private const int HeaderBytes = 16; // struct cmsghdr: length, level, type
    private const int ControlBytes = HeaderBytes + (MaxDescriptors * sizeof(int));

    /// <summary>Waits for bytes on a connected stream socket, and takes the descriptors that come with them.</summary>
    /// <param name="descriptors">The caller's to dispose of.</param>
    /// <returns>How many bytes came; 0: the other end has closed.</returns>
    /// <exception cref="SystemCallException">The call was refused, or more descriptors came than are taken.</exception>
    public static int Receive(Socket socket, Span<byte> bytes, out IReadOnlyList<SafeFileHandle> descriptors)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var control = stackalloc ulong[ControlBytes / sizeof(ulong)];
        fixed (byte* memory = bytes)
        {
            var vector = new Libc.Iovec { Base = memory, Length = (nuint)bytes.Length };
            Libc.Msghdr message;
            nint count;
            do
            {
                message = new Libc.Msghdr { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlBytes };
                count = Libc.ReceiveMessage(socket.SafeHandle, &message, MSG_CMSG_CLOEXEC);
                if (count < 0 && Marshal.GetLastPInvokeError() == Libc.EAGAIN)
                {
                    WaitForBytes(socket);
                }
            }
            while (count < 0 && Marshal.GetLastPInvokeError() is Libc.EINTR or Libc.EAGAIN);

            if (count < 0)
            {
                throw SystemCallException.Last("recvmsg", "Unix socket");
            }

            var taken = Take((byte*)control, (int)message.ControlLength);
            if ((message.Flags & MSG_CTRUNC) != 0)
            {
                taken.ForEach(t => t.Dispose());
                throw new SystemCallException("recvmsg", "SCM_RIGHTS", Libc.EMFILE, $"at most {MaxDescriptors} descriptors are taken with one message");
            }

            descriptors = taken;
            return (int)count;
        }
    }

    /// <summary>Sends bytes, at least one, with descriptors, which stay open here.</summary>
    /// <returns>How many bytes went: the descriptors go with the first.</returns>
    public static int Send(Socket socket, ReadOnlySpan<byte> bytes, params ReadOnlySpan<SafeHandle> descriptors)
    {
        var count = SendOnce(socket, bytes, descriptors, MSG_NOSIGNAL);
        return count >= 0 ? count : throw SystemCallException.Last("sendmsg", "Unix socket");
    }

    /// <summary>Like <see cref="Send"/>, but never waits. False: there is no room now, and nothing went.</summary>
    internal static bool TrySend(Socket socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<SafeHandle> descriptors, out int count)
    {
        count = SendOnce(socket, bytes, descriptors, MSG_NOSIGNAL | MSG_DONTWAIT);
        return count >= 0 || (Marshal.GetLastPInvokeError() is Libc.EAGAIN or Libc.EINTR ? false : throw SystemCallException.Last("sendmsg", "Unix socket"));
    }

    private static int SendOnce(Socket socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<SafeHandle> descriptors, int flags)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentOutOfRangeException.ThrowIfZero(bytes.Length, nameof(bytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxDescriptors, nameof(descriptors));
        var control = stackalloc ulong[ControlBytes / sizeof(ulong)];
        *(nuint*)control = (nuint)(HeaderBytes + (descriptors.Length * sizeof(int)));
        ((int*)control)[2] = Libc.SOL_SOCKET;
        ((int*)control)[3] = SCM_RIGHTS;
        for (var i = 0; i < descriptors.Length; i++)
        {
            ((int*)control)[4 + i] = (int)descriptors[i].DangerousGetHandle();
        }

        fixed (byte* memory = bytes)
        {
            var vector = new Libc.Iovec { Base = memory, Length = (nuint)bytes.Length };
            var message = new Libc.Msghdr { Vectors = &vector, VectorCount = 1 };
            if (descriptors.Length > 0)
            {
                message.Control = control;
                message.ControlLength = (nuint)(HeaderBytes + (((descriptors.Length * sizeof(int)) + 7) & ~7));
            }

            var count = (int)Libc.SendMessage(socket.SafeHandle, &message, flags);
            foreach (var descriptor in descriptors)
            {
                GC.KeepAlive(descriptor);
            }

            return count;
        }
    }

    private static void WaitForBytes(Socket socket)
    {
        Span<Libc.PollFd> wait = [new Libc.PollFd { Fd = (int)socket.Handle, Events = Libc.POLLIN }];
        _ = Libc.Poll(wait, 1, -1); // interrupted: the caller comes back
    }

    private static List<SafeFileHandle> Take(byte* control, int length)
    {
        var taken = new List<SafeFileHandle>();
        for (var at = 0; at + HeaderBytes <= length;)
        {
            var header = (int)Unsafe.ReadUnaligned<nuint>(control + at);
            var (level, type) = (*(int*)(control + at + 8), *(int*)(control + at + 12));
            if (header < HeaderBytes || at + header > length)
            {
                break;
            }

            for (var i = HeaderBytes; level == Libc.SOL_SOCKET && type == SCM_RIGHTS && i + sizeof(int) <= header; i += sizeof(int))
            {
                taken.Add(new SafeFileHandle(*(int*)(control + at + i), ownsHandle: true));
            }

            at += (header + 7) & ~7;
        }

        return taken;
    }
}
