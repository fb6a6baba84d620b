using System.Net;
using System.Net.Sockets;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Sockets;

/// <summary>What the kernel says of real sockets of a namespace.</summary>
[Collection(Descriptors.Name)]
public sealed class SocketDiagnosticsTests : IDisposable
{
    private static readonly AddressPorts Slice = AddressPorts.Parse("192.0.2.7:4096-6143");
    private readonly NetNamespace machine = new();
    private readonly List<Socket> sockets = [];
    private readonly SocketDiagnostics diagnostics;
    private readonly IPEndPoint server;

    public SocketDiagnosticsTests()
    {
        machine.Ip("route add local 192.0.2.0/24 dev lo");
        diagnostics = machine.Within(() => new SocketDiagnostics());
        var listener = Make(SocketType.Stream, "127.0.0.1:0");
        listener.Listen(2000);
        server = (IPEndPoint)listener.LocalEndPoint!;
    }

    public void Dispose()
    {
        sockets.ForEach(s => s.Dispose());
        diagnostics.Dispose();
        machine.Dispose();
    }

    [Fact]
    public void Sockets_are_counted_by_slice_and_no_others()
    {
        var other = AddressPorts.Parse("192.0.2.7:6144-8191");
        for (var port = 4096; port < 4106; port++)
        {
            Connect($"192.0.2.7:{port}");
        }

        Make(SocketType.Dgram, "192.0.2.7:4096");
        Make(SocketType.Dgram, "192.0.2.7:6143");
        Make(SocketType.Stream, "192.0.2.7:6143").Listen();
        Connect("192.0.2.7:6144");
        Connect("192.0.2.7:4095");
        Connect("192.0.2.8:4100");
        Make(SocketType.Dgram, "0.0.0.0:5000");

        var counts = diagnostics.Count([Slice, other, AddressPorts.Parse("192.0.2.9:2048-4095")]);

        Assert.Equal([new SocketCount(11, 0, 2), new SocketCount(1, 0, 0), default], counts.Values);
        Assert.Equal(13, counts[Slice].All);
        Assert.Equal(14, diagnostics.In(SocketProtocol.Tcp, [IpPrefix.Parse("192.0.2.0/24")]).Length);
        Assert.Equal(13, diagnostics.In(SocketProtocol.Tcp, [IpPrefix.Parse("192.0.2.7/32")]).Length);
    }

    [Fact]
    public void A_closed_connection_is_seen_in_TIME_WAIT()
    {
        var (client, accepted) = Connect("192.0.2.7:5000");
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, accepted.Receive(new byte[1]));
        accepted.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, client.Receive(new byte[1]));
        client.Close();

        var seen = Assert.Single(diagnostics.In(SocketProtocol.Tcp, [Slice]));

        Assert.Equal(
            (new SocketEnd(IpAddress.Parse("192.0.2.7"), 5000), new SocketEnd(IpAddress.Parse("127.0.0.1"), (ushort)server.Port), SocketState.TimeWait, 0u),
            (seen.Local, seen.Remote, seen.State, seen.Inode));
        Assert.Equal(new SocketCount(0, 1, 0), diagnostics.Count([Slice])[Slice]);
    }

    [Fact]
    public void An_IPv6_socket_on_a_mapped_address_counts_as_IPv4()
    {
        var socket = machine.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
            made.Bind(IPEndPoint.Parse("[::ffff:192.0.2.7]:5001"));
            made.Connect(server);
            return made;
        });
        sockets.Add(socket);

        var seen = Assert.Single(diagnostics.In(SocketProtocol.Tcp, [Slice]));

        Assert.Equal(("192.0.2.7:5001", SocketState.Established), (seen.Local.ToString(), seen.State));
    }

    [Fact]
    public void Every_socket_of_a_4_tuple_is_found()
    {
        var peer = IPEndPoint.Parse("127.0.0.9:53");
        for (var i = 0; i < 2; i++)
        {
            Shared("192.0.2.7:5002").Connect(peer);
        }

        Shared("192.0.2.7:5002").Connect(IPEndPoint.Parse("127.0.0.8:53"));
        Shared("192.0.2.7:5002");
        var local = new SocketEnd(IpAddress.Parse("192.0.2.7"), 5002);

        Assert.Equal(2, diagnostics.With(SocketProtocol.Udp, local, new SocketEnd(IpAddress.Parse("127.0.0.9"), 53)).Length);
        Assert.Single(diagnostics.With(SocketProtocol.Udp, local, new SocketEnd(IpAddress.Parse("127.0.0.8"), 53)));
        Assert.Empty(diagnostics.With(SocketProtocol.Udp, local, new SocketEnd(IpAddress.Parse("127.0.0.8"), 54)));
        Assert.Empty(diagnostics.With(SocketProtocol.Tcp, local, new SocketEnd(IpAddress.Parse("127.0.0.8"), 53)));
        Assert.Equal(4, diagnostics.In(SocketProtocol.Udp, [Slice]).Length);
    }

    [Fact]
    public void A_port_is_found_by_its_address_and_by_none()
    {
        Make(SocketType.Dgram, "0.0.0.0:5003");
        Make(SocketType.Dgram, "192.0.2.8:5004");
        Make(SocketType.Dgram, "192.0.2.7:5004");

        Assert.Equal("0.0.0.0:5003", Assert.Single(diagnostics.At(SocketProtocol.Udp, new SocketEnd(IpAddress.Parse("192.0.2.7"), 5003))).Local.ToString());
        Assert.Equal("192.0.2.7:5004", Assert.Single(diagnostics.At(SocketProtocol.Udp, new SocketEnd(IpAddress.Parse("192.0.2.7"), 5004))).Local.ToString());
    }

    [Fact]
    public void A_sockets_process_is_named()
    {
        var socket = Make(SocketType.Dgram, "192.0.2.7:5005");
        var seen = Assert.Single(diagnostics.At(SocketProtocol.Udp, new SocketEnd(IpAddress.Parse("192.0.2.7"), 5005)));

        var holder = SocketHolder.Of(seen.Inode);

        Assert.Equal(new SocketHolder(Environment.ProcessId, File.ReadAllText("/proc/self/comm").Trim()), holder);
        Assert.Equal(0u, seen.Uid);
        Assert.NotEqual(0ul, seen.Cookie);
        socket.Dispose();
        Assert.Null(SocketHolder.Of(seen.Inode));
        Assert.Null(SocketHolder.Of(0));
    }

    [Fact]
    public void A_slice_among_many_is_found_whichever_it_is()
    {
        Connect("192.0.2.7:5006");
        var many = Enumerable.Range(1, SocketFilter.MostClauses).Select(i => new AddressPorts(IpAddress.FromUInt32(0x0a000000u + (uint)i), new PortRange(1, 65535))).ToList();

        foreach (var slices in new List<AddressPorts>[] { [Slice, .. many.Skip(1)], [.. many.Skip(1), Slice], [.. many.Take(700), Slice, .. many.Skip(701)], [.. many, Slice] })
        {
            Assert.Equal("192.0.2.7:5006", Assert.Single(diagnostics.In(SocketProtocol.Tcp, slices)).Local.ToString());
        }

        Assert.Empty(diagnostics.In(SocketProtocol.Tcp, many));
        Assert.Empty(diagnostics.In(SocketProtocol.Tcp, Array.Empty<AddressPorts>()));
    }

    [Fact]
    public void Bound_sockets_that_are_not_connected_are_seen_on_a_kernel_that_tells_of_them()
    {
        Assert.SkipUnless(KernelVersion.Running >= new KernelVersion(6, 8), "needs kernel 6.8");
        Make(SocketType.Stream, "192.0.2.7:5007");

        Assert.Equal(SocketState.Closed, Assert.Single(diagnostics.In(SocketProtocol.Tcp, [Slice])).State);
    }

    [Fact]
    public void A_message_cut_short_is_named() =>
        Assert.Equal("SOCK_DIAG_BY_FAMILY: 71 bytes, where its header alone has 72", Assert.Throws<NetlinkFormatException>(() => SocketRecord.Parse(SocketProtocol.Tcp, new byte[71])).Message);

    private Socket Make(SocketType type, string local, bool shared = false)
    {
        var socket = machine.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
            if (shared)
            {
                made.SetRawSocketOption(1, 2, BitConverter.GetBytes(1)); // SO_REUSEADDR: .NET's own option sets SO_REUSEPORT too
            }

            made.Bind(IPEndPoint.Parse(local));
            return made;
        });
        sockets.Add(socket);
        return socket;
    }

    private Socket Shared(string local) => Make(SocketType.Dgram, local, shared: true);

    private (Socket Client, Socket Accepted) Connect(string local)
    {
        var client = Make(SocketType.Stream, local);
        client.Connect(server);
        var accepted = sockets[0].Accept();
        sockets.Add(accepted);
        return (client, accepted);
    }
}
