using System.Net;
using System.Net.Sockets;
using SoftUnicast.Model;

namespace SoftUnicast.Traffic;

/// <summary>
/// Sockets whose local port lies in a slice. The kernel chooses it (ip(7): IP_LOCAL_PORT_RANGE, Linux 6.3), for TCP
/// late (IP_BIND_ADDRESS_NO_PORT), so that ports are shared across destinations.
/// </summary>
internal static class SliceSocket
{
    private const int SolIp = 0;
    private const int IpBindAddressNoPort = 24;
    private const int IpLocalPortRange = 51;

    /// <exception cref="SocketException">The connection failed, or no port of the slice is free for this target.</exception>
    public static async Task<Socket> ConnectTcpAsync(IPAddress source, PortRange ports, IPEndPoint target, CancellationToken cancellation)
    {
        var socket = new Socket(source.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            Confine(socket, ports);
            socket.SetRawSocketOption(SolIp, IpBindAddressNoPort, BitConverter.GetBytes(1));
            socket.Bind(new IPEndPoint(source, 0));
            await socket.ConnectAsync(target, cancellation);
            return Checked(socket, ports);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public static Socket BindUdp(IPAddress source, PortRange ports)
    {
        var socket = new Socket(source.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            Confine(socket, ports);
            socket.Bind(new IPEndPoint(source, 0));
            return Checked(socket, ports);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Confine(Socket socket, PortRange ports) =>
        socket.SetRawSocketOption(SolIp, IpLocalPortRange, BitConverter.GetBytes(((uint)ports.Last << 16) | ports.First));

    // A bound outside net.ipv4.ip_local_port_range is ignored without an error.
    private static Socket Checked(Socket socket, PortRange ports)
    {
        var port = (ushort)((IPEndPoint)socket.LocalEndPoint!).Port;
        return ports.Contains(port)
            ? socket
            : throw new UsageException($"the kernel chose port {port}, outside {ports}: is the slice within net.ipv4.ip_local_port_range?");
    }
}
