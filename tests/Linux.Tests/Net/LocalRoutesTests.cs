using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Linux.Tests.Guard;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Tests.Net;

/// <summary>Local routes that are ours, in the real kernel, beside those of others.</summary>
public sealed class LocalRoutesTests : IDisposable
{
    private const string Four = "10.1.0.0/16";
    private const string Six = "2001:db8:1::/48";
    private readonly NetNamespace machine = new();
    private readonly LocalRoutes routes;

    public LocalRoutesTests() => routes = machine.Within(() => new LocalRoutes());

    public void Dispose()
    {
        routes.Dispose();
        machine.Dispose();
    }

    [Fact]
    public void Prefixes_of_both_families_come_and_go_and_what_is_right_is_left_alone()
    {
        Assert.Equal($"+{Four} +{Six}", Keep(Four, Six, Four));
        Assert.Equal("", Keep(Four, Six));
        Assert.Equal($"local {Four} dev lo proto 213 scope host", Shown(Four));
        Assert.StartsWith($"local {Six} dev lo proto 213 metric 1024", Shown(Six), StringComparison.Ordinal);
        using (var kernel = machine.Within(() => new Rtnetlink()))
        {
            Assert.Equal(RouteType.Local, kernel.RouteTo(IpAddress.Parse("10.1.255.7")).Type);
            Assert.Equal(RouteType.Local, kernel.RouteTo(IpAddress.Parse("2001:db8:1::7")).Type);
        }

        Assert.Equal($"+10.2.0.0/16 -{Four} -{Six}", Keep("10.2.0.0/16"));
        Assert.Equal("-10.2.0.0/16", Keep());
        Assert.True(routes.Keep([]).IsEmpty);
        Assert.Equal(("", ""), (Shown(Four), Shown(Six)));
    }

    [Fact]
    public void What_somebody_takes_away_is_put_back()
    {
        Keep(Four, Six, "10.2.0.0/16");
        machine.Ip($"route del local {Four}");
        machine.Ip($"-6 route del local {Six} table local");

        Assert.Equal($"+{Four} +{Six}", Keep(Four, Six, "10.2.0.0/16"));
    }

    [Fact]
    public void Anothers_route_serves_and_stays_theirs()
    {
        machine.Ip($"route add local {Four} dev lo");
        machine.Ip($"-6 route add local {Six} dev lo");
        machine.Ip("addr add 10.9.0.1/32 dev lo");
        Assert.Equal("", Keep(Four, Six, "10.9.0.1/32"));

        Assert.Empty(routes.Remove());
        Assert.Equal(($"local {Four} dev lo scope host", $"local {Six} dev lo metric 1024 pref medium"), (Shown(Four), Shown(Six)));

        machine.Ip($"route del local {Four}");
        machine.Ip($"-6 route del local {Six} table local");
        Assert.Equal($"+{Four} +{Six}", Keep(Four, Six, "10.9.0.1/32"));
    }

    [Fact]
    public void Of_two_routes_for_a_prefix_ours_alone_is_removed()
    {
        Keep(Four, Six);
        machine.Ip($"route append local {Four} dev lo metric 77");
        machine.Ip($"-6 route append local {Six} dev lo metric 77");

        Assert.Equal($"-{Four} -{Six}", Keep());
        Assert.Contains("metric 77", Shown(Four), StringComparison.Ordinal);
        Assert.Contains("metric 77", Shown(Six), StringComparison.Ordinal);
    }

    [Fact]
    public void The_next_process_knows_which_are_ours()
    {
        Keep(Four, Six);
        machine.Ip("route add local 10.2.0.0/16 dev lo");
        using var next = machine.Within(() => new LocalRoutes());

        Assert.True(next.Keep([IpPrefix.Parse(Four), IpPrefix.Parse(Six)]).IsEmpty);
        Assert.Equal([Four, Six], next.Remove().Select(p => p.ToString()));
        Assert.Empty(next.Remove());
    }

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("::/0")]
    [InlineData("192.0.2.7/32")]
    public void A_prefix_of_any_length_is_known_again(string prefix)
    {
        Assert.Equal($"+{prefix}", Keep(prefix));
        Assert.Equal("", Keep(prefix));
        Assert.Equal([prefix], routes.Remove().Select(p => p.ToString()));
    }

    [Fact]
    public void A_route_of_another_type_that_is_in_the_way_is_named()
    {
        machine.Ip($"route add blackhole {Four} table local");

        var error = Assert.Throws<NetlinkException>(() => Keep(Four));

        Assert.Equal(
            $"RTM_NEWROUTE local {Four}: EEXIST (File exists): a route of another type is in the way: see 'ip route show table local {Four}'", error.Message);
    }

    [Fact]
    public void Without_the_right_to_change_routes_it_is_an_error_that_says_so()
    {
        Assert.Equal($"RTM_NEWROUTE local {Four}: EPERM (Operation not permitted): CAP_NET_ADMIN is needed", Refusal(r => r.Keep([IpPrefix.Parse(Four)])));
        Keep(Four);
        Assert.Equal($"RTM_DELROUTE local {Four}: EPERM (Operation not permitted): CAP_NET_ADMIN is needed", Refusal(r => r.Remove()));
        Assert.Null(Refusal(r => r.Keep([IpPrefix.Parse(Four)])));
    }

    // What was added and removed.
    private string Keep(params string[] prefixes)
    {
        var change = routes.Keep([.. prefixes.Select(p => IpPrefix.Parse(p))]);
        return string.Join(' ', [.. change.Added.Select(p => $"+{p}"), .. change.Removed.Select(p => $"-{p}")]);
    }

    private string Shown(string prefix) => string.Join(' ', machine.Ip($"{(prefix.Contains(':', StringComparison.Ordinal) ? "-6 " : "")}route show table local {prefix}").Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private string? Refusal(Action<LocalRoutes> action) => machine.Within(() =>
    {
        LinkSettings.GiveUpNetAdmin();
        using var powerless = new LocalRoutes();
        return Record.Exception(() => action(powerless))?.Message;
    });
}
