using System.Net;
using System.Net.Sockets;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Tests.Bpf;

/// <summary>
/// What lands on the owner itself, without a tunnel:
/// <code>
///   origin o0 ---- c0 owner
///   198.51.100.7   192.0.2.1:2048-4095; 4096-6143 is nobody's
/// </code>
/// </summary>
public class BpfDeliveryTests
{
    [Fact]
    public void A_datagram_to_a_slice_owned_here_reaches_its_socket_and_one_to_nobodys_slice_does_not()
    {
        using var pins = new BpfPins();
        using var origin = new NetNamespace();
        using var owner = new NetNamespace();
        origin.Ip($"link add o0 type veth peer name c0 netns {owner.Name}");
        origin.Ip("link set o0 up");
        owner.Ip("link set c0 up");
        origin.Ip("addr add 198.51.100.7/24 dev o0");
        owner.Ip("addr add 198.51.100.1/24 dev c0");
        owner.Ip("addr add 192.0.2.1/32 dev lo");
        origin.Ip($"neigh add 198.51.100.1 lladdr {owner.MacOf("c0")} dev o0");
        origin.Ip("route add 192.0.2.0/24 via 198.51.100.1");
        using var steering = PinnedSteering.LoadOrAdopt(pins.Folder);
        var table = new SteeringTableBuilder()
            .AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(2048), EgressPolicies.None)
            .SetOwner(IpAddress.Parse("192.0.2.1"), 1, SliceOwner.Here)
            .AddInterface(new SteeringInterface(owner.IndexOf("c0"), MacAddress.Parse(owner.MacOf("c0")), InterfaceRoles.Internet))
            .Build();
        Assert.Null(new SteeringWriter(steering).Apply(table).Refusal);
        owner.Within(() => steering.Attach("c0", XdpMode.Native));

        using var sender = origin.Within(Udp);
        using var owned = owner.Within(() => Listen(2100));
        using var unowned = owner.Within(() => Listen(4200));
        sender.SendTo("lost"u8, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4200));
        sender.SendTo("hello"u8, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 2100));
        var buffer = new byte[16];

        // The second has come by the same queue, so the first has been judged.
        Assert.Equal("hello"u8, buffer.AsSpan(0, owned.Receive(buffer)));
        Assert.Equal(0, unowned.Available);
        var counters = new SuCounter[AbiLimits.Reasons];
        steering.ReadCounters(counters);
        Assert.Equal((1ul, 14ul + 20 + 8 + 5), (counters[(int)Reason.Delivered].Packets, counters[(int)Reason.Delivered].Bytes));
        Assert.Equal((1ul, 14ul + 20 + 8 + 4), (counters[(int)Reason.Unowned].Packets, counters[(int)Reason.Unowned].Bytes));
    }

    private static Socket Udp() => new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 10_000 };

    private static Socket Listen(int port)
    {
        var socket = Udp();
        socket.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.1"), port));
        return socket;
    }
}
