using System.Net.Sockets;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Steering.Tests.Support;
using static SoftUnicast.Linux.Tests.Guard.GuardUnderTest;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>Frames that leave past the IP stack: packet sockets, bridges.</summary>
public class GuardFrameTests
{
    private const int VirtioHeaderBytes = 10;

    [Fact]
    public void A_packet_socket_is_judged_with_and_without_tags()
    {
        using var lab = new GuardLab();
        var owned = new Ip(Shared, GuardLab.Away, 17).Around(Build.Udp(Owned, 53));
        var foreign = new Ip(Shared, GuardLab.Away, 17).Around(Build.Udp(Foreign, 53));

        var seen = lab.PortsSeen(() =>
        {
            foreach (var tags in new (ushort, ushort)[][] { [], [(0x8100, 7)], [(0x88a8, 5), (0x8100, 7)] })
            {
                Assert.False(lab.TrySendFrame(lab.Frame(foreign, tags)));
                Assert.True(lab.TrySendFrame(lab.Frame(owned, tags)));
            }

            Assert.False(lab.TrySendFrame(lab.Frame(owned, (0x88a8, 5), (0x8100, 7), (0x8100, 8))));
        });

        Assert.All(seen, port => Assert.Equal(Owned, port));
        Assert.Equal((3ul, 3ul, 1ul), (lab.Count(GuardReason.Owned), lab.Count(GuardReason.Foreign), lab.Count(GuardReason.Unreadable)));
    }

    [Fact]
    public void A_tag_that_the_kernel_keeps_beside_the_frame_changes_nothing()
    {
        using var lab = new GuardLab();
        using var other = new NetNamespace();
        other.Ip($"link add k0 type veth peer name c0 netns {lab.Server.Name}");
        other.Ip("link set k0 up");
        lab.Server.Ip("link add br0 type bridge");
        foreach (var device in new[] { "s0", "c0" })
        {
            lab.Server.Ip($"link set {device} master br0");
            lab.Server.Ip($"link set {device} up");
        }

        lab.Server.Ip("link set br0 up");
        GuardLab.Wait(() => lab.Server.Ip("-d link show c0").Contains("state forwarding", StringComparison.Ordinal), "the bridge forwards");

        // A bridge hands on what came with a tag as it received it: the tag beside the frame.
        using var socket = other.Within(() => new Socket(AddressFamily.Packet, SocketType.Raw, LinkEndPoint.NoProtocol));
        foreach (var port in new[] { Foreign, Owned })
        {
            socket.SendTo(
                lab.Frame(new Ip(Shared, GuardLab.Away, 17).Around(Build.Udp(port, 53)), (0x8100, 7)),
                new LinkEndPoint(other.IndexOf("k0")));
        }

        GuardLab.Wait(() => lab.Count(GuardReason.Owned) == 1, "the owned one leaves");
        Assert.Equal(1ul, lab.Count(GuardReason.Foreign));
    }

    [Fact]
    public void A_frame_that_is_cut_inside_its_IPv4_header_does_not_leave()
    {
        using var lab = new GuardLab();
        var frame = lab.Frame(new Ip(Shared, GuardLab.Away, 17).Around(Build.Udp(Owned, 53)));

        for (var bytes = 14; bytes < 34; bytes++)
        {
            Assert.False(lab.TrySendFrame(frame[..bytes]));

            Assert.Equal((ulong)(bytes - 13), lab.Count(GuardReason.Unreadable));
        }

        Assert.Equal(0ul, lab.Count(GuardReason.Owned));
    }

    /// <summary>The kernel puts all but the Ethernet header of a long frame with a virtio header into pages of their own.</summary>
    [Theory]
    [InlineData(Owned, GuardReason.Owned)]
    [InlineData(Foreign, GuardReason.Foreign)]
    public void Headers_that_do_not_lie_in_the_first_piece_of_a_packet_are_fetched(int port, GuardReason reason)
    {
        using var lab = new GuardLab();
        lab.Server.Ip("link set s0 mtu 9000");
        lab.Peer.Ip("link set p0 mtu 9000");
        var packet = new Ip(Shared, GuardLab.Away, 17) { Options = new byte[40] }.Around(Build.Udp(port, 53, new byte[6000]));

        Assert.Equal(port == Owned, lab.TrySendFrame([.. new byte[VirtioHeaderBytes], .. lab.Frame(packet)], withVirtioHeader: true));

        Assert.Equal(1ul, lab.Count(reason));
        Assert.Equal(0ul, lab.Count(GuardReason.Unreadable));
    }
}
