using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;

namespace SoftUnicast.Daemon.Egress;

/// <summary>Who sent what the guard dropped, as far as that can be known.</summary>
internal static class Culprits
{
    /// <returns>A process, or where the packet came from; null: nothing is known.</returns>
    public static string? Of(SuGuardEvent dropped, SocketEnd source, SocketDiagnostics sockets, Func<int, string> interfaceName)
    {
        if (dropped.InIfindex != 0)
        {
            return $"forwarded from {interfaceName((int)dropped.InIfindex)}: translated by a rule of somebody else, or sent so";
        }

        if (dropped.SocketCookie == 0)
        {
            return null;
        }

        var inode = dropped.Protocol is (byte)SocketProtocol.Tcp or (byte)SocketProtocol.Udp
            ? sockets.At((SocketProtocol)dropped.Protocol, source).FirstOrDefault(s => s.Cookie == dropped.SocketCookie)?.Inode
            : null;
        return inode is { } known && SocketHolder.Of(known) is { } process
            ? $"process {process.ProcessId} ({process.Command}) of user {dropped.Uid}"
            : $"a socket of user {dropped.Uid}, whose packets were translated or which is gone";
    }
}
