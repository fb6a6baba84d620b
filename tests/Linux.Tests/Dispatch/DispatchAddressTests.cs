using System.Net;
using System.Net.Sockets;
using SoftUnicast.Dispatch;
using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Dispatch;

/// <summary>Hits by local address, counted only when they are asked for.</summary>
public class DispatchAddressTests
{
    private const DispatchProtocol Tcp = DispatchProtocol.Tcp;
    private const DispatchProtocol Udp = DispatchProtocol.Udp;

    [Fact]
    public void Hits_are_counted_by_address_only_while_that_is_switched_on()
    {
        using var world = new DispatchWorld();
        var sockets = Serve(world);
        Assert.False(world.Dispatch.CountsAddresses);
        Ask(world, sockets, "10.1.2.3");
        Assert.Empty(world.Dispatch.ReadAddresses());

        world.Dispatch.CountsAddresses = true;
        Ask(world, sockets, "10.1.2.3", "10.1.2.3", "10.1.255.255", "2001:db8:1::7", "2001:db8:1::7", "2001:db8:1::7");
        Assert.True(world.Dispatch.CountsAddresses);
        Assert.Equal("10.1.2.3 4, 10.1.255.255 2, 2001:db8:1::7 6", Counted(world.Dispatch.ReadAddresses()));

        world.Dispatch.CountsAddresses = false;
        Ask(world, sockets, "10.1.2.3", "10.1.2.4");
        Assert.Equal("10.1.2.3 4, 10.1.255.255 2, 2001:db8:1::7 6", Counted(world.Dispatch.ReadAddresses()));
        Assert.Equal(18ul, world.Dispatch.ReadCounters().Aggregate(0ul, (sum, c) => sum + c.Hits));
    }

    [Fact]
    public void Switched_on_anew_the_counts_begin_anew_and_switched_on_twice_they_go_on()
    {
        using var world = new DispatchWorld();
        var sockets = Serve(world);
        world.Dispatch.CountsAddresses = true;
        Ask(world, sockets, "10.1.2.3");
        world.Dispatch.CountsAddresses = true;
        Ask(world, sockets, "10.1.2.3");
        Assert.Equal("10.1.2.3 4", Counted(world.Dispatch.ReadAddresses()));

        world.Dispatch.CountsAddresses = false;
        world.Dispatch.CountsAddresses = true;

        Assert.Empty(world.Dispatch.ReadAddresses());
        Ask(world, sockets, "10.1.2.3");
        Assert.Equal("10.1.2.3 2", Counted(world.Dispatch.ReadAddresses()));
    }

    [Fact]
    public void What_finds_no_live_socket_is_no_hit_of_its_address()
    {
        using var world = new DispatchWorld();
        world.Bind("www tcp 10.1.0.0/16 443");
        world.Dispatch.CountsAddresses = true;

        Assert.True(world.IsRefused(Tcp, "10.1.2.3", 443));

        Assert.Empty(world.Dispatch.ReadAddresses());
    }

    [Fact]
    public void The_next_process_goes_on_counting_and_others_can_look()
    {
        using var world = new DispatchWorld();
        var sockets = Serve(world);
        world.Dispatch.CountsAddresses = true;
        Ask(world, sockets, "10.1.2.3");

        world.Restart();

        Assert.True(world.Dispatch.CountsAddresses);
        Ask(world, sockets, "10.1.2.3");
        using var look = PinnedDispatch.OpenReadOnly(world.Pins.Folder);
        Assert.True(look.CountsAddresses);
        Assert.Equal("10.1.2.3 4", Counted(look.ReadAddresses()));
    }

    [Fact]
    public void Of_more_addresses_than_find_room_those_seen_last_are_there()
    {
        const int Asked = DispatchLimits.Addresses + 10_000;
        const int Last = 1000;
        using var world = new DispatchWorld();
        world.Bind("www udp 10.0.0.0/8 443");
        world.Register("www", world.Serve(Udp));
        world.Dispatch.CountsAddresses = true;
        world.Within(() =>
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            for (var i = 0; i < Asked; i++)
            {
                client.SendTo("?"u8, new IPEndPoint(Address(i).ToIPAddress(), 443)); // what the socket has no room for is a hit too
            }

            return true;
        });

        var counted = world.Dispatch.ReadAddresses();

        Assert.InRange(counted.Count, DispatchLimits.Addresses * 9 / 10, DispatchLimits.Addresses);
        Assert.All(Enumerable.Range(Asked - Last, Last), i => Assert.Equal(1ul, counted[Address(i)]));
        Assert.Equal((ulong)Asked, world.Counters("www udp 10.0.0.0/8 443").Hits);

        // A bucket that holds more than a batch makes the batch larger.
        var map = BpfMap.OpenPinned(world.Pins.Pin(DispatchProgram.AddressesMap));
        Assert.Equal((uint)DispatchLimits.Addresses, map.Geometry.MaxEntries);
        using (var inSmallBatches = new DispatchAddresses(map, batchEntries: 1))
        {
            Assert.Equal(counted.OrderBy(c => c.Key), inSmallBatches.Read().OrderBy(c => c.Key));
            inSmallBatches.Clear();
        }

        Assert.Empty(world.Dispatch.ReadAddresses());
    }

    [Fact]
    public void A_map_that_may_not_be_emptied_or_cannot_be_read_so_is_named_with_the_call()
    {
        using var world = new DispatchWorld();
        using var look = new DispatchAddresses(BpfMap.OpenPinned(world.Pins.Pin(DispatchProgram.AddressesMap), readOnly: true));
        using var another = new DispatchAddresses(BpfMap.OpenPinned(world.Pins.Pin(DispatchProgram.SocketsMap)));

        Assert.StartsWith(
            "bpf(BPF_MAP_LOOKUP_AND_DELETE_BATCH) su_dispatch_addresses: EPERM", Assert.Throws<BpfException>(look.Clear).Message, StringComparison.Ordinal);
        Assert.StartsWith("bpf(BPF_MAP_LOOKUP_BATCH) su_dispatch_sockets: ", Assert.Throws<BpfException>(() => another.Read()).Message, StringComparison.Ordinal);
    }

    private static IpAddress Address(int number) => IpAddress.FromUInt32(0x0a000000u + (uint)number);

    private static Dictionary<DispatchProtocol, Socket> Serve(DispatchWorld world)
    {
        world.Bind("www tcp 10.1.0.0/16 443", "www udp 10.1.0.0/16 443", "www tcp 2001:db8:1::/48 443", "www udp 2001:db8:1::/48 443");
        var sockets = new Dictionary<DispatchProtocol, Socket> { [Tcp] = world.Serve(Tcp), [Udp] = world.Serve(Udp) };
        foreach (var socket in sockets.Values)
        {
            world.Register("www", socket);
        }

        return sockets;
    }

    // Once by TCP and once by UDP.
    private static void Ask(DispatchWorld world, Dictionary<DispatchProtocol, Socket> sockets, params string[] addresses)
    {
        foreach (var address in addresses)
        {
            foreach (var (protocol, socket) in sockets)
            {
                Assert.Equal(0, world.WhoTakes(protocol, address, 443, [socket]));
            }
        }
    }

    private static string Counted(IReadOnlyDictionary<IpAddress, ulong> hits) => string.Join(", ", hits.OrderBy(h => h.Key).Select(h => $"{h.Key} {h.Value}"));
}
