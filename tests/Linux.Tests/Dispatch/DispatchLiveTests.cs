using System.Net;
using System.Net.Sockets;
using System.Text;
using SoftUnicast.Dispatch;
using SoftUnicast.Examples.UdpService;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Dispatch;

/// <summary>Bindings and registered sockets in the real kernel.</summary>
[Collection(Descriptors.Name)]
public class DispatchLiveTests
{
    private const DispatchProtocol Tcp = DispatchProtocol.Tcp;
    private const DispatchProtocol Udp = DispatchProtocol.Udp;
    private static readonly int[] ThirteenPorts = [80, 443, 2052, 2053, 2082, 2083, 2086, 2087, 2095, 2096, 8080, 8443, 8880];
    private static readonly string[] Prefixes = ["10.20.16.0/20", "2001:db8:10::/44"];

    [Fact]
    public void One_TCP_and_one_UDP_socket_serve_a_20_and_a_44_and_thirteen_ports_without_a_bind_per_address()
    {
        using var world = new DispatchWorld();
        var (tcp, udp) = (world.Serve(Tcp), world.Serve(Udp));
        world.Bind([.. from prefix in Prefixes from port in ThirteenPorts from protocol in (string[])["tcp", "udp"] select $"www {protocol} {prefix} {port}"]);
        Assert.Equal(2, world.Register("www", tcp).Places.Count);
        Assert.Equal(2, world.Register("www", udp).Places.Count);
        var random = new Random(1);

        foreach (var port in ThirteenPorts)
        {
            foreach (var address in (string[])["10.20.16.0", "10.20.31.255", $"10.20.{random.Next(16, 32)}.{random.Next(256)}", "2001:db8:10::", "2001:db8:1f:ffff::1", $"2001:db8:1{random.Next(16):x}:{random.Next(65536):x}::7"])
            {
                using var client = world.Ask(Tcp, address, port);
                using var accepted = tcp.Accept();
                Assert.Equal(new IPEndPoint(IPAddress.Parse(address), port), Plain(accepted.LocalEndPoint));
                Assert.Equal(0, world.WhoTakes(Udp, address, port, [udp]));
            }
        }

        Assert.True(world.IsRefused(Tcp, "10.20.32.0", 80), "behind the /20");
        Assert.True(world.IsRefused(Tcp, "10.20.16.1", 81), "another port");
        Assert.True(world.IsRefused(Udp, "2001:db8:20::", 443), "behind the /44");
        Assert.All(world.Dispatch.ReadCounters(), c => Assert.Equal((3ul, 0ul, 0ul), (c.Hits, c.Misses, c.Errors)));
        Assert.Equal(4 * 13, world.Dispatch.ReadCounters().Count);
    }

    [Theory]
    [InlineData(11, 12)]
    [InlineData(12, 60)]
    [InlineData(13, 200)]
    public void The_kernel_finds_what_the_table_finds(int seed, int count)
    {
        using var world = new DispatchWorld();
        var random = new Random(seed);
        Dictionary<DispatchProtocol, List<Socket>> sockets = new() { [Tcp] = [], [Udp] = [] };
        for (var i = 0; i < 8; i++)
        {
            foreach (var (protocol, list) in sockets)
            {
                list.Add(world.Serve(protocol));
                world.Register($"l{i}", list[i]);
            }
        }

        for (var round = 0; round < 4; round++)
        {
            var table = RandomTable(random, count);
            Assert.Null(world.Dispatch.Apply(table).Refusal);
            Assert.Equal(table.Bindings, world.Dispatch.Bindings.Bindings);
            for (var i = 0; i < 120; i++)
            {
                var (protocol, address, port) = (random.Next(2) == 0 ? Tcp : Udp, RandomAddress(random), random.Next(1, 30));
                var expected = table.Lookup(protocol, address, (ushort)port) is { } label ? int.Parse(label.ToString()[1..], System.Globalization.CultureInfo.InvariantCulture) : -1;

                var taken = world.WhoTakes(protocol, address.ToString(), port, sockets[protocol]);

                Assert.True(expected == taken, $"seed {seed}, round {round}: {protocol} {address} {port} went to {taken}, the table says {expected}: {table.Match(protocol, address, (ushort)port)}");
            }
        }
    }

    [Fact]
    public async Task No_connection_is_lost_while_the_daemon_restarts_and_tables_change()
    {
        using var world = new DispatchWorld();
        var listener = world.Serve(Tcp);
        world.Bind("www tcp 10.1.0.0/16 443", "www tcp 10.2.0.0/16 443");
        world.Register("www", listener);
        using var stop = new CancellationTokenSource();
        using var noMoreClients = new CancellationTokenSource();
        var accepting = Task.Run(
            () =>
            {
                var count = 0;
                while (!noMoreClients.IsCancellationRequested || listener.Poll(0, SelectMode.SelectRead))
                {
                    if (listener.Poll(1000, SelectMode.SelectRead))
                    {
                        using var accepted = listener.Accept();
                        accepted.Send("!"u8);
                        count++;
                    }
                }

                return count;
            },
            TestContext.Current.CancellationToken);
        var opened = 0;
        var connecting = Task.Run(
            () => world.Within(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
                    client.Connect(new IPEndPoint(new IPAddress([10, 1, (byte)(opened >> 8), (byte)opened]), 443));
                    Assert.Equal(1, client.Receive(new byte[1]));
                    Volatile.Write(ref opened, opened + 1);
                }

                return opened;
            }),
            TestContext.Current.CancellationToken);

        for (var i = 0; i < 6; i++)
        {
            // However slow the machine is: connections fall between the changes.
            var enough = Volatile.Read(ref opened) + 20;
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref opened) >= enough || connecting.IsCompleted, TimeSpan.FromSeconds(60)), $"{opened} connections");
            world.Bind([.. Enumerable.Range(1, 50).Select(port => $"other tcp 10.{i + 3}.0.0/16 {port}"), "www tcp 10.1.0.0/16 443", "www tcp 10.2.0.0/16 443"]);
            world.Restart();
            Assert.True(world.Dispatch.IsAdopted);
            Assert.Equal(52, world.Dispatch.Bindings.Bindings.Count);
            world.Bind("www tcp 10.1.0.0/16 443");
            world.Bind("www tcp 10.1.0.0/16 443", "www tcp 10.0.0.0/8 any");
        }

        // The last client may still be about to connect: it is served before the acceptor ends.
        await stop.CancelAsync();
        var connected = await connecting;
        await noMoreClients.CancelAsync();
        Assert.True(connected >= 6 * 20, $"only {connected} connections");
        Assert.Equal(connected, await accepting);
        Assert.Equal((ulong)connected, world.Counters("www tcp 10.1.0.0/16 443").Hits);
        Assert.Equal(2, world.Dispatch.Sockets().Count);
    }

    [Fact]
    public void A_dead_socket_is_a_miss_and_the_binding_stays_and_recovers()
    {
        using var world = new DispatchWorld();
        const string Binding = "www tcp 10.1.0.0/16 443";
        world.Bind(Binding);
        Assert.True(world.IsRefused(Tcp, "10.1.2.3", 443), "nobody has registered");
        var first = world.Serve(Tcp);
        world.Register("www", first);
        Assert.Equal(0, world.WhoTakes(Tcp, "10.1.2.3", 443, [first]));
        Assert.Empty(world.Dispatch.RemoveDead());

        first.Dispose();

        // Nor does it fall to somebody who happens to listen on the port.
        var stranger = world.Serve(Tcp, port: 443);
        Assert.True(world.IsRefused(Tcp, "10.1.2.3", 443));
        Assert.Equal(0, world.WhoTakes(Tcp, "10.9.2.3", 443, [stranger]));
        Assert.Equal((1ul, 2ul, 0ul), (world.Counters(Binding).Hits, world.Counters(Binding).Misses, world.Counters(Binding).Errors));
        Assert.Empty(world.Dispatch.Sockets());

        var second = world.Serve(Tcp);
        world.Register("www", second);
        Assert.Equal(["www", "www"], world.Dispatch.RemoveDead().Select(s => s.Label.ToString()));
        Assert.Empty(world.Dispatch.RemoveDead());
        Assert.Equal(0, world.WhoTakes(Tcp, "10.1.2.3", 443, [second]));
        Assert.Equal(2ul, world.Counters(Binding).Hits);
    }

    [Theory]
    [InlineData(Tcp)]
    [InlineData(Udp)]
    public void A_registered_member_stands_for_its_REUSEPORT_group_unless_it_is_registered_as_exact(DispatchProtocol protocol)
    {
        using var world = new DispatchWorld();
        var one = world.Serve(protocol, reusePort: true);
        var port = ((IPEndPoint)one.LocalEndPoint!).Port;
        Socket[] group = [one, world.Serve(protocol, port, reusePort: true), world.Serve(protocol, port, reusePort: true)];
        world.Bind($"www {protocol.Name()} 10.1.0.0/16 443");

        world.Register("www", one);
        Assert.Equal(3, Takers(world, protocol, group).Count);

        world.Register("www", one, isExact: true);
        Assert.Equal([0], Takers(world, protocol, group));
        Assert.True(Assert.Single(world.Dispatch.Sockets(), s => !s.IsIPv6).IsExact);
    }

    [Theory]
    [InlineData(Tcp)]
    [InlineData(Udp)]
    public void Old_and_new_version_share_and_then_the_new_one_takes_over(DispatchProtocol protocol)
    {
        using var world = new DispatchWorld();
        Socket[] versions = [world.Serve(protocol), world.Serve(protocol)];
        world.Bind($"www {protocol.Name()} 10.1.0.0/16 443");
        world.Register("www", versions[0]);
        world.Register("www", versions[1]);
        Assert.Equal([0, 1], Takers(world, protocol, versions));

        world.Register("www", versions[1], RegisterMode.Replace);
        Assert.Equal([1], Takers(world, protocol, versions));

        world.Register("www", versions[0]);
        Assert.Equal([0, 1], Takers(world, protocol, versions));
        Assert.True(world.Dispatch.Unregister(Label.Parse("www"), SocketFacts.Of(versions[1].SafeHandle).Cookie));
        Assert.Equal([0], Takers(world, protocol, versions));
        Assert.Equal(2, world.Dispatch.Unregister(Label.Parse("www")));
        Assert.True(world.IsRefused(protocol, "10.1.2.3", 443));
    }

    [Fact]
    public void A_connection_stays_with_the_old_version_when_the_new_one_takes_over()
    {
        using var world = new DispatchWorld();
        var (old, next) = (world.Serve(Tcp), world.Serve(Tcp));
        world.Bind("www tcp 10.1.0.0/16 443");
        world.Register("www", old);
        using var client = world.Ask(Tcp, "10.1.2.3", 443);
        using var accepted = old.Accept();

        world.Register("www", next, RegisterMode.Replace);
        old.Dispose();
        accepted.Send("still here"u8);

        var buffer = new byte[32];
        Assert.Equal("still here", Encoding.ASCII.GetString(buffer, 0, client.Receive(buffer)));
        Assert.Equal(0, world.WhoTakes(Tcp, "10.1.2.3", 443, [next]));
    }

    [Theory]
    [InlineData("10.1.2.3")]
    [InlineData("2001:db8:1::3")]
    public void The_socket_that_a_flow_gets_is_the_one_that_the_hash_says(string address)
    {
        using var world = new DispatchWorld();
        var sockets = Enumerable.Range(0, 5).Select(_ => world.Serve(Udp)).ToList();
        world.Bind("dns udp 10.1.0.0/16 53", "dns udp 2001:db8:1::/48 53");
        sockets.ForEach(s => world.Register("dns", s));
        sockets[3].Dispose();

        for (var i = 0; i < 100; i++)
        {
            using var client = world.Ask(Udp, address, 53);
            var (local, remote) = ((IPEndPoint)client.LocalEndPoint!, (IPEndPoint)client.RemoteEndPoint!);
            var hash = SlotChoice.FlowHash(IpAddress.FromIPAddress(local.Address), (ushort)local.Port, IpAddress.FromIPAddress(remote.Address), 53);
            var slot = SlotChoice.Choose(hash, [true, true, true, false, true])!.Value;
            Assert.True(sockets[slot].Poll(TimeSpan.FromSeconds(10), SelectMode.SelectRead), $"{local} to {remote} did not come to slot {slot}");
            sockets[slot].Receive(new byte[1]);
        }
    }

    [Fact]
    public void A_full_table_takes_the_place_of_another_full_table()
    {
        using var world = new DispatchWorld();
        var listener = world.Serve(Tcp);
        world.Register("www", listener);
        world.Bind([.. Enumerable.Range(0, 16383).Select(i => $"www tcp 10.{i >> 8}.{i & 255}.0/24 443")]);
        Assert.Equal(0, world.WhoTakes(Tcp, "10.63.254.9", 443, [listener]));
        Assert.True(world.IsRefused(Tcp, "10.63.255.9", 443));

        world.Bind([.. Enumerable.Range(0, 16383).Select(i => $"www tcp 10.{i >> 8}.{i & 255}.0/25 443")]);

        Assert.Equal(0, world.WhoTakes(Tcp, "10.63.254.9", 443, [listener]));
        Assert.True(world.IsRefused(Tcp, "10.63.254.129", 443));
        Assert.Equal((1ul, 16383), (world.Dispatch.ReadCounters().Aggregate(0ul, (sum, c) => sum + c.Hits), world.Dispatch.ReadCounters().Count));
        world.Restart();
        Assert.Equal(16383, world.Dispatch.Bindings.Bindings.Count);
    }

    [Fact]
    public async Task A_UDP_service_answers_from_the_address_and_port_it_was_asked_at()
    {
        using var world = new DispatchWorld();
        using var service = world.Within(() => new AnsweringSocket());
        world.Bind("echo udp 10.1.0.0/16 7000", "echo udp 10.1.0.0/16 7001", "echo udp 2001:db8:1::/48 7000");
        world.Register("echo", service.Socket);
        var serving = Task.Run(
            () => world.Within(() =>
            {
                var buffer = new byte[100];
                for (var i = 0; i < 4; i++)
                {
                    var question = service.Receive(buffer);
                    service.Answer(question, Encoding.ASCII.GetBytes(question.Asked.ToString()));
                }

                return true;
            }),
            TestContext.Current.CancellationToken);

        foreach (var (address, port) in new[] { ("10.1.2.3", 7000), ("10.1.255.255", 7001), ("10.1.2.3", 7001), ("2001:db8:1::77", 7000) })
        {
            // A connected socket takes answers from there alone.
            using var client = world.Ask(Udp, address, port);
            client.ReceiveTimeout = 10_000;
            var buffer = new byte[100];
            if (!client.Poll(TimeSpan.FromSeconds(10), SelectMode.SelectRead))
            {
                await serving;
            }

            Assert.Equal(new IPEndPoint(IPAddress.Parse(address), port).ToString(), Encoding.ASCII.GetString(buffer, 0, client.Receive(buffer)));
        }

        Assert.True(await serving);
    }

    private static IPEndPoint Plain(EndPoint? endPoint)
    {
        var read = (IPEndPoint)endPoint!;
        return read.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(read.Address.MapToIPv4(), read.Port) : read;
    }

    private static SortedSet<int> Takers(DispatchWorld world, DispatchProtocol protocol, Socket[] among) =>
        [.. Enumerable.Range(0, 60).Select(i => world.WhoTakes(protocol, $"10.1.0.{i}", 443, among))];

    private static BindingTable RandomTable(Random random, int count)
    {
        var bindings = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var address = RandomAddress(random);
            var first = random.Next(1, 30);
            var ports = random.Next(4) switch
            {
                0 => "any",
                1 => $"{first}-{first + random.Next(1, 20)}",
                _ => $"{first}",
            };
            var binding = $"l{random.Next(8)} {(random.Next(2) == 0 ? "tcp" : "udp")} {IpPrefix.Covering(address, address.BitCount - random.Next(10))} {ports}";
            if (BindingTable.Create([.. bindings.Select(DispatchWorld.Parse), DispatchWorld.Parse(binding)], [IpPrefix.Parse("10.0.0.0/8"), IpPrefix.Parse("2001:db8::/32")]).Table is not null)
            {
                bindings.Add(binding);
            }
        }

        return DispatchWorld.Table(bindings);
    }

    private static IpAddress RandomAddress(Random random) => random.Next(2) == 0
        ? IpAddress.FromUInt32(0x0a000000u + (uint)random.Next(1, 600))
        : IpAddress.FromUInt128(new UInt128(0x20010db800000000, (ulong)random.Next(1, 600)));
}
