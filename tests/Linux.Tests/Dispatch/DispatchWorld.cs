using System.Net;
using System.Net.Sockets;
using SoftUnicast.Dispatch;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Tests.Bpf;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Dispatch;

/// <summary>
/// A network namespace in which 10.0.0.0/8 and 2001:db8::/32 are local, and dispatch runs. Sockets that are made inside
/// (<see cref="Within{T}"/>) belong to it wherever they are used.
/// </summary>
internal sealed class DispatchWorld : IDisposable
{
    private static readonly IpPrefix[] Pools = [IpPrefix.Parse("10.0.0.0/8"), IpPrefix.Parse("2001:db8::/32")];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly List<Socket> sockets = [];

    public DispatchWorld()
    {
        Pins = new BpfPins();
        Namespace = new NetNamespace();
        try
        {
            Namespace.Ip("route add local 10.0.0.0/8 dev lo");
            Namespace.Ip("-6 route add local 2001:db8::/32 dev lo");
            Dispatch = Load();
        }
        catch
        {
            Namespace.Dispose();
            throw;
        }
    }

    public BpfPins Pins { get; }

    public NetNamespace Namespace { get; }

    public PinnedDispatch Dispatch { get; private set; }

    public T Within<T>(Func<T> action) => Namespace.Within(action);

    /// <summary>A daemon that ends, and the next one.</summary>
    public void Restart()
    {
        Dispatch.Dispose();
        Dispatch = Load();
    }

    public void Bind(params string[] bindings)
    {
        var report = Dispatch.Apply(Table(bindings));
        Assert.Null(report.Refusal);
    }

    public static BindingTable Table(params IEnumerable<string> bindings)
    {
        var result = BindingTable.Create(bindings.Select(Parse), Pools);
        Assert.Empty(result.Problems);
        return result.Table!;
    }

    public static Binding Parse(string text)
    {
        var words = text.Split(' ');
        return Binding.TryParse(words[0], words[1], words[2], words[3], out var error) ?? throw new FormatException(error);
    }

    /// <summary>A TCP socket that listens, or a UDP socket, of [::] and a port of the kernel's choice.</summary>
    public Socket Serve(DispatchProtocol protocol, int port = 0, bool reusePort = false, string address = "::")
    {
        return Within(() =>
        {
            var bindTo = IPAddress.Parse(address);
            var socket = Make(protocol, bindTo.AddressFamily);
            if (reusePort)
            {
                socket.SetRawSocketOption(1, 15, [1, 0, 0, 0]); // SOL_SOCKET, SO_REUSEPORT
            }

            socket.Bind(new IPEndPoint(bindTo, port));
            if (protocol == DispatchProtocol.Tcp)
            {
                socket.Listen(4096);
            }

            return socket;
        });
    }

    /// <summary>A socket of the namespace; a client's, until it listens.</summary>
    public Socket Make(DispatchProtocol protocol, AddressFamily family)
    {
        var socket = protocol == DispatchProtocol.Tcp
            ? new Socket(family, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        if (family == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = true;
        }

        lock (sockets)
        {
            sockets.Add(socket);
        }

        return socket;
    }

    public RegisterReport Register(string label, Socket socket, RegisterMode mode = RegisterMode.Join, bool isExact = false)
    {
        var report = Dispatch.Register(Label.Parse(label), socket.SafeHandle, mode, isExact);
        Assert.Null(report.Refusal);
        return report;
    }

    /// <summary>Connects, or says a word by UDP.</summary>
    public Socket Ask(DispatchProtocol protocol, string address, int port) => Within(() =>
    {
        var to = new IPEndPoint(IPAddress.Parse(address), port);
        var client = protocol == DispatchProtocol.Tcp
            ? new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) }
            : new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        lock (sockets)
        {
            sockets.Add(client);
        }

        client.Connect(to);
        if (protocol == DispatchProtocol.Udp)
        {
            client.Send("?"u8);
        }

        return client;
    });

    /// <summary>Whether nobody is there: refused (TCP), or answered with port unreachable (UDP).</summary>
    public bool IsRefused(DispatchProtocol protocol, string address, int port)
    {
        try
        {
            using var client = Ask(protocol, address, port);
            if (protocol == DispatchProtocol.Udp)
            {
                client.ReceiveTimeout = (int)Patience.TotalMilliseconds;
                client.Receive(new byte[1]);
            }

            return false;
        }
        catch (InvalidOperationException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    /// <summary>Asks, and says which of the sockets was given the question; -1: none, refused.</summary>
    public int WhoTakes(DispatchProtocol protocol, string address, int port, IReadOnlyList<Socket> among)
    {
        Socket client;
        try
        {
            client = Ask(protocol, address, port);
        }
        catch (InvalidOperationException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            return -1;
        }

        using (client)
        {
            // Loopback: what was sent has arrived, or was refused, when the call is back; a softirq of another core may still be at it.
            List<Socket> readable = [.. among];
            List<Socket> refused = [client];
            Socket.Select(readable, null, refused, Patience);
            if (readable.Count == 0)
            {
                Assert.Single(refused);
                return -1;
            }

            Taken(readable[0], protocol);
            return Enumerable.Range(0, among.Count).Single(i => among[i] == readable[0]);
        }
    }

    /// <summary>Accepts a connection, or takes a packet.</summary>
    public static void Taken(Socket socket, DispatchProtocol protocol)
    {
        if (protocol == DispatchProtocol.Tcp)
        {
            socket.Accept().Dispose();
        }
        else
        {
            socket.Receive(new byte[1]);
        }
    }

    public BindingCounters Counters(string binding) => Dispatch.ReadCounters().Single(c => c.Binding == Parse(binding));

    public void Dispose()
    {
        sockets.ForEach(s => s.Dispose());
        Dispatch.Dispose();
        Pins.Dispose();
        Namespace.Dispose();
    }

    private PinnedDispatch Load() => Within(() => PinnedDispatch.LoadOrAdopt(Pins.Folder));
}
