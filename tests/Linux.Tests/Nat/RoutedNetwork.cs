using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using SoftUnicast.Linux.Net;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Nat;

/// <summary>
/// <code>
///  container 10.7.0.2 ── c0 10.7.0.1  server  e0 10.8.0.2 ── 10.8.0.1  origin 10.9.0.1, 10.9.0.2 on lo
/// </code>
/// The origin routes 192.0.2.0/24 to the server and echoes TCP and UDP on port 9000 of both its addresses.
/// </summary>
internal sealed class RoutedNetwork : IDisposable
{
    public static readonly IPAddress[] OriginAddresses = [IPAddress.Parse("10.9.0.1"), IPAddress.Parse("10.9.0.2")];
    private readonly List<IDisposable> sockets = [];
    private readonly CancellationTokenSource end = new();

    public RoutedNetwork()
    {
        try
        {
            Server.Ip($"link add c0 type veth peer name eth0 netns {Container.Name}");
            Server.Ip($"link add e0 type veth peer name eth0 netns {Origin.Name}");
            foreach (var (machine, device, address) in new[]
            {
                (Server, "c0", "10.7.0.1/24"), (Server, "e0", "10.8.0.2/24"), (Container, "eth0", "10.7.0.2/24"), (Origin, "eth0", "10.8.0.1/24"),
            })
            {
                machine.Ip($"addr add {address} dev {device}");
                machine.Ip($"link set {device} up");
            }

            Server.Sysctl("net.ipv4.ip_forward", "1");
            Server.Ip("route add 10.9.0.0/24 via 10.8.0.1");
            Server.Ip("route add local 192.0.2.0/24 dev lo");
            Container.Ip("route add default via 10.7.0.1");
            Origin.Ip("route add default via 10.8.0.2");
            foreach (var address in OriginAddresses)
            {
                Origin.Ip($"addr add {address}/32 dev lo");
                Echo(address);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetNamespace Container { get; } = new();

    public NetNamespace Server { get; } = new();

    public NetNamespace Origin { get; } = new();

    /// <summary>Where UDP datagrams came from, as the origin sees it.</summary>
    public ConcurrentBag<IPEndPoint> UdpSeen { get; } = [];

    /// <summary><c>nft</c> on the server.</summary>
    public string Nft(params string[] arguments) => NetNamespace.Run("nsenter", [$"--net=/run/netns/{Server.Name}", Nftables.Find()!, .. arguments]);

    /// <summary>Connects, says something, and has it back. The socket, and where the origin says that it came from.</summary>
    public (Socket Socket, AddressPorts Seen) Tcp(NetNamespace from, IPAddress to, IPEndPoint? local = null)
    {
        var socket = from.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
            if (local is not null)
            {
                made.Bind(local);
            }

            made.Connect(to, 9000);
            return made;
        });
        lock (sockets)
        {
            sockets.Add(socket);
        }

        return (socket, Ask(socket));
    }

    /// <summary>The origin answers each byte with the address and port that it sees.</summary>
    public static AddressPorts Ask(Socket socket)
    {
        socket.Send("?"u8);
        var buffer = new byte[64];
        var count = socket.Receive(buffer);
        return Seen(System.Text.Encoding.ASCII.GetString(buffer, 0, count));
    }

    public static AddressPorts Seen(string endpoint)
    {
        var seen = IPEndPoint.Parse(endpoint.Trim());
        return new AddressPorts(IpAddress.FromIPAddress(seen.Address), new PortRange((ushort)seen.Port, (ushort)seen.Port));
    }

    public Socket Udp(NetNamespace from, IPAddress to, int port = 9000)
    {
        var socket = from.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 10_000 };
            made.Connect(to, port);
            return made;
        });
        lock (sockets)
        {
            sockets.Add(socket);
        }

        return socket;
    }

    public T OnServer<T>(Func<T> action) => Server.Within(action);

    public void OnServer(Action action) => Server.Within(() =>
    {
        action();
        return 0;
    });

    public void Dispose()
    {
        end.Cancel();
        lock (sockets)
        {
            sockets.ForEach(s => s.Dispose());
        }

        Container.Dispose();
        Server.Dispose();
        Origin.Dispose();
        end.Dispose();
    }

    private void Echo(IPAddress address)
    {
        var listener = Origin.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            made.Bind(new IPEndPoint(address, 9000));
            made.Listen(1000);
            return made;
        });
        var datagrams = Origin.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            made.Bind(new IPEndPoint(address, 9000));
            return made;
        });
        sockets.Add(listener);
        sockets.Add(datagrams);
        _ = Quietly(async () =>
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(end.Token);
                _ = Quietly(() => Answer(socket));
            }
        });
        _ = Quietly(async () =>
        {
            var buffer = new byte[64];
            while (true)
            {
                var received = await datagrams.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), end.Token);
                UdpSeen.Add((IPEndPoint)received.RemoteEndPoint);
                await datagrams.SendToAsync(System.Text.Encoding.ASCII.GetBytes(received.RemoteEndPoint.ToString()!), received.RemoteEndPoint, end.Token);
            }
        });
    }

    private async Task Answer(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[64];
            while (await socket.ReceiveAsync(buffer, end.Token) > 0)
            {
                await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(socket.RemoteEndPoint!.ToString()!), end.Token);
            }
        }
    }

    // A connection that breaks is seen by the end that tests.
    private static async Task Quietly(Func<Task> task)
    {
        try
        {
            await task();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
        }
    }
}
