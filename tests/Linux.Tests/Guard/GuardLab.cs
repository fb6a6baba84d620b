using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Tests.Bpf;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>
/// A server with the guard on its way out, and whoever it sends to:
/// <code>
///   server s0 ---- p0 peer
///   10.9.0.1       10.9.0.2
///   192.0.2.7:  2048-4095 here, 4096-6143 another server's, the rest nobody's
/// </code>
/// </summary>
internal sealed class GuardLab : IDisposable
{
    public const string Own = "10.9.0.1";
    public const string Away = "10.9.0.2";
    public const int Port = 7000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly byte[] Marker = "this was sent last"u8.ToArray();

    private readonly BpfPins pins = new();
    private readonly GuardWay newestWay;
    private readonly Socket tap;
    private readonly byte[] buffer = new byte[70_000];

    /// <param name="newestWay">How the guard sits on s0; null: as this kernel has it.</param>
    public GuardLab(GuardWay? newestWay = null)
    {
        Assert.SkipWhen(newestWay == GuardWay.Tcx && Environment.OSVersion.Version < new Version(6, 6), "tcx needs Linux 6.6");
        this.newestWay = newestWay ?? GuardWay.Tcx;
        try
        {
            Server.Ip($"link add s0 type veth peer name p0 netns {Peer.Name}");
            foreach (var (space, device, address) in new[] { (Server, "s0", Own), (Peer, "p0", Away) })
            {
                space.Sysctl("net.ipv6.conf.all.disable_ipv6", "1");
                space.Ip($"addr add {address}/24 dev {device}");
                space.Ip($"link set {device} up");
            }

            Server.Ip("route add local 192.0.2.0/24 dev lo");
            Server.Ip($"route add default via {Away}");
            Peer.Ip($"route add 192.0.2.0/24 via {Own}");
            Server.Ip($"neigh replace {Away} lladdr {Peer.MacOf("p0")} dev s0 nud permanent");
            Peer.Ip($"neigh replace {Own} lladdr {Server.MacOf("s0")} dev p0 nud permanent");
            Steering = PinnedSteering.LoadOrAdopt(pins.Folder);
            Use(GuardUnderTest.Table());
            Guard = Load();
            Server.Within(() => Guard.Attach("s0"));
            tap = Peer.Within(() => new Socket(AddressFamily.Packet, SocketType.Raw, LinkEndPoint.AllProtocols) { ReceiveTimeout = 20_000 });
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetNamespace Server { get; } = new();

    public NetNamespace Peer { get; } = new();

    public string PinFolder => pins.Folder;

    public PinnedSteering Steering { get; }

    public PinnedGuard Guard { get; set; }

    /// <summary>Another instance, which finds what the one before it left.</summary>
    public void LoadAgain()
    {
        Guard.Dispose();
        Guard = Load();
    }

    public void Use(SteeringTable table) => Assert.Null(new SteeringWriter(Steering).Apply(table).Refusal);

    public ulong Count(GuardReason reason) => Guard.Count(reason);

    /// <summary>A socket of the server, bound to a port of the shared address.</summary>
    public Socket Bound(int port, ProtocolType protocol = ProtocolType.Udp, string address = GuardUnderTest.Shared) => Server.Within(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram, protocol);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        return socket;
    });

    public static void Send(Socket socket, string text = "x") =>
        socket.SendTo(System.Text.Encoding.ASCII.GetBytes(text), new IPEndPoint(IPAddress.Parse(Away), Port));

    /// <summary>Sends a whole frame by s0, as it is. A packet socket is told that it is dropped.</summary>
    /// <param name="withVirtioHeader">The frame comes behind a struct virtio_net_hdr.</param>
    public bool TrySendFrame(byte[] frame, bool withVirtioHeader = false)
    {
        const int SOL_PACKET = 263;
        const int PACKET_VNET_HDR = 15;
        using var socket = Server.Within(() => new Socket(AddressFamily.Packet, SocketType.Raw, LinkEndPoint.NoProtocol));
        if (withVirtioHeader)
        {
            socket.SetRawSocketOption(SOL_PACKET, PACKET_VNET_HDR, BitConverter.GetBytes(1));
        }

        try
        {
            socket.SendTo(frame, new LinkEndPoint(Server.IndexOf("s0")));
            return true;
        }
        catch (SocketException dropped) when (dropped.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
        {
            return false;
        }
    }

    /// <summary>
    /// Does something and says which IPv4 packets came to the peer until a datagram that the server sends afterwards, from
    /// its own address: the ports (or ICMP identifiers) that they came from the shared address with.
    /// </summary>
    public IReadOnlyList<int> PortsSeen(Action action, string from = GuardUnderTest.Shared)
    {
        TakeSeen([], from);
        action();
        using var last = Bound(0, address: Own);
        last.SendTo(Marker, new IPEndPoint(IPAddress.Parse(Away), Port));
        var ports = new List<int>();
        while (TakeFrame(ports, from))
        {
        }

        return ports;
    }

    /// <summary>Adds the ports of what has come to the peer so far.</summary>
    public void TakeSeen(List<int> ports, string from = GuardUnderTest.Shared)
    {
        while (tap.Available > 0)
        {
            TakeFrame(ports, from);
        }
    }

    private PinnedGuard Load() => PinnedGuard.LoadOrAdopt(pins.Folder, newestWay);

    // False: it was the marker.
    private bool TakeFrame(List<int> ports, string from)
    {
        var frame = buffer.AsSpan(0, tap.Receive(buffer));
        if (frame.EndsWith(Marker))
        {
            return false;
        }

        if (frame.Length >= 42 && frame[12] == 8 && frame[13] == 0 && frame.Slice(26, 4).SequenceEqual(IPAddress.Parse(from).GetAddressBytes()))
        {
            ports.Add(BinaryPrimitives.ReadUInt16BigEndian(frame[(frame[23] == 1 ? 38 : 34)..]));
        }

        return true;
    }

    /// <summary>Does something again and again, until the guard tells of a drop like this: it tells of few.</summary>
    public SuGuardEvent EventOf(Action action, Func<SuGuardEvent, bool> wanted)
    {
        var since = Stopwatch.StartNew();
        while (since.Elapsed < Patience)
        {
            action();
            if (Guard.ReadEvents(TimeSpan.FromMilliseconds(50)).Where(wanted).ToList() is [var told, ..])
            {
                return told;
            }
        }

        throw new TimeoutException("the guard did not tell of the drop");
    }

    public static void Wait(Func<bool> condition, string what)
    {
        var since = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(since.Elapsed < Patience, $"not in time: {what}");
            Thread.Yield();
        }
    }

    /// <summary><c>tc</c> on the server.</summary>
    /// <param name="last">One argument more, which may hold spaces.</param>
    public string Tc(string arguments, params string[] last) =>
        NetNamespace.Run("nsenter", [$"--net=/run/netns/{Server.Name}", "tc", .. arguments.Split(' '), .. last]);

    /// <summary>The pins below the folder's version, of the links of the guard.</summary>
    public IReadOnlyList<string> LinkPins() => Directory.GetFiles(Path.GetDirectoryName(pins.Pin("x"))!, "tcx_*");

    public void Nft(string rules) => NetNamespace.Run("nsenter", $"--net=/run/netns/{Server.Name}", "nft", rules);

    /// <summary>An Ethernet frame to the peer.</summary>
    public byte[] Frame(byte[] packet, params (ushort Type, ushort Vlan)[] tags) =>
        Build.Frame(packet, to: MacAddress.Parse(Peer.MacOf("p0")).ToBytes(), tags: tags);

    public void Dispose()
    {
        tap?.Dispose();
        Guard?.Dispose();
        Steering?.Dispose();
        pins.Dispose();
        Server.Dispose();
        Peer.Dispose();
    }
}

/// <summary>struct sockaddr_ll (packet(7)).</summary>
internal sealed class LinkEndPoint(int interfaceIndex) : EndPoint
{
    public const ProtocolType NoProtocol = 0;
    public const ProtocolType AllProtocols = (ProtocolType)0x0300; // ETH_P_ALL, network order
    private const int Bytes = 20;

    public override AddressFamily AddressFamily => AddressFamily.Packet;

    public override SocketAddress Serialize()
    {
        var address = new SocketAddress(AddressFamily.Packet, Bytes);
        BinaryPrimitives.WriteInt32LittleEndian(address.Buffer.Span[4..], interfaceIndex);
        return address;
    }
}
