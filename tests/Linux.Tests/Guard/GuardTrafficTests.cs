using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Tests.Support;
using static SoftUnicast.Linux.Tests.Guard.GuardUnderTest;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>What really leaves, as the other end sees it.</summary>
public class GuardTrafficTests
{
    [Fact]
    public void A_datagram_from_an_owned_port_leaves_and_one_from_any_other_port_does_not()
    {
        using var lab = new GuardLab();
        using var owned = lab.Bound(Owned);
        using var foreign = lab.Bound(Foreign);
        using var unowned = lab.Bound(Unowned);

        var seen = lab.PortsSeen(() =>
        {
            GuardLab.Send(foreign);
            GuardLab.Send(unowned);
            GuardLab.Send(owned);
        });

        Assert.Equal([Owned], seen);
        Assert.Equal((1ul, 1ul, 1ul), (lab.Count(GuardReason.Owned), lab.Count(GuardReason.Foreign), lab.Count(GuardReason.Unowned)));
        Assert.InRange(lab.Count(GuardReason.NotEgress), 1ul, 100ul);
    }

    [Fact]
    public void Other_sources_are_not_asked_for_their_port()
    {
        using var lab = new GuardLab();
        using var socket = lab.Bound(Foreign, address: GuardLab.Own);

        Assert.Equal([Foreign], lab.PortsSeen(() => GuardLab.Send(socket), from: GuardLab.Own));
    }

    [Fact]
    public void A_drop_is_told_with_who_sent_what_where_to()
    {
        using var lab = new GuardLab();
        using var socket = lab.Bound(Foreign);
        socket.SetRawSocketOption(1, 36, BitConverter.GetBytes(77)); // SO_MARK

        var told = lab.EventOf(() => GuardLab.Send(socket), e => e.SourcePort == Foreign);

        Assert.Equal(
            ((byte)GuardReason.Foreign, (byte)17, Shared, GuardLab.Away, (ushort)GuardLab.Port, 77u, 0u, 0u),
            (told.Reason, told.Protocol, Text(told.SourceBe), Text(told.DestinationBe), told.DestinationPort, told.Mark, told.Uid, told.InIfindex));
        Assert.Equal((lab.Server.IndexOf("s0"), CookieOf(socket)), ((int)told.OutIfindex, told.SocketCookie));
        Assert.NotEqual(0ul, told.CgroupId);
    }

    [Fact]
    public void A_flood_is_counted_whole_and_told_now_and_then()
    {
        const int Flood = 20_000;
        using var lab = new GuardLab();
        using var socket = lab.Bound(Unowned);
        lab.Guard.ReadEvents();

        var since = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < Flood; i++)
        {
            GuardLab.Send(socket);
        }

        var most = (since.ElapsedMilliseconds / 100) + 1;
        var told = lab.Guard.ReadEvents();
        Assert.Equal((ulong)Flood, lab.Count(GuardReason.Unowned));
        Assert.InRange(told.Count, 1, (int)most * Environment.ProcessorCount);
        Assert.True(told.Sum(e => e.Missed) < Flood);

        // A flood that is over before its CPU may tell again leaves what was not told to a later event.
        var later = lab.EventOf(() => GuardLab.Send(socket), e => e.Missed > 0);
        Assert.True(told.Count + told.Sum(e => e.Missed) + later.Missed < (long)lab.Count(GuardReason.Unowned), $"{later.Missed} missed, more than were not told");
    }

    [Fact]
    public void TCP_connects_from_an_owned_port_and_not_even_its_SYN_leaves_from_another()
    {
        using var lab = new GuardLab();
        using var listener = Listen(lab);
        using var foreign = lab.Bound(Foreign, ProtocolType.Tcp);
        using var owned = lab.Bound(Owned, ProtocolType.Tcp);
        foreign.Blocking = false;

        var seen = lab.PortsSeen(() =>
        {
            Assert.Throws<SocketException>(() => foreign.Connect(IPAddress.Parse(GuardLab.Away), GuardLab.Port));
            GuardLab.Wait(() => lab.Count(GuardReason.Foreign) > 0, "the SYN is judged");
            owned.Connect(IPAddress.Parse(GuardLab.Away), GuardLab.Port);
        });

        Assert.Equal(Owned, Assert.Single(seen.Distinct()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(180_000)]
    public async Task What_the_kernel_cuts_into_segments_later_leaves_whole(int longest)
    {
        const int Megabytes = 8;
        using var lab = new GuardLab();
        if (longest != 0)
        {
            LinkSettings.SetLongestIPv4(lab.Server, "s0", longest);
        }

        using var listener = Listen(lab);
        using var sender = lab.Bound(Owned, ProtocolType.Tcp);
        sender.Connect(IPAddress.Parse(GuardLab.Away), GuardLab.Port);
        using var receiver = listener.Accept();
        var sending = Task.Run(
            () =>
            {
                var block = new byte[1 << 20];
                for (var i = 0; i < Megabytes; i++)
                {
                    sender.Send(block);
                }

                sender.Shutdown(SocketShutdown.Send);
            },
            TestContext.Current.CancellationToken);
        var got = 0;
        var buffer = new byte[1 << 20];
        for (int bytes; (bytes = receiver.Receive(buffer)) > 0;)
        {
            got += bytes;
        }

        await sending;
        Assert.Equal(Megabytes << 20, got);
        Assert.Equal(0ul, lab.Count(GuardReason.Unreadable));
        Assert.InRange(lab.Count(GuardReason.Owned), 1ul, (ulong)(Megabytes << 20) / 4000);
    }

    [Fact]
    public void An_echo_leaves_by_its_identifier()
    {
        using var lab = new GuardLab();
        using var socket = lab.Server.Within(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp));
        socket.Bind(new IPEndPoint(IPAddress.Parse(Shared), 0));
        var to = new IPEndPoint(IPAddress.Parse(GuardLab.Away), 0);

        var seen = lab.PortsSeen(() =>
        {
            socket.SendTo(Build.Echo(8, Foreign), to);
            socket.SendTo(Build.Echo(8, Unowned), to);
            socket.SendTo(Build.Echo(8, Owned), to);
        });

        Assert.Equal([Owned], seen);
    }

    [Fact]
    public void The_kernels_own_errors_leave_if_what_they_answer_came_to_an_owned_port()
    {
        using var lab = new GuardLab();
        using var socket = lab.Peer.Within(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 20_000 });
        socket.Bind(new IPEndPoint(IPAddress.Parse(GuardLab.Away), 0));

        socket.SendTo("nobody listens"u8, new IPEndPoint(IPAddress.Parse(Shared), Foreign));
        GuardLab.Wait(() => lab.Count(GuardReason.Foreign) == 1, "the error about another server's port is dropped");
        socket.Connect(IPAddress.Parse(Shared), Owned);
        socket.Send("nobody listens"u8);
        var refused = Assert.Throws<SocketException>(() => socket.Receive(new byte[16]));

        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        Assert.Equal((1ul, 1ul), (lab.Count(GuardReason.Owned), lab.Count(GuardReason.Foreign)));
    }

    [Fact]
    public void Of_a_datagram_in_fragments_only_the_first_leaves()
    {
        using var lab = new GuardLab();
        using var socket = lab.Bound(Owned);
        socket.DontFragment = false;

        var seen = lab.PortsSeen(() => GuardLab.Send(socket, new string('x', 4000)));

        Assert.Equal([Owned], seen);
        // The kernel does not send the third one when the second is dropped.
        Assert.Equal((1ul, 1ul), (lab.Count(GuardReason.Owned), lab.Count(GuardReason.Fragment)));
    }

    [Fact]
    public void A_raw_socket_that_writes_its_own_header_is_judged_too()
    {
        using var lab = new GuardLab();
        using var socket = lab.Server.Within(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw));
        var to = new IPEndPoint(IPAddress.Parse(GuardLab.Away), 0);

        var seen = lab.PortsSeen(() =>
        {
            socket.SendTo(new Ip(Shared, GuardLab.Away, 17).Around(Build.Udp(Foreign, 53)), to);
            socket.SendTo(new Ip(Shared, GuardLab.Away, 17).Around(Build.Udp(Owned, 53)), to);
            socket.SendTo(new Ip(Shared, GuardLab.Away, 99).Around(Build.Udp(Owned, 53)), to);
        });

        Assert.Equal([Owned], seen);
        Assert.Equal((1ul, 1ul), (lab.Count(GuardReason.Foreign), lab.Count(GuardReason.Protocol)));
    }

    [Theory]
    [InlineData("snat to 192.0.2.7:4200-4300", GuardReason.Foreign)]
    [InlineData("snat to 192.0.2.7:40000-40010", GuardReason.Unowned)]
    [InlineData("snat to 192.0.2.7:2048-4095", GuardReason.Owned)]
    [InlineData("masquerade to :4200-4300", GuardReason.Foreign)]
    public void A_forwarded_packet_leaves_only_if_NAT_gave_it_an_owned_port(string nat, GuardReason reason)
    {
        using var lab = new GuardLab();
        using var container = new NetNamespace();
        container.Ip($"link add k0 type veth peer name c0 netns {lab.Server.Name}");
        container.Ip("addr add 10.8.0.2/24 dev k0");
        container.Ip("link set k0 up");
        container.Ip("route add default via 10.8.0.1");
        lab.Server.Ip("addr add 10.8.0.1/24 dev c0");
        lab.Server.Ip("link set c0 up");
        lab.Server.Sysctl("net.ipv4.ip_forward", "1");
        if (nat.StartsWith("masquerade", StringComparison.Ordinal))
        {
            // It takes the address of the interface.
            lab.Server.Ip($"addr replace {Shared}/32 dev s0");
            lab.Server.Ip($"addr del {GuardLab.Own}/24 dev s0");
            lab.Server.Ip($"route add {GuardLab.Away}/32 dev s0");
        }

        lab.Nft($"table ip sutest {{ chain out {{ type nat hook postrouting priority 100; ip saddr 10.8.0.0/24 oifname s0 meta l4proto udp {nat}; }}; }}");
        using var socket = container.Within(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        void Send() => socket.SendTo("x"u8, new IPEndPoint(IPAddress.Parse(GuardLab.Away), GuardLab.Port));

        if (reason == GuardReason.Owned)
        {
            Send();
            GuardLab.Wait(() => lab.Count(GuardReason.Owned) == 1, "it leaves");
            Assert.Equal(0ul, lab.Count(GuardReason.Foreign) + lab.Count(GuardReason.Unowned));
        }
        else
        {
            var told = lab.EventOf(Send, e => e.Reason == (byte)reason);
            Assert.Equal((Shared, lab.Server.IndexOf("c0")), (Text(told.SourceBe), (int)told.InIfindex));
            Assert.Equal(0ul, lab.Count(GuardReason.Owned));
        }
    }

    [Fact]
    public void A_slice_that_moves_takes_effect_with_the_next_packet()
    {
        using var lab = new GuardLab();
        using var socket = lab.Bound(Owned);
        var empty = Pool().Build();

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal([Owned], lab.PortsSeen(() => GuardLab.Send(socket)));
            lab.Use(empty);
            Assert.Empty(lab.PortsSeen(() => GuardLab.Send(socket)));
            lab.Use(Table());
        }

        Assert.Equal((20ul, 20ul), (lab.Count(GuardReason.Owned), lab.Count(GuardReason.Unowned)));
    }

    private static Socket Listen(GuardLab lab) => lab.Peer.Within(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(GuardLab.Away), GuardLab.Port));
        socket.Listen();
        return socket;
    });

    private static string Text(uint addressBe) => new IPAddress(addressBe).ToString();

    private static ulong CookieOf(Socket socket)
    {
        var cookie = new byte[8];
        socket.GetRawSocketOption(1, 57, cookie); // SO_COOKIE
        return BinaryPrimitives.ReadUInt64LittleEndian(cookie);
    }
}
