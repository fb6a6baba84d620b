using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using SoftUnicast.Model;

namespace SoftUnicast.Client;

/// <summary>Options that the runtime has no names for: ip(7), socket(7).</summary>
internal static class SocketOptions
{
    private const int SOL_IP = 0;
    private const int SOL_SOCKET = 1;
    private const int SO_REUSEADDR = 2;
    private const int IP_BIND_ADDRESS_NO_PORT = 24;
    private const int IP_LOCAL_PORT_RANGE = 51;
    private const string RangeSetting = "/proc/sys/net/ipv4/ip_local_port_range";

    /// <summary>bind(2) to port 0 chooses no port: connect(2) does, which knows the destination. Before bind.</summary>
    public static void SetNoPort(Socket socket) => SetInt(socket, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);

    /// <summary>The kernel chooses within these ports, both included. Before connect.</summary>
    /// <exception cref="PortRangeException">The kernel does not know the option.</exception>
    public static void SetPortRange(Socket socket, PortRange ports)
    {
        try
        {
            SetInt(socket, SOL_IP, IP_LOCAL_PORT_RANGE, (int)(((uint)ports.Last << 16) | ports.First));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ProtocolOption or SocketError.OperationNotSupported)
        {
            throw new PortRangeException(
                $"this kernel ({Environment.OSVersion.Version}) cannot choose ports within a slice: IP_LOCAL_PORT_RANGE needs Linux 6.3", e);
        }
    }

    public static void SetReuseAddress(Socket socket, bool on) => SetInt(socket, SOL_SOCKET, SO_REUSEADDR, on ? 1 : 0);

    /// <summary>Each end of a range that lies outside this setting is ignored by the kernel, without a word.</summary>
    /// <exception cref="PortRangeException">It does.</exception>
    public static void RequireSettingCovers(PortRange ports)
    {
        string text;
        try
        {
            text = File.ReadAllText(RangeSetting);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc in this mount namespace: the port that was chosen tells.
            return;
        }

        var bounds = text.Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (bounds.Length == 2 && ushort.TryParse(bounds[0], CultureInfo.InvariantCulture, out var first)
            && ushort.TryParse(bounds[1], CultureInfo.InvariantCulture, out var last) && !(first <= ports.First && ports.Last <= last))
        {
            throw new PortRangeException(
                $"net.ipv4.ip_local_port_range is {first} {last} and does not cover the slice {ports}, so the kernel would ignore it; "
                + $"sysctl -w net.ipv4.ip_local_port_range=\"{Math.Min(first, ports.First)} {Math.Max(last, ports.Last)}\"");
        }
    }

    private static void SetInt(Socket socket, int level, int name, int value) =>
        socket.SetRawSocketOption(level, name, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
}
