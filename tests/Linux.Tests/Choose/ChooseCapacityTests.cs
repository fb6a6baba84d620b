using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Tests.Net;

namespace SoftUnicast.Linux.Tests.Choose;

/// <summary>How many connections a slice carries, and what follows when it is full.</summary>
public class ChooseCapacityTests
{
    private const string A = "192.0.2.1:2048-4095";
    private const string B = "192.0.2.1:4096-6143";
    private const string C = "192.0.2.2:2048-4095";
    private const string Small = "192.0.2.1:2048-2303";

    [Fact]
    public void One_slice_carries_2048_connections_to_each_of_three_destinations_then_the_next_slice_then_the_next_address_then_EADDRNOTAVAIL()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(A);
        for (var destination = 1; destination <= 3; destination++)
        {
            var names = lab.Program.AskMany($"fill('tcp', '198.51.100.{destination}')");
            AssertFilled(names, A);
        }

        Assert.Equal("6144", lab.Program.Ask("echo()"));
        Assert.Equal((6144ul, 3ul, 0ul), (lab.Counts[Choice.Tcp], lab.Counts[Choice.Exhausted], lab.Counts[Choice.NextSlice]));

        lab.SetPolicy(A, B);
        AssertFilled(lab.Program.AskMany("fill('tcp', '198.51.100.1')"), B);
        Assert.NotEqual(0ul, lab.Counts[Choice.NextSlice]);
        ChooseLab.AssertWithin(B, lab.Program.Ask("connect('tcp', '198.51.100.2')"));

        lab.SetPolicy(A, B, C);
        AssertFilled(lab.Program.AskMany("fill('tcp', '198.51.100.1')"), C);
        Assert.Equal("EADDRNOTAVAIL", lab.Program.Ask("connect('tcp', '198.51.100.1')"));

        Assert.Equal("10241", lab.Program.Ask("echo()"));
        Assert.Equal((10241ul, 6ul), (lab.Counts[Choice.Tcp], lab.Counts[Choice.Exhausted]));
    }

    [Fact]
    public void Connected_UDP_shares_ports_by_destination_as_TCP_does()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(A);

        AssertFilled(lab.Program.AskMany("fill('udp', '198.51.100.1')"), A);
        AssertFilled(lab.Program.AskMany("fill('udp', '198.51.100.2')"), A);
        AssertFilled(lab.Program.AskMany("fill('tcp', '198.51.100.1')"), A);

        Assert.Equal("6144", lab.Program.Ask("echo()"));
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public async Task Programs_that_fill_a_slice_at_the_same_time_never_get_the_same_port(string kind)
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(A);
        var programs = new[] { lab.Program, lab.Run(lab.Enrolled), lab.Run(lab.Enrolled), lab.Run(lab.Enrolled) };

        for (var round = 0; round < 4; round++)
        {
            var answers = await Task.WhenAll(programs.Select(program => Task.Run(() => program.AskMany($"fill('{kind}', '198.51.100.1')"))));

            var names = answers.SelectMany(answer => answer).Where(name => name != "EADDRNOTAVAIL").ToList();
            Assert.Equal(names.Count, names.Distinct().Count());
            Assert.InRange(names.Count, 2048 - 8, 2048); // a port that another has claimed counts as taken to the end
            Assert.All(answers, answer => Assert.Equal("EADDRNOTAVAIL", answer[^1]));
            foreach (var program in programs)
            {
                program.Ask("[s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\x01\\0\\0\\0\\0\\0\\0\\0') for s in kept] and close_all()");
            }
        }
    }

    [Fact]
    public void Slices_are_used_evenly_and_so_are_the_ports_within()
    {
        // The kernel's own randomness, which takes no seed: bounds that chance passes once in about a billion runs.
        const int Flows = 1600;
        using var lab = new ChooseLab();
        lab.SetPolicy("192.0.2.1:4096-8191", "192.0.2.2:4096-8191");

        var names = lab.Program.AskMany($"fill('udp', '198.51.100.1', most={Flows})");

        var buckets = names.GroupBy(name => (ChooseLab.AddressOf(name), ChooseLab.PortOf(name) / 512)).ToDictionary(g => g.Key, g => g.Count());
        var bySlice = names.GroupBy(ChooseLab.AddressOf).Select(g => g.Count()).ToList();
        var expected = (double)Flows / 16;
        var chiSquared = buckets.Values.Sum(n => (n - expected) * (n - expected) / expected) + ((16 - buckets.Count) * expected);
        Assert.Equal(2, bySlice.Count);
        Assert.All(bySlice, n => Assert.InRange(n, (Flows / 2) - 122, (Flows / 2) + 122)); // 6.1 standard deviations
        Assert.True(chiSquared < 70, $"chi-squared {chiSquared:F1} of 15 degrees of freedom");
    }

    [Fact]
    public async Task A_port_that_a_closed_connection_keeps_is_taken_when_no_other_is_left()
    {
        using var lab = new ChooseLab();
        lab.Sysctl("net.ipv4.tcp_tw_reuse", "1");
        lab.SetPolicy(Small);
        Assert.Equal(257, lab.Program.AskMany("fill('tcp', '198.51.100.1')").Length);

        // One that the other end does not know yet would be reset when it is closed, and its port free at once.
        Assert.Equal("256", lab.Program.Ask("echo()"));
        lab.Program.Ask("close_all()");
        Assert.Equal(0ul, lab.Counts[Choice.TimeWait]);

        // The kernel gives such a port away only after a second.
        var name = "";
        await Eventually.True(() => (name = lab.Program.Ask("connect('tcp', '198.51.100.1')")) != "EADDRNOTAVAIL", () => name);
        ChooseLab.AssertWithin(Small, name);
        Assert.Equal("1", lab.Program.Ask("echo()"));
        Assert.NotEqual(0ul, lab.Counts[Choice.TimeWait]);
    }

    [Fact]
    public void A_UDP_socket_that_connects_anew_keeps_its_port_and_overshadows_nobody()
    {
        using var lab = new ChooseLab();
        lab.SetPolicy(Small);
        AssertFilled(lab.Program.AskMany("fill('udp', '198.51.100.1')"), Small);
        var name = lab.Program.Ask("connect('udp', '198.51.100.2')");

        Assert.Equal("EADDRNOTAVAIL", lab.Program.Ask("attempt(lambda: kept[-1].connect(('198.51.100.1', 80)))"));
        Assert.Equal("None", lab.Program.Ask("attempt(lambda: kept[-1].connect(('198.51.100.2', 80)))"));
        Assert.Equal("None", lab.Program.Ask("attempt(lambda: kept[-1].connect(('198.51.100.3', 80)))"));

        Assert.Equal(name, lab.Program.Ask("name(kept[-1])"));
        Assert.Equal("257", lab.Program.Ask("echo()"));
    }

    /// <summary>
    /// The kernel keeps one note a port number, for all local addresses: a port that is bound with SO_REUSEADDR somewhere is no
    /// longer chosen by connect itself. The other way round there is no harm.
    /// </summary>
    [Fact]
    public void Ports_of_the_chooser_are_lost_to_IP_LOCAL_PORT_RANGE_on_other_addresses_and_not_the_other_way_round()
    {
        const string Range = "options=[(0, 24, 1), (0, 51, (33279 << 16 | 33024).to_bytes(4, 'little'))], bind=('192.0.2.2', 0)";
        using var lab = new ChooseLab();
        lab.SetPolicy("192.0.2.1:33024-33279");
        var other = lab.Run(cgroup: null);
        Assert.SkipUnless(Linux.Host.KernelVersion.Running >= new Linux.Host.KernelVersion(6, 3), "IP_LOCAL_PORT_RANGE needs Linux 6.3");

        Assert.Equal("[]", other.Ask($"[n for n in (connect('tcp', '198.51.100.1', {Range}) for i in range(256)) if not n.startswith('192.0.2.2:33')]"));
        var chosen = lab.Program.AskMany("fill('tcp', '198.51.100.2')");
        AssertFilled(chosen, "192.0.2.1:33024-33279");
        other.Ask("close_all()");

        Assert.Equal("EADDRNOTAVAIL", other.Ask($"connect('tcp', '198.51.100.3', {Range})"));
        Assert.Equal("256", lab.Program.Ask("echo()"));
    }

    private static void AssertFilled(string[] names, string slice)
    {
        Assert.Equal("EADDRNOTAVAIL", names[^1]);
        Assert.All(names[..^1], name => ChooseLab.AssertWithin(slice, name));
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(Model.AddressPorts.Parse(slice).Ports.Count, names.Length - 1);
    }
}
