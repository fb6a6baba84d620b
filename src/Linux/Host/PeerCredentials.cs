using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>Who is at the other end of a Unix socket, as of its connect or socketpair (unix(7), SO_PEERCRED).</summary>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId)
{
    private const int UcredBytes = 12; // struct ucred: pid, uid, gid

    /// <exception cref="SocketException">The socket is closed, or no Unix socket.</exception>
    public static PeerCredentials Of(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Span<byte> ucred = stackalloc byte[UcredBytes];
        var count = socket.GetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_PEERCRED, ucred);
        if (count != UcredBytes)
        {
            throw new SystemCallException("getsockopt", "SO_PEERCRED", Libc.EINVAL, $"{count} bytes, not {UcredBytes}");
        }

        return new PeerCredentials(
            MemoryMarshal.Read<int>(ucred), MemoryMarshal.Read<uint>(ucred[4..]), MemoryMarshal.Read<uint>(ucred[8..]));
    }
}
