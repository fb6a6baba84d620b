using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Naming.Tests;

/// <summary>What a policy answers, without any server.</summary>
public class NamingTableTests
{
    private static readonly NamingState Ams = new("ams");

    private static readonly NamingRules Example = Rules.Of(
        [
            Rules.Pool("twenty", "198.18.0.0/20", "2001:db8:4000::/44"), Rules.Pool("four", "198.19.0.0/24", "2001:db8:5000::/48"),
            Rules.Pool("one", "203.0.113.1/32", "2001:db8:6000::1/128"), Rules.Pool("pro", "198.19.1.0/24"), Rules.Pool("fra", "198.19.2.0/24"),
        ],
        [Rules.Accounts],
        Rules.Policy("all", ["example.com"], ["twenty"], otherwise: "last", except: ["ns1.example.com"]),
        Rules.Policy("shop", ["shop.example.com"], ["four"], otherwise: "last", types: AddressTypes.A),
        Rules.Policy("www", [], ["one"], names: ["www.shop.example.com"], otherwise: "authoritative"),
        Rules.Policy("pro", ["example.com"], ["pro"], otherwise: "last", types: AddressTypes.A, tags: ("plan", ["pro", "gold"])),
        Rules.Policy("fra", ["example.com"], ["fra"], otherwise: "last", types: AddressTypes.A, datacenters: ["fra"]),
        Rules.Policy("last", null, ["one"], NamingStrategy.One, ttl: 5));

    [Theory]
    [InlineData("a name below the suffix", "x.y.example.com", "A", "all", "twenty")]
    [InlineData("the suffix itself", "example.com", "A", "all", "twenty")]
    [InlineData("case does not count", "X.EXAMPLE.com", "AAAA", "all", "twenty")]
    [InlineData("the longer suffix", "a.shop.example.com", "A", "shop", "four")]
    [InlineData("the longer suffix does not answer this type, the shorter one does", "a.shop.example.com", "AAAA", "all", "twenty")]
    [InlineData("a name alone", "www.shop.example.com", "A", "www", "one")]
    [InlineData("below a name alone", "a.www.shop.example.com", "A", "shop", "four")]
    [InlineData("more tags before fewer", "a150.cdn.example.com", "A", "pro", "pro")]
    [InlineData("another value of the tag", "a99.cdn.example.com", "A", "all", "twenty")]
    [InlineData("outside every range", "a500.cdn.example.com", "A", "all", "twenty")]
    [InlineData("a value by its text", "avip.cdn.example.com", "A", "pro", "pro")]
    [InlineData("one label more than the pattern", "x.a150.cdn.example.com", "A", "all", "twenty")]
    [InlineData("left out", "ns1.example.com", "A", null, null)]
    [InlineData("below what is left out", "a.ns1.example.com", "A", null, null)]
    [InlineData("outside every suffix", "example.org", "A", null, null)]
    [InlineData("a suffix is labels, not letters", "shopexample.com", "A", null, null)]
    public void A_query_is_answered_by_the_nearest_policy(string rule, string name, string type, string? policy, string? pool)
    {
        var answer = NamingTable.Build(Example, Ams).Answer(DnsName.Parse(name), Type(type), new Random(1));
        Assert.True((policy, pool) == (answer.Policy, answer.Pool), $"{rule}: {answer}");
        Assert.Equal(policy is null ? AnswerKind.Authoritative : AnswerKind.Address, answer.Kind);
        Assert.True(pool is null || Example.Pool(pool)!.Prefixes.Any(p => p.Contains(answer.Address)));
    }

    [Fact]
    public void A_policy_for_a_datacenter_comes_before_one_for_all_there_and_is_unknown_elsewhere()
    {
        Assert.Equal("fra", Answer(Ams with { Datacenter = "fra" }, "x.example.com").Policy);
        Assert.Equal("all", Answer(Ams, "x.example.com").Policy);
    }

    [Fact]
    public void A_drained_pool_is_not_answered_and_the_default_is_with_its_own_TTL()
    {
        var answer = Answer(Ams with { Drained = ["twenty"] }, "x.example.com");
        Assert.Equal(("last", "one", 5, IpAddress.Parse("203.0.113.1")), (answer.Policy, answer.Pool, answer.TtlSeconds, answer.Address));
    }

    [Fact]
    public void A_prefix_that_is_not_announced_here_is_not_answered()
    {
        var state = Ams with { Announced = [IpPrefix.Parse("198.19.0.0/16"), IpPrefix.Parse("203.0.113.0/24")] };
        Assert.Equal("last", Answer(state, "x.example.com").Policy);
        Assert.Equal("shop", Answer(state, "x.shop.example.com").Policy);
    }

    [Fact]
    public void When_not_even_a_default_is_left_the_answer_is_an_error_and_never_empty()
    {
        Assert.Equal(AnswerKind.Nothing, Answer(Ams with { Drained = ["twenty", "one"] }, "x.example.com").Kind);
        Assert.Equal(AnswerKind.Authoritative, Answer(Ams with { Drained = ["one"] }, "www.shop.example.com").Kind);
    }

    [Fact]
    public void A_moved_policy_answers_from_the_pool_that_it_moved_to()
    {
        var state = Ams with { Moves = ImmutableDictionary<string, string>.Empty.Add("all", "four") };
        Assert.Equal("four", Answer(state, "x.example.com").Pool);
        Assert.Equal("four", Answer(state, "x.example.com", AddressTypes.Aaaa).Pool);
    }

    [Fact]
    public void Random_answers_are_uniform_over_all_prefixes_of_a_pool()
    {
        var rules = Rules.Of([Rules.Pool("p", "198.18.0.0/25", "198.18.4.0/26", "198.18.8.0/26")], [], Rules.Policy("p", ["example.com"], ["p"], types: AddressTypes.A));
        var table = NamingTable.Build(rules, Ams);
        var random = new Random(7);
        var counts = new Dictionary<IpAddress, int>();
        for (var i = 0; i < 256 * 200; i++)
        {
            var address = table.Answer(DnsName.Parse("example.com"), AddressTypes.A, random).Address;
            counts[address] = counts.GetValueOrDefault(address) + 1;
        }

        Assert.Equal(256, counts.Count);
        Assert.True(Chi.Sigmas(counts.Values) < 5, $"{Chi.Sigmas(counts.Values)}");
    }

    [Fact]
    public void A_hash_gives_a_name_one_address_and_names_all_addresses()
    {
        var rules = Rules.Of([Rules.Pool("p", "198.18.0.0/24", "2001:db8:4000::/44")], [], Rules.Policy("p", ["example.com"], ["p"], NamingStrategy.Hash));
        var table = NamingTable.Build(rules, Ams);
        var addresses = Enumerable.Range(0, 256 * 100).Select(i => DnsName.Parse($"n{i}.example.com")).Select(n => table.Answer(n, AddressTypes.A, Random.Shared).Address).ToArray();
        var counts = addresses.GroupBy(a => a).Select(g => g.Count()).ToArray();
        Assert.Equal(256, counts.Length);
        Assert.True(Chi.Sigmas(counts) < 5, $"{Chi.Sigmas(counts)}");
        var again = NamingTable.Build(rules, Ams with { Datacenter = "fra" });
        Assert.Equal(addresses, Enumerable.Range(0, addresses.Length).Select(i => again.Answer(DnsName.Parse($"n{i}.example.com"), AddressTypes.A, Random.Shared).Address));
    }

    [Fact]
    public void When_a_pool_drains_only_its_own_names_hash_elsewhere()
    {
        var rules = Rules.Of(
            [Rules.Pool("a", "198.18.0.0/24"), Rules.Pool("b", "198.18.1.0/24"), Rules.Pool("c", "198.18.2.0/24")], [],
            Rules.Policy("p", ["example.com"], ["a", "b", "c"], NamingStrategy.Hash, types: AddressTypes.A));
        var (before, after) = (NamingTable.Build(rules, Ams), NamingTable.Build(rules, Ams with { Drained = ["b"] }));
        foreach (var name in Enumerable.Range(0, 3000).Select(i => DnsName.Parse($"n{i}.example.com")))
        {
            var (was, now) = (before.Answer(name, AddressTypes.A, Random.Shared), after.Answer(name, AddressTypes.A, Random.Shared));
            Assert.NotEqual("b", now.Pool);
            Assert.True(was.Pool == "b" || was == now);
        }
    }

    [Fact]
    public void Weights_are_kept_and_what_a_drained_pool_had_goes_to_the_others_by_theirs()
    {
        var rules = Rules.Of([Rules.Pool("a", "198.18.0.0/20"), Rules.Pool("b", "198.19.0.0/32"), Rules.Pool("c", "198.19.1.0/24")], [],
            Rules.Weighted("p", "example.com", NamingStrategy.Random, ("a", 1), ("b", 3), ("c", 4)));
        Assert.Equal((1, 3, 4), Shares(Ams, 8000));
        Assert.Equal((1, 3, 0), Shares(Ams with { Drained = ["c"] }, 4000));

        (int A, int B, int C) Shares(NamingState state, int draws)
        {
            var table = NamingTable.Build(rules, state);
            var random = new Random(3);
            var counts = Enumerable.Range(0, draws).Select(_ => table.Answer(DnsName.Parse("example.com"), AddressTypes.A, random).Pool!).CountBy(p => p).ToDictionary();
            int Share(string pool) => (int)Math.Round(counts.GetValueOrDefault(pool) / 1000.0);
            return (Share("a"), Share("b"), Share("c"));
        }
    }

    [Fact]
    public void Of_two_draws_the_address_with_the_lesser_load_is_answered()
    {
        var rules = Rules.Of([Rules.Pool("p", "198.18.0.0/30")], [], Rules.Policy("p", ["example.com"], ["p"], NamingStrategy.LeastLoaded, types: AddressTypes.A));
        var loads = new Dictionary<IpAddress, long> { [IpAddress.Parse("198.18.0.0")] = 10, [IpAddress.Parse("198.18.0.1")] = 20, [IpAddress.Parse("198.18.0.2")] = 30 };
        var table = NamingTable.Build(rules, Ams with { Loads = loads });
        var random = new Random(5);
        var counts = Enumerable.Range(0, 6000).Select(_ => table.Answer(DnsName.Parse("example.com"), AddressTypes.A, random).Address).CountBy(a => a).ToDictionary();
        int Of(string address) => counts.GetValueOrDefault(IpAddress.Parse(address));
        int[] byLoad = [Of("198.18.0.3"), Of("198.18.0.0"), Of("198.18.0.1"), Of("198.18.0.2")];
        Assert.Equal(byLoad.OrderDescending(), byLoad);
        Assert.True(byLoad[0] > 2500 && byLoad[3] < 50, string.Join(' ', byLoad));
    }

    [Fact]
    public void Policies_ask_the_rules_in_the_state_that_they_are_given()
    {
        var policies = new NamingPolicies(Example);
        var query = new NamingQuery(DnsName.Parse("x.example.com"), AddressTypes.A);
        Assert.Equal("all", policies.Answer(query, Ams, Random.Shared).Policy);
        Assert.Equal("last", policies.Answer(query, Ams with { Drained = ["twenty"] }, Random.Shared).Policy);
        Assert.Same(policies.Table(Ams), policies.Table(Ams));
    }

    private static NamingAnswer Answer(NamingState state, string name, AddressTypes type = AddressTypes.A) =>
        NamingTable.Build(Example, state).Answer(DnsName.Parse(name), type, new Random(1));

    private static AddressTypes Type(string text) => text == "A" ? AddressTypes.A : AddressTypes.Aaaa;

    [Fact]
    public void A_trace_finds_the_policy_that_answers()
    {
        var (rules, state) = (Rules.Of(
            [Rules.Pool("a", "198.18.0.0/20", "2001:db8:4000::/44"), Rules.Pool("b", "198.19.0.0/24"), Rules.Pool("gone", "192.0.2.0/24", "2001:db8:6000::/48")],
            [Rules.Accounts],
            Rules.Policy("all", ["example.com"], ["a"], NamingStrategy.Hash, except: ["ns1.example.com"]),
            Rules.Policy("free", ["example.com"], ["b"], NamingStrategy.Hash, types: AddressTypes.A, tags: ("plan", ["free", "gold"])),
            Rules.Policy("deep", ["cdn.example.com"], ["gone"], NamingStrategy.Hash, tags: ("plan", ["pro"]), otherwise: "all"),
            Rules.Policy("one", [], ["b"], NamingStrategy.Hash, names: ["www.example.com"], types: AddressTypes.A),
            Rules.Policy("nothing", ["nothing.example.com"], ["gone"], NamingStrategy.Hash)),
            new NamingState("ams") { Drained = ["gone"] });
        var table = NamingTable.Build(rules, state);
        string[] names =
        [
            "example.com", "www.example.com", "x.www.example.com", "ns1.example.com", "x.ns1.example.com", "a50.cdn.example.com", "a150.cdn.example.com", "avip.cdn.example.com",
            "a999.cdn.example.com", "nothing.example.com", "x.nothing.example.com", "example.org", "com", ".",
        ];
        foreach (var name in names.Select(n => DnsName.Parse(n)))
        {
            foreach (var type in new[] { AddressTypes.A, AddressTypes.Aaaa })
            {
                // By hash there is one answer to a name: the trace's choice gives the same.
                var answer = table.Answer(name, type, new Random(1));
                var trace = table.Trace(name, type, new Random(1));
                Assert.Equal(answer, trace.Answer);
                Assert.Equal(answer.Kind, trace.Choice?.Kind switch { null or ChoiceKind.Authoritative => AnswerKind.Authoritative, ChoiceKind.Nothing => AnswerKind.Nothing, _ => AnswerKind.Address });
                Assert.Equal(answer.Kind == AnswerKind.Address ? answer.Address : default, answer.Kind == AnswerKind.Address ? trace.Choice!.Draw(name.Wire.Span, state.Loads, new Random(1)).Address : default);
                Assert.Equal(trace.Policy is null, trace.Choice is null);
            }
        }

        Assert.Equal(("one", "www.example.com", false), (table.Trace(DnsName.Parse("www.example.com"), AddressTypes.A, new Random(1)) is var t ? (t.Policy, t.Place, t.IsSuffix) : default));
        Assert.Equal([new PassedPolicy("one", "www.example.com", "it does not answer AAAA"), new PassedPolicy("free", "example.com", "it does not answer AAAA")],
            table.Trace(DnsName.Parse("www.example.com"), AddressTypes.Aaaa, new Random(1)).Passed);
    }

    [Fact]
    public void Files_for_dnsdist_are_for_everyone_to_read_whatever_the_umask_is()
    {
        var folder = Directory.CreateTempSubdirectory("softunicast-naming-");
        var before = Umask(0b000_010_111);
        try
        {
            var files = DnsdistFiles.In(folder.FullName);
            var first = new DnsdistStateWriter(files).Write("return {}");
            Assert.Equal(first + 1, new DnsdistStateWriter(files).Write("return {}"));
            Assert.All([files.StatePath, files.GenerationPath], f => Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(f)));
        }
        finally
        {
            _ = Umask(before);
            folder.Delete(recursive: true);
        }
    }

    // umask(2)
    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "umask")]
    private static extern uint Umask(uint mask);
}
