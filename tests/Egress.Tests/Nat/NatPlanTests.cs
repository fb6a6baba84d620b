using System.Collections.Immutable;
using SoftUnicast.Egress.Nat;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Tests.Nat;

public sealed class NatPlanTests
{
    private static readonly NatPlan Empty = new("softunicast-a1", [IpPrefix.Parse("192.0.2.0/24")], [], []);

    /// <summary>Problems, a row each: what is wrong, and the sentence that says so.</summary>
    public static TheoryData<string, NatPlan, string> Wrong => new()
    {
        { "a table of somebody else", Empty with { Table = "filter" }, "'filter' is no name for our table: softunicast, or softunicast-NAME in lower-case letters, digits and '-'" },
        { "a name that ends the table", Empty with { Table = "softunicast-a { } #" }, "'softunicast-a { } #' is no name for our table: softunicast, or softunicast-NAME in lower-case letters, digits and '-'" },
        { "IPv6", Empty with { Untouched = [IpPrefix.Parse("2001:db8::/32")] }, "2001:db8::/32 is IPv6, and only IPv4 is translated" },
        { "a quote in an interface", Empty with { OutInterfaces = ["eth\"0"] }, "'eth\"0' is no interface name that a rule could hold" },
        { "a star, which is any ending", Empty with { Pools = [Pool("us", "10.0.0.0/24") with { InInterfaces = ["eth*"] }] }, "'eth*' is no interface name that a rule could hold" },
        { "a name too long for an interface", Empty with { OutInterfaces = ["sixteen-letters-"] }, "'sixteen-letters-' is no interface name that a rule could hold" },
        { "a pool that is no name", Empty with { Pools = [Pool("us;drop", "10.0.0.0/24")] }, "'us;drop' is no name of a pool" },
        { "a slice elsewhere", Empty with { Pools = [Pool("us", "10.0.0.0/24", "198.51.100.1:2048-4095")] }, "pool us: 198.51.100.1:2048-4095 lies in no egress prefix" },
        { "port 0", Empty with { Pools = [Pool("us", "10.0.0.0/24", "192.0.2.7:0-2047")] }, "pool us: 192.0.2.7:0-2047 holds port 0" },
        { "overlapping slices", Empty with { Pools = [Pool("us", "10.0.0.0/24", "192.0.2.7:2048-4095", "192.0.2.7:4000-4200")] }, "pool us: 192.0.2.7:2048-4095 and 192.0.2.7:4000-4200 overlap" },
        { "a pool twice", Empty with { Pools = [Pool("us", "10.0.0.0/24"), Pool("us", "10.1.0.0/24")] }, "pool us is there twice" },
        { "traffic for two pools", Empty with { Pools = [Pool("us", "10.0.0.0/16"), Pool("eu", "10.0.3.0/24")] }, "pools us and eu both ask for traffic from 10.0.0.0/16" },
        { "an interface for two pools", Empty with { Pools = [Pool("us") with { InInterfaces = ["br0"] }, Pool("eu") with { InInterfaces = ["br0"] }] }, "pools us and eu both ask for traffic that comes in by br0" },
        { "a path from the root", Empty with { Cgroups = [Cgroup("/softunicast")] }, "'/softunicast' is no path of a cgroup that a rule could hold" },
        { "a path upwards", Empty with { Cgroups = [Cgroup("a/../b")] }, "'a/../b' is no path of a cgroup that a rule could hold" },
        { "a path with a quote", Empty with { Cgroups = [Cgroup("a\" drop #")] }, "'a\" drop #' is no path of a cgroup that a rule could hold" },
        { "a path with a line end", Empty with { Cgroups = [Cgroup("a\nb")] }, "'a\nb' is no path of a cgroup that a rule could hold" },
        { "a cgroup twice", Empty with { Cgroups = [Cgroup("a"), Cgroup("a")] }, "cgroup a is there twice" },
        { "a draining slice elsewhere", Empty with { Draining = [AddressPorts.Parse("198.51.100.1:2048-4095")] }, "draining: 198.51.100.1:2048-4095 lies in no egress prefix" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_a_plan_cannot_mean_is_named_and_never_written(string row, NatPlan plan, string problem)
    {
        Assert.Equal([problem], plan.Problems());
        Assert.Contains(problem, Assert.Throws<InvalidOperationException>(() => plan.Script()).Message, StringComparison.Ordinal);
        Assert.NotEmpty(row);
    }

    [Theory]
    [InlineData("softunicast", true)]
    [InlineData("softunicast-a1", true)]
    [InlineData("softunicast-", false)]
    [InlineData("softunicastx", false)]
    [InlineData("softunicast_a", false)]
    [InlineData("softunicast-A", false)]
    [InlineData("soft", false)]
    [InlineData("", false)]
    [InlineData("nat", false)]
    public void A_table_is_ours_by_its_name(string name, bool ours) => Assert.Equal(ours, NatPlan.IsTable(name));

    [Fact]
    public void The_script_replaces_the_table_and_nothing_else()
    {
        var plan = Empty with
        {
            Pools = [Pool("us", "10.0.0.0/24", "192.0.2.8:2048-4095", "192.0.2.7:4096-6143"), Pool("eu", null, "192.0.2.9:2048-4095") with { InInterfaces = ["br-eu", "br-eu2"] }],
            Cgroups = [Cgroup("softunicast", "192.0.2.9:2048-4095"), Cgroup(@"softunicast/exec\x2d1", "192.0.2.7:4096-6143")],
            OutInterfaces = ["eth0"],
            Untouched = [IpPrefix.Parse("10.0.0.0/8"), IpPrefix.Parse("10.1.0.0/16")],
            Draining = [AddressPorts.Parse("192.0.2.7:6144-8191")],
        };

        Assert.Equal(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Nat", "full.nft")), plan.Script());
    }

    [Fact]
    public void Beside_version_1_a_cgroups_path_starts_where_version_2_is_mounted_and_its_level_does_not()
    {
        var plan = Empty with { Cgroups = [Cgroup("a/b", "192.0.2.7:2048-4095")] };

        Assert.Contains("socket cgroupv2 level 2 \"unified/a/b\" meta mark set 0x5a", plan.Script("unified"), StringComparison.Ordinal);
        Assert.Contains("socket cgroupv2 level 2 \"a/b\" meta mark set 0x5a", plan.Script(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_slices_everything_of_the_egress_addresses_stays_untracked_and_nothing_is_translated()
    {
        var script = (Empty with { Pools = [Pool("us", "10.0.0.0/24")] }).Script();

        Assert.Contains("ip saddr @egress notrack", script, StringComparison.Ordinal);
        Assert.DoesNotContain("snat", script, StringComparison.Ordinal);
        Assert.DoesNotContain("th dport", script, StringComparison.Ordinal);
        Assert.DoesNotContain("postrouting", script, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_egress_prefixes_there_is_no_table()
    {
        Assert.Equal("add table ip softunicast-a1\ndelete table ip softunicast-a1\n", (Empty with { EgressPrefixes = [] }).Script());
    }

    [Fact]
    public void A_draining_slice_is_tracked_and_gets_no_new_flow()
    {
        var script = (Empty with { Draining = [AddressPorts.Parse("192.0.2.7:2048-4095")] }).Script();

        Assert.Contains("ip daddr . th dport { 192.0.2.7 . 2048-4095 } accept", script, StringComparison.Ordinal);
        Assert.DoesNotContain("snat", script, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mark_is_its_cgroups_whoever_else_is_there_and_has_no_bit_that_Kubernetes_acts_on()
    {
        var alone = NatScript.Marks([Cgroup("a/b")]).Single().Mark;
        var marks = NatScript.Marks([.. Enumerable.Range(0, 2000).Select(i => Cgroup($"c{i}")), Cgroup("a/b")]);

        Assert.Equal(alone, marks.Single(m => m.Cgroup.Path == "a/b").Mark);
        Assert.Equal(marks.Length, marks.Select(m => m.Mark).Distinct().Count());
        Assert.All(marks, m => Assert.Equal(0u, m.Mark & 0xc000));
        Assert.All(marks, m => Assert.Equal(0x5au, m.Mark >> 24));
    }

    [Theory]
    [InlineData("softunicast", 1)]
    [InlineData("system.slice/proxy.service", 2)]
    public void The_level_of_a_cgroup_is_its_depth(string path, int level) => Assert.Equal(level, Cgroup(path).Level);

    [Fact]
    public void A_cgroup_that_is_made_again_at_its_path_means_other_rules_though_the_script_is_the_same()
    {
        NatPlan Of(ulong id) => Empty with { Cgroups = [Cgroup("a/b") with { Id = id }] };

        Assert.Equal(Of(7).Script(), Of(8).Script());
        Assert.Equal(Of(7).Meaning(), Of(7).Meaning());
        Assert.NotEqual(Of(7).Meaning(), Of(8).Meaning());
        Assert.NotEqual(Of(7).Meaning(), (Of(7) with { Draining = [AddressPorts.Parse("192.0.2.7:2048-4095")] }).Meaning());
    }

    private static NatPool Pool(string name, string? source = null, params string[] slices) =>
        new(name, source is null ? [] : [IpPrefix.Parse(source)], [], Slices(slices));

    private static NatCgroup Cgroup(string path, params string[] slices) => new(path, Slices(slices));

    private static ImmutableArray<AddressPorts> Slices(string[] slices) => [.. slices.Select(s => AddressPorts.Parse(s))];
}
