using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>Network namespaces by their files (network_namespaces(7)).</summary>
internal static class NetworkNamespace
{
    /// <summary>The one of the calling thread.</summary>
    public const string OfThisThread = "/proc/thread-self/ns/net";

    private const nuint SIOCGSKNS = 0x894C; // linux/sockios.h

    public static FileDescriptor Open(string path)
    {
        var fd = Libc.Open(path, Libc.O_CLOEXEC, 0);
        return fd >= 0 ? new FileDescriptor(fd) : throw SystemCallException.Last("open", path, "a network namespace's file is needed");
    }

    /// <summary>The one that a socket was made in.</summary>
    public static uint InodeOfSocket(SafeHandle socket)
    {
        var fd = Libc.Ioctl(socket, SIOCGSKNS, 0);
        if (fd < 0)
        {
            throw SystemCallException.Last("ioctl(SIOCGSKNS)", "socket", "CAP_NET_ADMIN is needed");
        }

        using var opened = new FileDescriptor(fd);
        return Inode(opened);
    }

    /// <summary>What tells one from another.</summary>
    public static uint Inode(SafeHandle networkNamespace)
    {
        Span<ulong> stat = stackalloc ulong[32];
        return Libc.Fstat(networkNamespace, stat) >= 0
            ? (uint)stat[1]
            : throw SystemCallException.Last("fstat", "network namespace");
    }
}
