using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using SoftUnicast.Egress.Nat;
using SoftUnicast.Linux.Net;
using SoftUnicast.Linux.Tests.Net;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Nat;

/// <summary>The rules in the kernel, by what the origin sees.</summary>
public sealed class NatLiveTests : IDisposable
{
    private const string Table = "softunicast-a1";
    private static readonly AddressPorts[] Slices = [AddressPorts.Parse("192.0.2.7:4096-6143"), AddressPorts.Parse("192.0.2.7:8192-10239"), AddressPorts.Parse("192.0.2.8:2048-4095")];
    private readonly RoutedNetwork network = new();
    private readonly NatTable table = new(new Nftables());

    private static NatPlan Plan => new(Table, [IpPrefix.Parse("192.0.2.0/24")], [Pool(Slices)], []);

    public void Dispose() => network.Dispose();

    [Fact]
    public void Tcp_udp_and_ping_of_a_container_leave_from_the_slices_evenly_and_are_answered()
    {
        Apply(Plan);

        var tcp = Enumerable.Range(0, 90).Select(i => network.Tcp(network.Container, RoutedNetwork.OriginAddresses[i % 2]).Seen).ToList();
        var udp = Enumerable.Range(0, 90).Select(i => RoutedNetwork.Ask(network.Udp(network.Container, RoutedNetwork.OriginAddresses[i % 2]))).ToList();
        var pings = Pings(network.Container, 12);

        foreach (var seen in new[] { tcp, udp, pings })
        {
            Assert.All(seen, s => Assert.Contains(Slices, slice => slice.Contains(s)));
        }

        Assert.All(Slices, slice => Assert.InRange(tcp.Count(slice.Contains), 12, 60));
        Assert.All(Slices, slice => Assert.InRange(udp.Count(slice.Contains), 12, 60));
        Assert.True(pings.Select(p => Slices.Single(s => s.Contains(p))).Distinct().Count() > 1, string.Join(' ', pings));
    }

    [Fact]
    public void A_sender_keeps_its_outer_address_and_port_from_one_destination_to_the_next()
    {
        Apply(Plan);
        using var socket = network.Container.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 10_000 };
            made.Bind(new IPEndPoint(IPAddress.Any, 0));
            return made;
        });
        var answers = new List<string>();
        foreach (var address in RoutedNetwork.OriginAddresses)
        {
            socket.SendTo("?"u8, new IPEndPoint(address, 9000));
            var buffer = new byte[64];
            answers.Add(System.Text.Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)));
        }

        Assert.Equal(answers[0], answers[1]);
    }

    [Fact]
    public void Translated_flows_are_listed_by_the_end_that_the_origin_sees_and_those_of_bound_sockets_are_not()
    {
        Apply(Plan);
        var seen = RoutedNetwork.Ask(network.Udp(network.Container, RoutedNetwork.OriginAddresses[0]));

        using var flows = network.Server.Within(() => new NatFlows());
        var flow = Assert.Single(flows.In([IpPrefix.Parse("192.0.2.0/24")]));

        Assert.Equal($"{seen.Address}:{seen.Ports.First}", flow.Outside.ToString());
        Assert.Equal((17, RoutedNetwork.OriginAddresses[0].ToString()), (flow.Protocol, flow.Remote.Address.ToString()));
        Assert.Empty(flows.In([IpPrefix.Parse("198.51.100.0/24")]));
    }

    [Fact]
    public void An_error_about_a_translated_packet_reaches_its_sender()
    {
        Apply(Plan);
        var socket = network.Udp(network.Container, RoutedNetwork.OriginAddresses[0], port: 9); // nobody is there
        socket.Send("?"u8);

        var error = Assert.Throws<SocketException>(() => socket.Receive(new byte[1]));

        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
    }

    [Fact]
    public void An_error_about_a_translated_ping_reaches_it_also_where_untracked_packets_alone_may_pass_and_invalid_ones_not()
    {
        DropInvalid();
        network.Server.Ip("route add 10.9.9.0/24 via 10.8.0.1");
        network.Origin.Sysctl("net.ipv4.ip_forward", "1"); // a host that does not forward is silent about what it does not reach
        network.Origin.Ip("route add unreachable 10.9.9.0/24");
        Apply(Plan);

        var said = NetNamespace.Run("nsenter", $"--net=/run/netns/{network.Container.Name}", "sh", "-c", "ping -c 1 -W 10 10.9.9.1 || true");

        Assert.Contains("From 10.8.0.1 icmp_seq=1 Destination Host Unreachable", said, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_about_a_bound_sockets_packet_is_not_taken_for_an_invalid_one()
    {
        DropInvalid();
        Apply(Plan);
        using var socket = network.Server.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 10_000 };
            made.Bind(IPEndPoint.Parse("192.0.2.7:6200"));
            made.Connect(RoutedNetwork.OriginAddresses[0], 9);
            return made;
        });
        socket.Send("?"u8);

        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => socket.Receive(new byte[1])).SocketErrorCode);
    }

    [Fact]
    public void A_slice_carries_as_many_flows_to_one_destination_as_may_be_planned_for()
    {
        var slice = AddressPorts.Parse("192.0.2.7:2048-2303");
        Apply(Plan with { Pools = [Pool(slice)] });

        var seen = Enumerable.Range(0, slice.Ports.Count * NatPlan.PlannedPercent / 100)
            .Select(_ => network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]).Seen).ToList();

        Assert.All(seen, s => Assert.True(slice.Contains(s), $"{s}"));
        Assert.Equal(seen.Count, seen.Distinct().Count());
    }

    [Fact]
    public void Traffic_without_a_slice_and_this_servers_own_is_not_touched()
    {
        network.Origin.Ip("route add 10.7.0.0/24 via 10.8.0.2");
        Apply(Plan with { Pools = [Pool()] });
        Assert.Equal("10.7.0.2", network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]).Seen.Address.ToString());

        Apply(Plan);
        Assert.Equal("10.7.0.1", network.Tcp(network.Server, RoutedNetwork.OriginAddresses[0], new IPEndPoint(IPAddress.Parse("10.7.0.1"), 0)).Seen.Address.ToString());

        Apply(Plan with { Untouched = [IpPrefix.Parse("10.9.0.1/32")] });
        Assert.Equal("10.7.0.2", network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]).Seen.Address.ToString());
        AssertInSlices(network.Tcp(network.Container, RoutedNetwork.OriginAddresses[1]).Seen);

        Apply(Plan with { OutInterfaces = ["e1"] });
        Assert.Equal("10.7.0.2", network.Tcp(network.Container, RoutedNetwork.OriginAddresses[1]).Seen.Address.ToString());

        Apply(Plan with { Pools = [new NatPool("us", [], ["c0"], [.. Slices])], OutInterfaces = ["e0"] });
        AssertInSlices(network.Tcp(network.Container, RoutedNetwork.OriginAddresses[1]).Seen);
    }

    [Fact]
    public void Flows_stay_what_they_are_when_their_slice_drains_and_new_ones_leave_from_another()
    {
        Apply(Plan with { Pools = [Pool(Slices[0])] });
        var (old, seen) = network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]);
        Assert.True(Slices[0].Contains(seen), $"{seen}");

        Apply(Plan with { Pools = [Pool(Slices[2])], Draining = [Slices[0]] });

        Assert.Equal(seen, RoutedNetwork.Ask(old));
        var fresh = network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]).Seen;
        Assert.True(Slices[2].Contains(fresh), $"{fresh}");
    }

    [Fact]
    public void Rules_of_others_stay_as_they_are_and_ours_come_first()
    {
        network.Nft("add table ip softunicastx; add chain ip softunicastx c; add rule ip softunicastx c counter accept");
        network.Nft("add table ip nat; add chain ip nat post { type nat hook postrouting priority srcnat; }; add rule ip nat post oifname e0 masquerade");
        var before = Others();

        Apply(Plan);
        Assert.Equal(before, Others());
        AssertInSlices(network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]).Seen);
        Apply(Plan with { Pools = [Pool(Slices[0])] });
        Assert.Equal(before, Others());
        Assert.True(network.OnServer(() => table.Remove(Table)));
        Assert.Equal(before, Others());
        Assert.DoesNotContain(Table, network.Nft("list", "tables"), StringComparison.Ordinal);
        Assert.False(network.OnServer(() => table.Remove(Table)));

        string Others() => network.Nft("list", "table", "ip", "nat") + network.Nft("list", "table", "ip", "softunicastx");
    }

    [Theory]
    [InlineData("delete table ip softunicast-a1", "table softunicast-a1 is gone")]
    [InlineData("flush chain ip softunicast-a1 pool-us", "gone: rule in pool-us: ")]
    [InlineData("flush chain ip softunicast-a1 postrouting; delete chain ip softunicast-a1 pool-us", "gone: chain pool-us ")]
    [InlineData("delete element ip softunicast-a1 egress { 192.0.2.0/24 }", "gone: set egress ")]
    [InlineData("insert rule ip softunicast-a1 postrouting drop", "not ours: rule in postrouting: [{\"drop\":null}]")]
    public void What_somebody_changes_in_our_table_is_noticed_and_put_back_and_flows_go_on(string change, string noticed)
    {
        Apply(Plan);
        var (socket, seen) = network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]);
        Assert.Empty(network.OnServer(table.Differences));

        network.Nft(change);
        Assert.Contains(network.OnServer(table.Differences), d => d.StartsWith(noticed, StringComparison.Ordinal));
        Assert.Contains(network.OnServer(table.Repair), d => d.StartsWith(noticed, StringComparison.Ordinal));

        Assert.Empty(network.OnServer(table.Repair));
        Assert.Equal(seen, RoutedNetwork.Ask(socket));
        AssertInSlices(network.Tcp(network.Container, RoutedNetwork.OriginAddresses[0]).Seen);
    }

    [Fact]
    public void A_masquerade_rule_does_not_move_the_port_of_a_bound_socket()
    {
        var bound = IPEndPoint.Parse("192.0.2.7:5123");
        network.Nft("add table ip nat; add chain ip nat post { type nat hook postrouting priority srcnat; }; add rule ip nat post oifname e0 masquerade random");
        Assert.NotEqual(AddressPorts.Parse("192.0.2.7:5123-5123"), network.Tcp(network.Server, RoutedNetwork.OriginAddresses[0], IPEndPoint.Parse("192.0.2.7:5122")).Seen);

        Apply(Plan);

        Assert.Equal(AddressPorts.Parse("192.0.2.7:5123-5123"), network.Tcp(network.Server, RoutedNetwork.OriginAddresses[0], bound).Seen);
    }

    [Fact]
    public void Datagrams_of_an_enrolled_cgroups_unconnected_sockets_leave_from_its_slices()
    {
        using var cgroup = new Cgroup();
        Apply(Plan with { Cgroups = [new NatCgroup(cgroup.Path, [Slices[2]]), new NatCgroup($"{cgroup.Path}-gone", [Slices[0]])] });
        Assert.Equal([$"{cgroup.Path}-gone"], table.GoneCgroups);

        var inside = SendUnconnected(cgroup.Folder);
        var outside = SendUnconnected(null);

        Assert.All(inside, s => Assert.True(Slices[2].Contains(s), $"{s}"));
        Assert.Equal(inside[0], inside[1]);
        Assert.All(outside, s => Assert.Equal("10.8.0.2", s.Address.ToString()));
        Assert.Empty(network.OnServer(table.Differences));
    }

    [Fact]
    public void What_nft_refuses_is_named_with_its_line_and_leaves_the_former_table()
    {
        Apply(Plan);
        var nft = new Nftables();

        var error = Assert.IsType<NftablesException>(Assert.Throws<InvalidOperationException>(() => network.OnServer(
            () => nft.Apply($"delete table ip {Table}\ntable ip {Table} {{\n\tchain c {{\n\t\tip saddr 300.1.2.3 accept\n\t}}\n}}\n"))).InnerException);

        Assert.Equal(4, error.Line);
        Assert.StartsWith("nft: Could not resolve hostname: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("in line 4 of the script: ip saddr 300.1.2.3 accept", error.Message, StringComparison.Ordinal);
        Assert.Empty(network.OnServer(table.Differences));
    }

    [Fact]
    public void A_change_between_writing_and_reading_is_not_taken_for_what_was_written()
    {
        var folder = Directory.CreateTempSubdirectory("sunat-");
        try
        {
            // nft, but somebody deletes the table as soon as it is there: once.
            var meddling = System.IO.Path.Combine(folder.FullName, "nft");
            File.WriteAllText(meddling, $"""
                #!/bin/sh
                nft=$(command -v nft || echo /usr/sbin/nft)
                "$nft" "$@"
                status=$?
                [ "$1" = -f ] && mkdir {folder.FullName}/once 2>/dev/null && "$nft" delete table ip {Table}
                exit $status
                """);
            File.SetUnixFileMode(meddling, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var one = new NatTable(new Nftables(meddling));

            network.OnServer(() => one.Apply(Plan));

            Assert.True(Directory.Exists($"{folder.FullName}/once"));
            Assert.NotNull(network.OnServer(() => new Nftables().Read(Table)));
            Assert.Empty(network.OnServer(one.Differences));
            Assert.Empty(network.OnServer(one.Repair));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void No_table_but_ours_is_ever_read_or_removed()
    {
        var nft = new Nftables();

        Assert.Equal("table 'nat' is not one of ours (Parameter 'table')", Assert.Throws<ArgumentException>(() => nft.Remove("nat")).Message);
        Assert.Throws<ArgumentException>(() => nft.Read("softunicastx"));
        Assert.Null(network.OnServer(() => nft.Read(Table)));
    }

    [Fact]
    public void Without_nft_the_package_is_named()
    {
        var error = Assert.Throws<NftablesException>(() => new Nftables("/nonexistent/nft").Read(Table));

        Assert.StartsWith("nft: /nonexistent/nft does not start: ", error.Message, StringComparison.Ordinal);
    }

    private static NatPool Pool(params AddressPorts[] slices) => new("us", [IpPrefix.Parse("10.7.0.0/24")], [], [.. slices]);

    private static void AssertInSlices(AddressPorts seen) => Assert.True(Slices.Any(s => s.Contains(seen)), $"seen from {seen}");

    private void DropInvalid() => network.Nft(
        "add table ip host; add chain ip host in { type filter hook input priority 0; }; add rule ip host in ct state invalid drop;"
        + " add chain ip host through { type filter hook forward priority 0; }; add rule ip host through ct state invalid drop");

    private void Apply(NatPlan plan) => network.OnServer(() => table.Apply(plan));

    // Echo requests as a raw socket of the origin sees them: address and identifier.
    private List<AddressPorts> Pings(NetNamespace from, int count)
    {
        using var raw = network.Origin.Within(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp) { ReceiveTimeout = 10_000 };
            made.Bind(new IPEndPoint(RoutedNetwork.OriginAddresses[0], 0));
            return made;
        });
        var seen = new List<AddressPorts>();
        var buffer = new byte[2048];
        for (var i = 0; i < count; i++)
        {
            NetNamespace.Run("nsenter", $"--net=/run/netns/{from.Name}", "ping", "-c", "1", "-W", "10", "10.9.0.1");
            raw.Receive(buffer);
            var identifier = BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(24)); // 20 bytes of IP header, then type, code, checksum
            Assert.Equal(8, buffer[20]);
            seen.Add(new AddressPorts(IpAddress.FromBytes(buffer.AsSpan(12, 4)), new PortRange(identifier, identifier)));
        }

        return seen;
    }

    // One unconnected socket, a datagram to each address of the origin; what the origin answers.
    private List<AddressPorts> SendUnconnected(string? cgroupFolder)
    {
        const string Program = """
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(10)
            for to in ("10.9.0.1", "10.9.0.2"):
                s.sendto(b"?", (to, 9000))
                print(s.recvfrom(100)[0].decode())
            """;
        var enter = cgroupFolder is null ? "" : $"echo $$ > {cgroupFolder}/cgroup.procs; ";
        var output = NetNamespace.Run("nsenter", $"--net=/run/netns/{network.Server.Name}", "sh", "-c", $"{enter}exec python3 -c '{Program}'");
        return [.. output.Split('\n').Select(RoutedNetwork.Seen)];
    }

    private sealed class Cgroup : IDisposable
    {
        public Cgroup()
        {
            Path = $"sunat-{Environment.ProcessId}/exec-1";
            Folder = System.IO.Path.Combine(new Nftables().CgroupMountPoint!, Path);
            Directory.CreateDirectory(Folder);
        }

        public string Path { get; }

        public string Folder { get; }

        public void Dispose()
        {
            // A process that was waited for may be in it a moment longer.
            var parent = Linux.Host.Cgroup.Open(System.IO.Path.GetDirectoryName(Folder)!);
            SpinWait.SpinUntil(() => !parent.IsPopulated(), TimeSpan.FromSeconds(30));
            Directory.Delete(Folder);
            Directory.Delete(parent.Folder);
        }
    }
}
