using System.Collections.Immutable;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Linux.Tests.Net;

public sealed class NetworkViewTests : IDisposable
{
    private readonly NetNamespace machine = new();

    public void Dispose() => machine.Dispose();

    [Fact]
    public async Task Links_addresses_and_neighbours_are_followed()
    {
        using var view = machine.Within(() => new NetworkView());
        Assert.Equal("lo", view.LinkNamed("lo")!.Name);
        Assert.False(view.LinkNamed("lo")!.IsEthernet);

        machine.Ip("link add v1 type veth peer name v2");
        machine.Ip("link set v1 address 02:00:00:00:00:01 mtu 1600 up");
        await Eventually.True(
            () => view.LinkNamed("v1") is { IsUp: true, HasCarrier: false, IsEthernet: true, MtuBytes: 1600, Kind: "veth" } link
                && link.Mac == MacAddress.Parse("02:00:00:00:00:01"),
            () => $"{view.LinkNamed("v1")}");
        machine.Ip("link set v2 up");
        await Eventually.True(() => view.LinkNamed("v1")!.HasCarrier, () => $"{view.LinkNamed("v1")}");

        var address = new InterfaceAddress(view.LinkNamed("v1")!.Index, IpAddress.Parse("10.0.0.2"), 24);
        machine.Ip("addr add 10.0.0.2/24 dev v1");
        await Eventually.True(() => view.Addresses.Contains(address), () => string.Join(' ', view.Addresses));
        machine.Ip("addr del 10.0.0.2/24 dev v1");
        await Eventually.True(() => !view.Addresses.Contains(address), () => string.Join(' ', view.Addresses));

        var key = new NeighbourKey(view.LinkNamed("v1")!.Index, IpAddress.Parse("10.0.0.9"));
        machine.Ip("neigh add 10.0.0.9 dev v1 lladdr 02:00:00:00:00:99");
        await Eventually.True(
            () => view.NeighbourAt(key) == new Neighbour(key, MacAddress.Parse("02:00:00:00:00:99"), NeighbourState.Permanent),
            () => $"{view.NeighbourAt(key)}");
        Assert.Equal(view.NeighbourAt(key), view.Kernel.NeighbourAt(key));
        machine.Ip("neigh del 10.0.0.9 dev v1");
        await Eventually.True(() => view.NeighbourAt(key) is null, () => $"{view.NeighbourAt(key)}");
        Assert.Null(view.Kernel.NeighbourAt(key));

        machine.Ip("link del v1");
        await Eventually.True(() => view.LinkNamed("v1") is null, () => $"{view.LinkNamed("v1")}");
        Assert.Null(view.Kernel.LinkNamed("v1"));
        Assert.Equal(0, view.Resynchronisations);
    }

    [Fact]
    public async Task Lost_notifications_are_noticed_and_everything_is_read_anew()
    {
        machine.Ip("link add v1 type veth peer name v2");
        machine.Ip("link set v1 up");
        // The view goes before the events: its thread uses them.
        using var mayGoOn = new ManualResetEventSlim();
        using var isHeld = new ManualResetEventSlim();
        using var view = machine.Within(() => new NetworkView(receiveBufferBytes: 4096));
        var index = view.LinkNamed("v1")!.Index;
        view.Changed += (_, _) =>
        {
            isHeld.Set();
            mayGoOn.Wait(TestContext.Current.CancellationToken);
        };
        try
        {
            machine.Ip("neigh add 10.1.0.1 dev v1 lladdr 02:00:00:00:00:01");
            isHeld.Wait(TestContext.Current.CancellationToken);
            // While the follower is held up, more happens than its buffer takes.
            var batch = Path.GetTempFileName();
            try
            {
                File.WriteAllLines(batch, Enumerable.Range(2, 200).Select(i => $"neigh add 10.1.0.{i} dev v1 lladdr 02:00:00:00:01:{i:x2}"));
                machine.Ip($"-batch {batch}");
            }
            finally
            {
                File.Delete(batch);
            }
        }
        finally
        {
            mayGoOn.Set();
        }

        await Eventually.True(
            () => view.Resynchronisations > 0 && view.Trouble is null && Enumerable.Range(1, 201).All(i => view.NeighbourAt(new NeighbourKey(index, IpAddress.FromUInt32(0x0A01_0000u + (uint)i))) is not null),
            () => $"{view.Resynchronisations} resynchronisations, {view.Trouble}");
    }

    [Fact]
    public void Local_routes_come_and_go_and_doing_it_twice_is_no_error()
    {
        using var kernel = machine.Within(() => new Rtnetlink());
        var prefix = IpPrefix.Parse("192.0.2.0/24");
        var address = IpAddress.Parse("192.0.2.7");

        Assert.True(kernel.AddLocalRoute(prefix));
        Assert.False(kernel.AddLocalRoute(prefix));
        Assert.Equal(RouteType.Local, kernel.RouteTo(address).Type);
        Assert.True(kernel.RemoveLocalRoute(prefix));
        Assert.False(kernel.RemoveLocalRoute(prefix));
        Assert.Equal(Libc.ENETUNREACH, Assert.Throws<NetlinkException>(() => kernel.RouteTo(address)).Errno);
    }

    [Fact]
    public void An_IPv6_destination_has_a_route_too()
    {
        machine.Ip("link add v1 type veth peer name v2");
        machine.Ip("link set v1 up");
        machine.Ip("link set v2 up");
        machine.Ip("addr add 2001:db8::2/64 dev v1 nodad");
        machine.Ip("route add 2001:db8:9::/48 via 2001:db8::1");
        using var kernel = machine.Within(() => new Rtnetlink());

        var leg = Assert.Single(kernel.RouteTo(IpAddress.Parse("2001:db8:9::1")).Legs);

        Assert.Equal((machine.IndexOf("v1"), IpAddress.Parse("2001:db8::1")), (leg.InterfaceIndex, leg.Gateway!.Value));
    }

    [Fact]
    public void A_refused_request_names_itself()
    {
        using var kernel = machine.Within(() => new Rtnetlink());

        var error = Assert.Throws<NetlinkException>(() => kernel.UseNeighbour(new NeighbourKey(4711, IpAddress.Parse("10.0.0.1"))));

        Assert.StartsWith("RTM_NEWNEIGH neighbour 10.0.0.1 on device 4711: ENODEV (No such device)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_went_before_its_neighbour_was_asked_is_no_error_but_part_of_the_reason()
    {
        using var view = machine.Within(() => new NetworkView());
        using var source = new NetlinkNextHops(view, IpAddress.Parse("10.1.1.1"));

        source.Refresh(new NeighbourKey(4711, IpAddress.Parse("10.0.0.1")));

        Assert.Equal("no route to 10.0.0.1", source.Resolve(IpAddress.Parse("10.0.0.1")).Reason);
    }

    [Fact]
    public async Task A_view_that_is_disposed_of_leaves_no_thread_and_no_descriptor()
    {
        var before = OpenNetlinkSockets();
        using (machine.Within(() => new NetworkView()))
        {
            Assert.Equal(before + 2, OpenNetlinkSockets()); // one asks, one listens
        }

        for (var i = 0; i < 20; i++)
        {
            machine.Within(() => new NetworkView()).Dispose();
        }

        // A child that another test starts has copies of them until it runs its program.
        await Eventually.True(() => OpenNetlinkSockets() == before, () => $"{OpenNetlinkSockets()} netlink sockets, {before} before");

        // Those of this test's namespace, by protocol and port; the kernel's own have port 0.
        int OpenNetlinkSockets() => machine.Within(() => File.ReadAllLines("/proc/thread-self/net/netlink"))
            .Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[2] != "0")
            .Select(fields => (fields[1], fields[2]))
            .Distinct()
            .Count();
    }
}
