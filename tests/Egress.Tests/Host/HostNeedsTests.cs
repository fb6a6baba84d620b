using System.Collections.Immutable;
using SoftUnicast.Egress.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests.Host;

public sealed class HostNeedsTests
{
    private static readonly HostNeeds Needs = new([IpPrefix.Parse("192.0.2.0/24")], [AddressPorts.Parse("192.0.2.7:2048-4095"), AddressPorts.Parse("192.0.2.8:61440-63487")])
    {
        Interfaces = ["eth0", "eth0.100"],
        Forwards = true,
    };

    private static readonly ImmutableDictionary<string, string?> Right = new Dictionary<string, string?>
    {
        ["net.ipv4.ip_local_port_range"] = "2048 65535",
        ["net.ipv4.ip_local_reserved_ports"] = "",
        ["net.ipv4.ip_forward"] = "1",
        ["net.ipv4.tcp_tw_reuse"] = "1",
        ["net.ipv4.conf.all.rp_filter"] = "0",
        ["net.ipv4.conf.eth0.rp_filter"] = "0",
        ["net.ipv4.conf.eth0/100.rp_filter"] = "2",
    }.ToImmutableDictionary();

    /// <summary>One setting that is not right, and the change that puts it right.</summary>
    public static TheoryData<string, string, string, string> Changed => new()
    {
        { "net.ipv4.ip_local_port_range", "32768 60999", "net.ipv4.ip_local_port_range", "sysctl -w net.ipv4.ip_local_port_range=\"2048 63487\"" },
        { "net.ipv4.ip_local_port_range", "1024 60999", "net.ipv4.ip_local_port_range", "sysctl -w net.ipv4.ip_local_port_range=\"1024 63487\"" },
        { "net.ipv4.ip_local_port_range", "2049 65535", "net.ipv4.ip_local_port_range", "sysctl -w net.ipv4.ip_local_port_range=\"2048 65535\"" },
        { "net.ipv4.conf.all.rp_filter", "1", "net.ipv4.conf.eth0.rp_filter", "sysctl -w net.ipv4.conf.eth0.rp_filter=2" },
        { "net.ipv4.conf.eth0.rp_filter", "1", "net.ipv4.conf.eth0.rp_filter", "sysctl -w net.ipv4.conf.eth0.rp_filter=2" },
        { "net.ipv4.conf.eth0/100.rp_filter", "1", "net.ipv4.conf.eth0/100.rp_filter", "sysctl -w net.ipv4.conf.eth0/100.rp_filter=2" },
    };

    /// <summary>One setting that is for an operator to change: what is said, and the uses that it stops.</summary>
    public static TheoryData<string, string, string, string> Remarked => new()
    {
        {
            "net.ipv4.ip_forward", "0", "Nat",
            "net.ipv4.ip_forward is 0: nothing is forwarded, so nothing is translated; that this machine is a router is for you to decide: sysctl -w net.ipv4.ip_forward=1"
        },
        {
            "net.ipv4.tcp_tw_reuse", "2", "",
            "net.ipv4.tcp_tw_reuse is 2: a port that this side closed is unusable towards that destination for 60 s; with 1 it is free after a second: sysctl -w net.ipv4.tcp_tw_reuse=1"
        },
        {
            "net.ipv4.ip_local_reserved_ports", "22,2000-2049,3306", "",
            "net.ipv4.ip_local_reserved_ports is 22,2000-2049,3306: the kernel never chooses a reserved port: 3 of 4096 ports of the slices are of no use: sysctl -w net.ipv4.ip_local_reserved_ports=22,2000-2047"
        },
        {
            "net.ipv4.ip_local_reserved_ports", "2048-4095,60000-65535", "Range",
            "net.ipv4.ip_local_reserved_ports is 2048-4095,60000-65535: the kernel never chooses a reserved port: 4096 of 4096 ports of the slices are of no use: sysctl -w net.ipv4.ip_local_reserved_ports=60000-61439,63488-65535"
        },
    };

    [Fact]
    public void Where_all_is_right_there_is_nothing_to_do()
    {
        var verdict = Needs.Judge(new HostValues(Right, [IpPrefix.Parse("192.0.0.0/16")]));

        Assert.Empty(verdict.Changes);
        Assert.Empty(verdict.Remarks);
        Assert.Equal(Right.Keys.Order(), Needs.Sysctls.Order());
    }

    [Theory]
    [MemberData(nameof(Changed))]
    public void What_slices_need_is_changed(string name, string value, string changed, string command)
    {
        var change = Assert.Single(Judge(name, value).Changes);

        Assert.Equal((changed, command), (change.Name, HostChange.CommandOf(change.Name, change.Wanted)));
        Assert.NotEmpty(change.Stops);
    }

    [Theory]
    [InlineData("net.ipv4.conf.all.rp_filter", "2")]
    [InlineData("net.ipv4.conf.eth0.rp_filter", "2")]
    [InlineData("net.ipv4.conf.eth0.rp_filter", null)]
    [InlineData("net.ipv4.ip_local_port_range", null)]
    [InlineData("net.ipv4.tcp_tw_reuse", null)]
    public void What_does_no_harm_or_is_not_there_is_left_alone(string name, string? value)
    {
        var verdict = Judge(name, value);

        Assert.Empty(verdict.Changes);
        Assert.Empty(verdict.Remarks);
    }

    [Fact]
    public void Loose_here_overrules_strict_for_all()
    {
        var values = Right.SetItem("net.ipv4.conf.all.rp_filter", "1").SetItem("net.ipv4.conf.eth0.rp_filter", "2");

        Assert.Empty(Needs.Judge(new HostValues(values, Needs.EgressPrefixes)).Changes);
    }

    [Theory]
    [MemberData(nameof(Remarked))]
    public void What_is_an_operators_is_said_and_not_changed(string name, string value, string stops, string text)
    {
        var verdict = Judge(name, value);

        Assert.Empty(verdict.Changes);
        var remark = Assert.Single(verdict.Remarks);
        Assert.Equal(text, remark.ToString());
        Assert.Equal(stops, string.Join(' ', remark.Stops));
    }

    [Fact]
    public void An_egress_prefix_without_a_local_route_gets_one()
    {
        var change = Assert.Single(Needs.Judge(new HostValues(Right, [IpPrefix.Parse("192.0.2.0/25"), IpPrefix.Parse("127.0.0.0/8")])).Changes);

        Assert.Equal(("route local 192.0.2.0/24", null, IpPrefix.Parse("192.0.2.0/24")), (change.Name, change.Was, change.Route!.Value));
        Assert.Equal("ip route add local 192.0.2.0/24 dev lo", HostChange.CommandOf(change.Name, change.Wanted));
        Assert.Equal("ip route del local 192.0.2.0/24 dev lo", HostChange.CommandOf(change.Name, change.Was));
        Assert.Equal([SliceUse.Exec, SliceUse.Range, SliceUse.Explicit], change.Stops);
    }

    [Fact]
    public void Without_forwarding_and_ranges_those_settings_are_nobodys_business()
    {
        var verdict = (Needs with { Forwards = false, RangeSlices = [], Interfaces = [] }).Judge(new HostValues(
            Right.SetItem("net.ipv4.ip_forward", "0").SetItem("net.ipv4.ip_local_port_range", "32768 60999").SetItem("net.ipv4.conf.all.rp_filter", "1"), Needs.EgressPrefixes));

        Assert.Empty(verdict.Changes);
        Assert.Empty(verdict.Remarks);
    }

    [Fact]
    public void What_was_changed_is_remembered_with_its_first_value_and_reads_back_the_same()
    {
        var held = new HeldSettings("boot ns", []).With([new HostChange("a", "1", "2", "why", []), new HostChange("route local 192.0.2.0/24", null, "dev lo", "why", [])])
            .With([new HostChange("a", "1 again", "3", "why now", [])]);

        Assert.Equal([new HeldSetting("a", "1", "3", "why now"), new HeldSetting("route local 192.0.2.0/24", null, "dev lo", "why")], held.Settings);
        var read = HeldSettings.FromJson(held.ToJson());
        Assert.Equal(held.Where, read.Where);
        Assert.Equal(held.Settings, read.Settings);
        Assert.Equal("route local 192.0.2.0/24", Assert.Single(held.Without(["a"]).Settings).Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"version":2,"where":"","settings":[]}""")]
    [InlineData("""{"version":1,"where":"","settings":[{"name":"a"}]}""")]
    [InlineData("""{"version":1,"where":"","settings":[7]}""")]
    public void A_file_that_is_not_ours_is_refused(string json) => Assert.Throws<FormatException>(() => HeldSettings.FromJson(json));

    private static HostVerdict Judge(string name, string? value) => Needs.Judge(new HostValues(Right.SetItem(name, value), Needs.EgressPrefixes));
}
