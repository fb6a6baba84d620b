using SoftUnicast.Model;
using SoftUnicast.Naming.Tests.Lab;
using static SoftUnicast.Naming.Tests.Lab.Servers;

namespace SoftUnicast.Naming.Tests;

/// <summary>The real dnsdist with the generated configuration, in front of a real PowerDNS.</summary>
public class DnsdistTests
{
    private static readonly NamingState Here = new("ams");

    [Fact]
    public async Task An_address_of_the_pool_is_answered_with_the_policys_TTL_and_the_rest_comes_from_the_zone()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server", "dig");
        using var client = await StartAsync(lab, Rules.Of([Rules.Pool("p", "198.18.0.0/20", "2001:db8:4000::/44")], [],
            Rules.Policy("all", ["example.com"], ["p"], except: ["ns1.example.com"])), Here);

        var reply = client.Ask("WWW.Shop.example.com");
        Assert.Equal((0, true, false, false), (reply.Rcode, reply.IsAuthoritative, reply.IsRecursionAvailable, reply.HasEdns));
        var record = Assert.Single(reply.Answers);
        Assert.Equal(30u, record.Ttl);
        Assert.True(IpPrefix.Parse("198.18.0.0/20").Contains(record.Address!.Value), $"{record.Address}");

        reply = client.Ask("www.example.com", DnsClient.Aaaa, edns: true);
        Assert.True(reply.HasEdns);
        Assert.True(IpPrefix.Parse("2001:db8:4000::/44").Contains(Assert.Single(reply.Answers).Address!.Value));

        var overTcp = await lab.RunInsideAsync("dig", "+tcp", "+short", "@127.0.0.1", "-p", $"{DnsdistPort}", "www.example.com", "A");
        Assert.True(IpPrefix.Parse("198.18.0.0/20").Contains(IpAddress.Parse(overTcp.Trim())), overTcp);

        Assert.Equal(IpAddress.Parse("203.0.113.53"), Assert.Single(client.Ask("ns1.example.com").Answers).Address);
        Assert.Equal(DnsClient.Mx, Assert.Single(client.Ask("example.com", DnsClient.Mx).Answers).Type);
        reply = client.Ask("www.example.com", DnsClient.Mx);
        Assert.Equal((0, 0), (reply.Rcode, reply.Answers.Length));
    }

    [Fact]
    public async Task Random_answers_are_uniform_and_weights_are_kept()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        using var client = await StartAsync(lab, Rules.Of([Rules.Pool("p", "198.18.0.0/26"), Rules.Pool("a", "198.18.1.0/24"), Rules.Pool("b", "198.18.2.0/32")], [],
            Rules.Policy("all", ["u.example.com"], ["p"], types: AddressTypes.A), Rules.Weighted("w", "w.example.com", NamingStrategy.Random, ("a", 3), ("b", 1))), Here);

        var counts = Draw(client, "www.u.example.com", 6400).CountBy(a => a).ToDictionary();
        Assert.Equal(64, counts.Count);
        Assert.True(Chi.Sigmas(counts.Values) < 5, $"{Chi.Sigmas(counts.Values)}");
        var b = Draw(client, "www.w.example.com", 4000).Count(a => a == IpAddress.Parse("198.18.2.0"));
        Assert.InRange(b, 850, 1150); // 1,000, give or take 5.5 standard deviations: once in 25 million runs
    }

    [Fact]
    public async Task Hashes_attributes_and_precedence_are_those_of_the_table()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        var rules = Rules.Of(
            [Rules.Pool("a", "198.18.0.0/20", "2001:db8:4000::/44"), Rules.Pool("b", "198.19.0.0/24", "198.19.4.0/22", "2001:db8:5000::/61"), Rules.Pool("c", "198.19.1.0/28")],
            [Rules.Accounts],
            Rules.Policy("all", ["example.com"], ["a", "b", "c"], NamingStrategy.Hash, types: AddressTypes.A),
            Rules.Policy("six", ["example.com"], ["a", "b"], NamingStrategy.Hash, types: AddressTypes.Aaaa),
            Rules.Policy("pro", ["example.com"], ["b"], NamingStrategy.Hash, types: AddressTypes.A, tags: ("plan", ["pro", "gold"])),
            Rules.Policy("fra", ["example.com"], ["c"], NamingStrategy.Hash, types: AddressTypes.A, datacenters: ["fra"]),
            Rules.Policy("one", [], ["c"], NamingStrategy.One, names: ["n7.example.com"], types: AddressTypes.A));
        var state = Here with { Drained = ["c"], Announced = [IpPrefix.Parse("198.18.0.0/15"), IpPrefix.Parse("2001:db8::/32")] };
        var table = NamingTable.Build(rules, state);
        using var client = await StartAsync(lab, rules, state);

        foreach (var name in Enumerable.Range(0, 150).Select(i => $"n{i}.example.com")
            .Concat(Enumerable.Range(0, 210).Select(i => $"a{i}.cdn.example.com")).Append("avip.cdn.example.com").Append("a007.cdn.example.com").Append("x.a150.cdn.example.com"))
        {
            foreach (var (type, number) in new[] { (AddressTypes.A, DnsClient.A), (AddressTypes.Aaaa, DnsClient.Aaaa) })
            {
                var expected = table.Answer(DnsName.Parse(name), type, Random.Shared);
                var reply = client.Ask(name, number);
                if (expected.Kind == AnswerKind.Nothing)
                {
                    Assert.True(reply is { Rcode: 2, Answers.Length: 0 }, name);
                    continue;
                }

                Assert.Equal((name, expected.Address), (name, Assert.Single(reply.Answers).Address!.Value));
            }
        }
    }

    [Fact]
    public async Task The_less_loaded_address_is_answered_and_a_new_measurement_counts_at_once()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        var rules = Rules.Of([Rules.Pool("p", "198.18.0.0/31", "2001:db8::/127")], [], Rules.Policy("p", ["example.com"], ["p"], NamingStrategy.LeastLoaded));
        var (first, second, six) = (IpAddress.Parse("198.18.0.0"), IpAddress.Parse("198.18.0.1"), IpAddress.Parse("2001:db8::1"));
        using var client = await StartAsync(lab, rules, Here with { Loads = new Dictionary<IpAddress, long> { [first] = 10, [second] = 5, [six] = 1 } });
        Assert.True(Draw(client, "x.example.com", 500).Count(a => a == second) > 450);
        Assert.True(Draw(client, "x.example.com", 500, DnsClient.Aaaa).Count(a => a == six) < 50);
        Write(lab, rules, Here with { Loads = new Dictionary<IpAddress, long> { [first] = 3, [second] = 5 } });
        Assert.True(Draw(client, "x.example.com", 500).Count(a => a == first) > 450);
    }

    [Fact]
    public async Task A_change_holds_for_the_next_query_and_under_load_no_query_is_unanswered_or_outside_its_pool()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server", "dnsperf");
        var rules = Rules.Of([Rules.Pool("big", "198.18.0.0/20"), Rules.Pool("small", "198.19.0.0/24"), Rules.Pool("spare", "203.0.113.1/32")], [],
            Rules.Policy("all", ["example.com"], ["big"], otherwise: "next", types: AddressTypes.A),
            Rules.Policy("next", null, ["small"], otherwise: "last"),
            Rules.Policy("last", null, ["spare"], NamingStrategy.One));
        NamingState[] states = [Here, Here with { Drained = ["big"] }, Here with { Drained = ["big", "small"] }, Here with { Announced = [IpPrefix.Parse("198.19.0.0/16")] }];
        IpPrefix[] expected = [IpPrefix.Parse("198.18.0.0/20"), IpPrefix.Parse("198.19.0.0/24"), IpPrefix.Parse("203.0.113.1/32"), IpPrefix.Parse("198.19.0.0/24")];
        using var client = await StartAsync(lab, rules, states[0]);

        for (var (changes, answers) = (0, 0); changes <= 20;)
        {
            var load = lab.LoadAsync(DnsdistPort, 5);
            while (!load.IsCompleted)
            {
                var now = changes++ % states.Length;
                Write(lab, rules, states[now]);
                for (var i = 0; i < 25; i++)
                {
                    var reply = client.Ask($"n{answers++}.example.com");
                    var address = Assert.Single(reply.Answers).Address!.Value;
                    Assert.True(reply.Rcode == 0 && expected[now].Contains(address), $"change {changes}, query {i} after it: {address} is not of {expected[now]}");
                }
            }

            AssertAllAnswered(await load);
        }
    }

    [Fact]
    public async Task With_nothing_left_the_answer_is_SERVFAIL_and_with_a_default_behind_it_is_the_zones()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        var rules = Rules.Of([Rules.Pool("p", "198.18.0.0/24")], [],
            Rules.Policy("none", ["none.example.com"], ["p"], types: AddressTypes.A),
            Rules.Policy("zone", [], ["p"], names: ["mail.example.com"], otherwise: "authoritative", types: AddressTypes.A));
        using var client = await StartAsync(lab, rules, Here with { Drained = ["p"] });
        var reply = client.Ask("x.none.example.com", edns: true);
        Assert.Equal((2, 0, true), (reply.Rcode, reply.Answers.Length, reply.HasEdns));
        Assert.Equal(IpAddress.Parse("203.0.113.25"), Assert.Single(client.Ask("mail.example.com").Answers).Address);
    }

    [Fact]
    public async Task Two_hundred_thousand_rows_and_ten_thousand_suffixes_are_read()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        var rows = Enumerable.Range(0, 200_000).Select(i => new AttributeRow(null, (ulong)i * 100, ((ulong)i * 100) + 99, Rules.Tags("plan", i % 2 == 0 ? "free" : "pro")));
        var values = Enumerable.Range(0, 20_000).Select(i => new AttributeRow($"v{i}", null, null, Rules.Tags("plan", "pro")));
        var rules = Rules.Of(
            [Rules.Pool("p", "198.18.0.0/24"), Rules.Pool("pro", "198.19.0.0/24")], [Rules.Accounts with { Rows = [.. rows, .. values] }],
            Rules.Policy("all", [.. Enumerable.Range(0, 10_000).Select(i => $"s{i}.example.com"), "cdn.example.com"], ["p"], types: AddressTypes.A),
            Rules.Policy("pro", ["cdn.example.com"], ["pro"], types: AddressTypes.A, tags: ("plan", ["pro"])));
        using var client = await StartAsync(lab, rules, Here);
        foreach (var (name, pool) in new[] { ("x.s9999", "198.18.0.0/24"), ("a19999999.cdn", "198.19.0.0/24"), ("a50.cdn", "198.18.0.0/24"), ("av19999.cdn", "198.19.0.0/24") })
        {
            Assert.True(IpPrefix.Parse(pool).Contains(Assert.Single(client.Ask($"{name}.example.com").Answers).Address!.Value), name);
        }
    }

    [Theory]
    [InlineData("half a file", "return { format = 2, names = {")]
    [InlineData("another format", "return { format = 1 }")]
    [InlineData("an error when run", "error('x')")]
    [InlineData("nothing", "")]
    public async Task A_state_that_cannot_be_read_leaves_the_former_one_in_force_and_is_tried_again(string what, string state)
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        var rules = Rules.Of([Rules.Pool("p", "198.18.0.0/24")], [], Rules.Policy("p", ["example.com"], ["p"], types: AddressTypes.A));
        using var client = await StartAsync(lab, rules, Here);
        client.Ask("x.example.com");
        var files = DnsdistFiles.In(lab.Folder);
        new DnsdistStateWriter(files).Write(state);
        Assert.True(IpPrefix.Parse("198.18.0.0/24").Contains(Assert.Single(client.Ask("x.example.com").Answers).Address!.Value), what);

        // The same number, and now the file can be read.
        var other = DnsdistFiles.In(Directory.CreateDirectory(lab.PathOf("other")).FullName);
        new DnsdistStateWriter(other).Write(NamingTable.Build(Rules.Of([Rules.Pool("p", "198.19.0.0/24")], [], Rules.Policy("p", ["example.com"], ["p"], types: AddressTypes.A)), Here));
        File.Move(other.StatePath, files.StatePath, overwrite: true);
        await NamingLab.UntilAsync(() => IpPrefix.Parse("198.19.0.0/24").Contains(client.Ask("x.example.com").Answers[0].Address!.Value), () => $"an answer of what can be read now, after {what}");
    }

    [Fact]
    public async Task A_hundred_thousand_single_names_are_read()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        var rules = Rules.Of([Rules.Pool("p", "198.18.0.0/24")], [],
            Rules.Policy("single", [], ["p"], names: [.. Enumerable.Range(0, 100_000).Select(i => $"n{i}.example.com")], types: AddressTypes.A));
        using var client = await StartAsync(lab, rules, Here);
        foreach (var name in new[] { "n0", "n65536", "n99999" })
        {
            Assert.True(IpPrefix.Parse("198.18.0.0/24").Contains(Assert.Single(client.Ask($"{name}.example.com").Answers).Address!.Value), name);
        }
    }

    [Fact]
    public async Task Before_there_is_a_state_the_zone_answers_and_a_folder_made_anew_is_found()
    {
        await using var lab = await NamingLab.CreateAsync("dnsdist", "pdns_server");
        var files = DnsdistFiles.In(lab.PathOf("run"));
        var bind = lab.StartBind();
        await lab.ReadyAsync(AuthoritativePort, bind);
        var dnsdist = lab.StartDnsdist(files);
        await lab.ReadyAsync(DnsdistPort, dnsdist);
        using var client = new DnsClient(lab, DnsdistPort);
        foreach (var pool in new[] { "198.18.0.1/32", "198.18.0.2/32" })
        {
            if (Directory.Exists(lab.PathOf("run")))
            {
                Directory.Delete(lab.PathOf("run"), recursive: true);
            }

            Directory.CreateDirectory(lab.PathOf("run"));
            new DnsdistStateWriter(files).Write(NamingTable.Build(Rules.Of([Rules.Pool("p", pool)], [], Rules.Policy("p", ["example.com"], ["p"], types: AddressTypes.A)), Here));
            await NamingLab.UntilAsync(() => client.Ask("mail.example.com").Answers[0].Address == IpPrefix.Parse(pool).Network, () => $"an answer of {pool} ({client.TryAsk("mail.example.com")}; {string.Join(' ', Directory.GetFiles(lab.PathOf("run")))}; {dnsdist.Log})");
        }
    }

    private static IpAddress[] Draw(DnsClient client, string name, int count, int type = DnsClient.A) =>
        [.. Enumerable.Range(0, count).Select(_ => Assert.Single(client.Ask(name, type).Answers).Address!.Value)];

    private static void Write(NamingLab lab, NamingRules rules, NamingState state) =>
        new DnsdistStateWriter(DnsdistFiles.In(lab.Folder)).Write(NamingTable.Build(rules, state));

    private static async Task<DnsClient> StartAsync(NamingLab lab, NamingRules rules, NamingState state)
    {
        Write(lab, rules, state);
        var bind = lab.StartBind();
        await lab.ReadyAsync(AuthoritativePort, bind);
        var dnsdist = lab.StartDnsdist(DnsdistFiles.In(lab.Folder));
        await lab.ReadyAsync(DnsdistPort, dnsdist);
        return new DnsClient(lab, DnsdistPort);
    }
}
