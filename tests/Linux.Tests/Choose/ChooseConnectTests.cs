using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Choose;

/// <summary>Which sockets get a port of a slice, and which go untouched.</summary>
public class ChooseConnectTests
{
    private const string Slice = "192.0.2.1:2048-4095";

    [Theory]
    [InlineData("tcp", Choice.Tcp)]
    [InlineData("udp", Choice.Udp)]
    public void A_connected_socket_of_an_enrolled_cgroup_has_a_port_of_the_slice_and_gets_its_answers(string kind, Choice choice)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        ChooseLab.AssertWithin(Slice, lab.Program.Ask($"connect('{kind}', '198.51.100.1')"));

        Assert.Equal("1", lab.Program.Ask("echo()"));
        Assert.Equal(1ul, lab.Counts[choice]);
        Assert.Equal(1ul, lab.Counts[Choice.Probes]);
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void An_IPv6_socket_that_connects_to_a_mapped_IPv4_address_is_on_the_slice_too(string kind)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        var name = lab.Program.Ask($"connect('{kind}', '::ffff:198.51.100.1', family=socket.AF_INET6)");

        Assert.StartsWith("::ffff:", name, StringComparison.Ordinal);
        ChooseLab.AssertWithin(Slice, name["::ffff:".Length..]);
        Assert.Equal("1", lab.Program.Ask("echo()"));
    }

    [Fact]
    public void A_real_IPv6_destination_goes_untouched()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        Assert.StartsWith("fd00:9::1:", lab.Program.Ask("connect('tcp', 'fd00:9::2', family=socket.AF_INET6)"), StringComparison.Ordinal);
        Assert.Equal("", lab.Counts.ToString());
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void Without_a_policy_nothing_changes(string kind)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);
        var elsewhere = lab.Run(cgroup: null);

        Assert.Equal(ChooseLab.Own, ChooseLab.AddressOf(elsewhere.Ask($"connect('{kind}', '198.51.100.1')")));
    }

    [Fact]
    public void A_policy_that_is_removed_leaves_the_program_untouched_and_its_connections_open()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);
        ChooseLab.AssertWithin(Slice, lab.Program.Ask("connect('tcp', '198.51.100.1')"));

        Assert.True(lab.Chooser.RemovePolicy(lab.Enrolled.Id));

        Assert.Equal(ChooseLab.Own, ChooseLab.AddressOf(lab.Program.Ask("connect('tcp', '198.51.100.1')")));
        Assert.Equal("2", lab.Program.Ask("echo()"));
        Assert.False(lab.Chooser.RemovePolicy(lab.Enrolled.Id));
    }

    [Fact]
    public void Cgroups_below_an_enrolled_one_count_and_the_nearest_policy_holds()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);
        Cgroup below = lab.Enrolled;
        for (var level = 0; level < 3; level++)
        {
            below = lab.MakeCgroup(below, "below");
        }

        var program = lab.Run(below);
        ChooseLab.AssertWithin(Slice, program.Ask("connect('tcp', '198.51.100.1')"));

        lab.Chooser.SetPolicy(below.Id, ChooseLab.Policy("192.0.2.9:4096-6143"));
        ChooseLab.AssertWithin("192.0.2.9:4096-6143", program.Ask("connect('tcp', '198.51.100.1')"));
        ChooseLab.AssertWithin(Slice, lab.Program.Ask("connect('tcp', '198.51.100.1')"));
        lab.Chooser.RemovePolicy(below.Id);
    }

    [Fact]
    public void Children_of_an_enrolled_program_count()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        var name = lab.Program.Ask(
            "__import__('subprocess').check_output(['python3', '-c', \"import socket; s = socket.create_connection(('198.51.100.1', 80)); print('%s:%d' % s.getsockname(), end='')\"]).decode()");

        ChooseLab.AssertWithin(Slice, name);
    }

    [Fact]
    public void What_stays_on_the_host_goes_untouched()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);
        lab.Program.Ask("serve(['127.0.0.1'], 81)");

        Assert.Equal("127.0.0.1", ChooseLab.AddressOf(lab.Program.Ask("connect('tcp', '127.0.0.1', 81)")));
        Assert.Equal("127.0.0.1", ChooseLab.AddressOf(lab.Program.Ask("connect('udp', '127.0.0.1', 81)")));
        Assert.StartsWith("127.0.0.1:", lab.Program.Ask("send_to('127.0.0.1', 81)"), StringComparison.Ordinal);
        Assert.Equal("", lab.Counts.ToString());
    }

    [Theory]
    [InlineData("169.254.1.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    public void Destinations_on_the_link_or_of_many_go_untouched(string destination)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        lab.Program.Ask($"connect('udp', '{destination}', options=[(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)])");

        Assert.Equal("", lab.Counts.ToString());
    }

    [Theory]
    [InlineData("tcp", "('10.9.0.1', 0)", "10.9.0.1")]
    [InlineData("tcp", "('', 7777)", "10.9.0.1")]
    [InlineData("udp", "('', 7777)", "10.9.0.1")]
    [InlineData("udp", "('192.0.2.200', 9999)", "192.0.2.200")]
    public void A_socket_that_its_program_has_bound_goes_untouched(string kind, string bind, string address)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        Assert.Equal(address, ChooseLab.AddressOf(lab.Program.Ask($"connect('{kind}', '198.51.100.1', bind={bind})")));
        Assert.Equal(1ul, lab.Counts[Choice.Bound]);
    }

    [Fact]
    public void An_address_that_is_not_local_is_passed_over_and_alone_it_is_refused()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy("192.0.2.1:2048-4095", "203.0.113.1:2048-4095");
        for (var i = 0; i < 20; i++)
        {
            ChooseLab.AssertWithin(Slice, lab.Program.Ask("connect('tcp', '198.51.100.1')"));
        }

        lab.SetPolicy("203.0.113.1:2048-4095");

        Assert.Equal("EADDRNOTAVAIL", lab.Program.Ask("connect('tcp', '198.51.100.1')"));
        Assert.Equal(1ul, lab.Counts[Choice.Failed]);
        Assert.Equal(0ul, lab.Counts[Choice.Exhausted]);
    }

    [Fact]
    public void A_connection_that_is_refused_gives_its_port_back()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy("192.0.2.1:2048-2303");

        for (var i = 0; i < 600; i++)
        {
            Assert.Equal("ECONNREFUSED", lab.Program.Ask("connect('tcp', '198.51.100.1', 9)"));
        }
    }
}
