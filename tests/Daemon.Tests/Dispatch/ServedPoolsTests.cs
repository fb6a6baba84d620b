using SoftUnicast.Config;
using SoftUnicast.Daemon.Dispatch;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests.Dispatch;

public class ServedPoolsTests
{
    private static readonly IpPrefix Prefix = IpPrefix.Parse("198.51.96.0/20");
    private static readonly Binding Tcp = Binding.TryParse("www", "tcp", "198.51.96.0/20", "443", out _)!;
    private static readonly Binding Udp = Binding.TryParse("dns", "udp", "198.51.96.0/24", "53", out _)!;
    private static readonly Binding Elsewhere = Binding.TryParse("api", "tcp", "203.0.113.0/24", "443", out _)!;

    private readonly Clock time = new();

    [Theory]
    [InlineData(AnnounceWhen.Always, null)]
    [InlineData(AnnounceWhen.Never, "the configuration says never")]
    [InlineData(AnnounceWhen.Served, "nothing is bound in it")]
    public void What_the_configuration_says_is_done(AnnounceWhen when, string? because) =>
        Assert.Equal(because, new ServedPools(time).WhyNot(Pool(when), [Elsewhere], _ => false));

    [Fact]
    public void A_pool_is_served_when_every_binding_in_it_leads_to_a_live_socket()
    {
        var served = new ServedPools(time);
        Assert.Equal("label dns has no live UDP socket for IPv4", served.WhyNot(Pool(), [Tcp, Udp, Elsewhere], b => b == Tcp));
        Assert.Null(served.WhyNot(Pool(), [Tcp, Udp, Elsewhere], b => b != Elsewhere));
    }

    [Fact]
    public void A_service_that_comes_back_at_once_withdraws_nothing()
    {
        var served = new ServedPools(time);
        Assert.Null(served.WhyNot(Pool(), [Tcp], _ => true));

        time.Seconds += 4;
        Assert.Null(served.WhyNot(Pool(), [Tcp], _ => false));
        time.Seconds += 1;
        Assert.Equal("label www has no live TCP socket for IPv4", served.WhyNot(Pool(), [Tcp], _ => false));
        Assert.Null(served.WhyNot(Pool(), [Tcp], _ => true));
    }

    private static DispatchPool Pool(AnnounceWhen when = AnnounceWhen.Served) => new("web", [Prefix], when);

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
