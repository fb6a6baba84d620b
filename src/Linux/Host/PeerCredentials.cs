using System.Collections.Immutable;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>Who is at the other end of a Unix socket, as of its connect or socketpair (unix(7), SO_PEERCRED; socket(7), SO_PEERGROUPS, Linux 4.13).</summary>
/// <param name="GroupId">The effective one.</param>
/// <param name="Groups">The effective group, and then the supplementary ones.</param>
public sealed record PeerCredentials(int ProcessId, uint UserId, uint GroupId, ImmutableArray<uint> Groups)
{
    private const int UcredBytes = 12; // struct ucred: pid, uid, gid
    private const int UsualGroups = 32;

    /// <exception cref="SocketException">The socket is closed, or no Unix socket.</exception>
    /// <exception cref="SystemCallException">The kernel does not say.</exception>
    public static PeerCredentials Of(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Span<byte> ucred = stackalloc byte[UcredBytes];
        var count = socket.GetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_PEERCRED, ucred);
        if (count != UcredBytes)
        {
            throw new SystemCallException("getsockopt", "SO_PEERCRED", Libc.EINVAL, $"{count} bytes, not {UcredBytes}");
        }

        var group = MemoryMarshal.Read<uint>(ucred[8..]);
        return new PeerCredentials(MemoryMarshal.Read<int>(ucred), MemoryMarshal.Read<uint>(ucred[4..]), group, [.. SupplementaryGroups(socket).Prepend(group).Distinct()]);
    }

    private static uint[] SupplementaryGroups(Socket socket)
    {
        var groups = new uint[UsualGroups];
        while (true)
        {
            var length = groups.Length * sizeof(uint);
            if (Libc.GetSocketOption(socket.SafeHandle, Libc.SOL_SOCKET, Libc.SO_PEERGROUPS, groups, ref length) >= 0)
            {
                return groups[..(length / sizeof(uint))];
            }

            if (Marshal.GetLastPInvokeError() != Libc.ERANGE)
            {
                throw SystemCallException.Last("getsockopt", "SO_PEERGROUPS");
            }

            groups = new uint[length / sizeof(uint)]; // the kernel has said how many they are
        }
    }
}
