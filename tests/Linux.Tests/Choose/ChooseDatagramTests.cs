using SoftUnicast.Egress;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Choose;

/// <summary>Datagrams of sockets that are not connected: nothing leaves with another source by accident.</summary>
public class ChooseDatagramTests
{
    private const string Slice = "192.0.2.1:2048-4095";

    [Theory]
    [InlineData("socket.AF_INET", "198.51.100.1")]
    [InlineData("socket.AF_INET6", "::ffff:198.51.100.1")]
    public void Without_NAT_a_datagram_of_a_socket_that_is_neither_bound_nor_connected_is_refused(string family, string destination)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        Assert.Equal("EADDRNOTAVAIL", lab.Program.Ask($"attempt(lambda: socket.socket({family}, socket.SOCK_DGRAM).sendto(b'.', ('{destination}', 80)))"));
        Assert.Equal(1ul, lab.Counts[Choice.DatagramRefused]);
    }

    [Fact]
    public void With_NAT_it_is_let_go()
    {
        using var lab = new ChooseLab();
        lab.Chooser.SetPolicy(lab.Enrolled.Id, new ChooserPolicy([AddressPorts.Parse(Slice)], datagramsAreNated: true));

        Assert.StartsWith($"{ChooseLab.Own}:", lab.Program.Ask("send_to('198.51.100.1')"), StringComparison.Ordinal);
        Assert.Equal(1ul, lab.Counts[Choice.DatagramPassed]);
    }

    [Fact]
    public void A_socket_that_its_program_has_bound_answers_from_there()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Slice);

        Assert.Equal($"{ChooseLab.Own}:5353", lab.Program.Ask("send_to('198.51.100.1', bind=('', 5353))"));
        Assert.Equal("192.0.2.77:5353", lab.Program.Ask("send_to('198.51.100.1', bind=('192.0.2.77', 5353))"));
        Assert.Equal(2ul, lab.Counts[Choice.Bound]);
    }

    [Fact]
    public void Ten_times_more_flows_than_ports_each_get_their_own_answers()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy("192.0.2.1:2048-2303");
        for (var flow = 0; flow < 10; flow++)
        {
            lab.Origin.Ask($"serve(['198.51.100.1'], {1000 + flow})");
            Assert.Equal(256, lab.Program.AskMany($"fill('udp', '198.51.100.1', {1000 + flow}, most=256)").Length);
        }

        Assert.Equal("2560", lab.Program.Ask("sum(1 for i, s in enumerate(kept) if s.send(b'flow %d' % i))"));
        Assert.Equal("2560", lab.Program.Ask("sum(1 for i, s in enumerate(kept) if s.settimeout(30) or s.recv(64) == b'flow %d' % i)"));
    }

    [Fact]
    public void Without_a_policy_nothing_changes()
    {
        using var lab = new ChooseLab();

        Assert.StartsWith($"{ChooseLab.Own}:", lab.Program.Ask("send_to('198.51.100.1')"), StringComparison.Ordinal);
    }
}
