using System.Globalization;
using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>Names that let go of their addresses: real dnsdist with the daemon's policies, in front of PowerDNS, while clients resolve and fetch.</summary>
public sealed class AgilityTests(LabFixture lab)
{
    private const string Server = ServicesLab.DnsServer;
    private const string Names = "a{n}.cdn.example.net";

    [Fact]
    public async Task Names_move_from_a_20_to_a_24_to_one_address_and_no_request_fails()
    {
        await ReadyAsync();
        try
        {
            var skewed = await MeasureAsync("a{n}.static.example.net", "198.18.48.0/20", 3000);
            await using var clients = ServicesLab.StartClients(lab);
            var twenty = await MeasureAsync(Names, ServicesLab.Prefix, 6000);
            await MoveAsync(clients, "twenty-four");
            var twentyFour = await MeasureAsync(Names, ServicesLab.PrefixOf256, 4000);
            await MoveAsync(clients, "one");
            var one = await MeasureAsync(Names, $"{ServicesLab.OneAddress}/32", 2000);
            ServicesLab.Whole((await clients.EndAsync())[^1]);

            Assert.Equal((256, 1), (twentyFour.GetProperty("addresses").GetInt32(), one.GetProperty("addresses").GetInt32()));
            Assert.All(new[] { twenty, twentyFour, one }, p => Assert.Equal(0, p.GetProperty("load").GetProperty("outside").GetInt32()));

            // By policy the load is uniform, however skewed the names are asked for; with an address a name it is as skewed as they are.
            Assert.All(new[] { twenty, twentyFour }, p => Assert.True(p.GetProperty("load").GetProperty("p").GetDouble() > 1e-6, $"{p}"));
            Assert.True(skewed.GetProperty("load").GetProperty("p").GetDouble() < 1e-6, $"{skewed}");
            Assert.True(skewed.GetProperty("load").GetProperty("maxToMean").GetDouble() > 10, $"{skewed}");
        }
        finally
        {
            await lab.ControlAsync(Server, "agility", "end", "cdn");
        }
    }

    [Fact]
    public async Task A_move_shows_the_old_addresses_draining_until_they_are_free()
    {
        await ReadyAsync();
        await using var clients = ServicesLab.StartClients(lab);
        await ServicesLab.FetchOnAsync(clients, 100);
        try
        {
            (await lab.ControlAsync(Server, "agility", "move", "cdn", "to", "one")).Succeeded();

            // Somebody holds on to an old address for longer than its TTL: it is not free.
            var holding = true;
            var holder = Task.Run(async () =>
            {
                while (Volatile.Read(ref holding))
                {
                    (await LabFixture.RunAsync(Server, "curl", "-s", "-m", "5", "http://198.18.30.30:8080/")).Succeeded();
                }
            }, TestContext.Current.CancellationToken);
            JsonElement move = default;
            await LabFixture.UntilAsync(() => $"the old address is seen: {move}", async () => (move = await MoveOfAsync()).GetProperty("hits").GetUInt64() > 5);
            Assert.Equal("draining", move.GetProperty("state").GetString());
            Volatile.Write(ref holding, false);
            await holder;

            await LabFixture.UntilAsync(() => $"the old addresses are free: {move}", async () => (move = await MoveOfAsync()).GetProperty("state").GetString() == "free", TimeSpan.FromSeconds(60));
            var waited = await LabFixture.RunAsync(Server, lab.Program("softunicastc"), "-s", $"{LabFixture.State}/{Server}/control.sock", "agility", "move", "cdn", "--to", "one");
            Assert.Contains("free: no traffic for ", waited.Succeeded(), StringComparison.Ordinal);
        }
        finally
        {
            await lab.ControlAsync(Server, "agility", "end", "cdn");
        }

        ServicesLab.Whole((await clients.EndAsync())[^1]);
    }

    [Fact]
    public async Task A_move_outlives_the_daemon_and_dnsdist_answers_without_it()
    {
        await ReadyAsync();
        try
        {
            (await lab.ControlAsync(Server, "agility", "move", "cdn", "to", "one")).Succeeded();
            await LabFixture.UntilAsync("dnsdist answers by the move", async () => await AnswerAsync() == ServicesLab.OneAddress);
            (await lab.LabAsync("crash", "softunicastd", Server)).Succeeded();
            Assert.Equal(ServicesLab.OneAddress, await AnswerAsync());
            (await lab.LabAsync("start", "softunicastd", Server)).Succeeded();

            Assert.Equal(ServicesLab.OneAddress, await AnswerAsync());
            Assert.Equal("one", (await MoveOfAsync()).GetProperty("to").GetString());
        }
        finally
        {
            (await lab.ControlAsync(Server, "agility", "end", "cdn")).Succeeded();
        }
    }

    [Fact]
    public async Task A_pool_that_is_not_announced_here_is_never_answered_and_nothing_left_is_no_empty_answer()
    {
        await ReadyAsync();
        (await LabFixture.RunAsync(Server, "kill", "-KILL", $"{await LabFixture.ProcessAsync("http", Server)}")).Succeeded();
        try
        {
            await LabFixture.UntilAsync("the prefix is withdrawn here, and SERVFAIL sends resolvers to another name server", async () => (await DigAsync("a1.cdn.example.net")).Contains("status: SERVFAIL", StringComparison.Ordinal));
            Assert.Contains("status: NOERROR", await DigAsync("cdn.example.net", "SOA"), StringComparison.Ordinal); // the zone's own server answers on
            Assert.Contains("198.18.16.0/20", (await lab.ControlAsync(Server, "show", "naming")).Succeeded(), StringComparison.Ordinal);
        }
        finally
        {
            (await lab.LabAsync("start", "http", Server)).Succeeded();
        }

        await LabFixture.UntilAsync("names are answered again", async () => (await AnswerAsync()).StartsWith("198.18.", StringComparison.Ordinal));
        await LabFixture.UntilAsync("the prefix is announced again", async () => await ServicesLab.NextHopsAsync() == 3);
    }

    [Fact]
    public async Task The_address_with_the_lesser_load_is_answered_as_the_kernel_counts_it()
    {
        await ReadyAsync();
        const string busy = "198.18.16.2";
        const string idle = "198.18.16.3";
        var file = $"{LabFixture.State}/naming.yaml";
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        using var enough = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                (await LabFixture.RunAsync(Server, "curl", "-s", "-m", "5", "-o", "/dev/null", $"http://{busy}:8080/")).Succeeded();
            }
        }, TestContext.Current.CancellationToken);
        try
        {
            await ReloadAsync(file, text.Replace("policies:\n", "  pair: { prefixes: [198.18.16.2/31] }\npolicies:\n  pair:\n    match: { suffixes: [pair.example.net], types: [A] }\n    pools: [pair]\n    strategy: least-loaded\n    default: last\n", StringComparison.Ordinal));

            // Of two different draws the idle one is taken; only five equal draws in a row are the busy one's.
            var answers = "";
            await LabFixture.UntilAsync(() => $"nearly all answers are {idle}: {answers}", async () =>
            {
                answers = "";
                for (var i = 0; i < 20; i++)
                {
                    answers += await AnswerAsync("www.pair.example.net") == busy ? 'b' : 'i';
                }

                return answers.Count(a => a == 'b') <= 3;
            });
        }
        finally
        {
            await enough.CancelAsync();
            await load;
            await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync(Server);
        }
    }

    [Fact]
    public async Task PowerDNS_answers_by_the_same_policies_through_its_remote_backend()
    {
        await ReadyAsync();
        var folder = Directory.CreateDirectory($"{LabFixture.State}/{Server}/pdns-remote").FullName;
        var file = $"{LabFixture.State}/{Server}/softunicast.yaml";
        var generated = (await LabFixture.RunAsync(Server, lab.Program("softunicastc"), "naming", "pdns-config", file)).Succeeded();
        await File.WriteAllTextAsync($"{folder}/pdns.conf", $"""
            local-address=127.0.0.1
            local-port=5301
            socket-dir={folder}
            security-poll-suffix=
            bind-config={LabFixture.State}/{Server}/pdns/named.conf
            {generated}
            """, TestContext.Current.CancellationToken);
        await using var pdns = LabProgram.Start(Server, "pdns_server", $"--config-dir={folder}", "--daemon=no", "--guardian=no");
        async Task<string> AskAsync(string name) => (await LabFixture.RunAsync(Server, "dig", "+short", "+time=1", "+tries=1", "-p", "5301", "@127.0.0.1", name)).Output.Trim();

        await LabFixture.UntilAsync("PowerDNS answers", async () => (await AskAsync("a1.cdn.example.net")).StartsWith("198.18.", StringComparison.Ordinal));
        var answers = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 5; i++)
        {
            answers.Add(await AskAsync("a1.cdn.example.net"));
        }

        Assert.True(answers.Count > 1, string.Join(' ', answers)); // drawn anew for each query
        try
        {
            (await lab.ControlAsync(Server, "agility", "move", "cdn", "to", "one")).Succeeded();
            Assert.Equal(ServicesLab.OneAddress, await AskAsync("a1.cdn.example.net")); // the next query
        }
        finally
        {
            (await lab.ControlAsync(Server, "agility", "end", "cdn")).Succeeded();
        }

        var pdnsRow = (await lab.ShowAsync(Server, "naming")).GetProperty("pdns");
        Assert.True(pdnsRow.GetProperty("records").GetInt64() >= 7, $"{pdnsRow}");
    }

    [Theory]
    [InlineData(1, "naming.yaml has no policy 'cnd'", "agility move cnd to one")]
    [InlineData(1, "naming.yaml has no pool 'two'", "agility move cdn to two")]
    [InlineData(1, "policy 'cdn' is not moved", "agility end cdn")]
    public async Task What_is_wrong_with_a_move_is_said_and_nothing_is_changed(int status, string message, string request)
    {
        await ReadyAsync();
        var before = (await lab.ControlAsync(Server, "show", "agility")).Succeeded();
        var refused = await lab.ControlAsync(Server, request.Split(' '));
        Assert.Contains(message, refused.Errors, StringComparison.Ordinal);
        Assert.Equal(status, refused.ExitStatus);
        Assert.Equal(before, (await lab.ControlAsync(Server, "show", "agility")).Succeeded());
    }

    [Fact]
    public async Task Overlapping_policies_and_a_pool_that_is_not_there_are_named_and_what_runs_goes_on()
    {
        await ReadyAsync();
        var file = $"{LabFixture.State}/naming.yaml";
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var naming = await RulesAsync();
        try
        {
            await ReloadAsync(file, text.Replace("pools: [static]", "pools: [statik]", StringComparison.Ordinal)
                .Replace("suffixes: [static.example.net]", "suffixes: [cdn.example.net]", StringComparison.Ordinal));

            await LabFixture.UntilAsync("the daemon says what is wrong", async () =>
                (await lab.ControlAsync(Server, "show", "status")).Output.Contains("the files on disk are not in force", StringComparison.Ordinal));
            var status = (await lab.ControlAsync(Server, "show", "status")).Output;
            Assert.Contains("'statik'", status, StringComparison.Ordinal);
            Assert.Matches(@"naming\.yaml:\d+:\d+: ", status);
            Assert.Equal(naming, await RulesAsync());
            Assert.StartsWith("198.18.", await AnswerAsync(), StringComparison.Ordinal);
        }
        finally
        {
            await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync(Server);
        }
    }

    /// <summary>So many fetches of names that are asked for as names are, few of them often; all have to go well.</summary>
    private Task<JsonElement> MeasureAsync(string pattern, string prefix, int fetches) => ServicesLab.FetchAsync(lab, fetches, pattern, "--zipf", "1.1", "--prefix", prefix);

    /// <summary>Moves, and lets those end that were told the old addresses.</summary>
    private async Task MoveAsync(LabProgram clients, string pool)
    {
        (await lab.ControlAsync(Server, "agility", "move", "cdn", "to", pool)).Succeeded();
        await ServicesLab.FetchOnAsync(clients, 200);
    }

    private async Task<JsonElement> MoveOfAsync() =>
        Assert.Single((await lab.ShowAsync(Server, "agility")).GetProperty("moves").EnumerateArray(), m => m.GetProperty("policy").GetString() == "cdn");

    /// <summary>Policies and pools as they are in force; beside them stand counters, which go on.</summary>
    private async Task<string> RulesAsync()
    {
        var naming = await lab.ShowAsync(Server, "naming");
        return $"{naming.GetProperty("policies")}\n{naming.GetProperty("pools")}";
    }

    private static async Task ReloadAsync(string file, string text)
    {
        await File.WriteAllTextAsync(file, text);
        (await LabFixture.RunAsync(Server, "kill", "-HUP", $"{await LabFixture.ProcessAsync("softunicastd", Server)}")).Succeeded();
    }

    private static async Task<string> AnswerAsync(string name = "a1.cdn.example.net") =>
        (await LabFixture.RunAsync("origin", "dig", "+short", "+time=2", "+tries=2", $"@{ServicesLab.Dns.Split(':')[0]}", name)).Output.Trim();

    private static async Task<string> DigAsync(string name, string type = "A") =>
        (await LabFixture.RunAsync("origin", "dig", "+time=2", "+tries=2", $"@{ServicesLab.Dns.Split(':')[0]}", name, type)).Output;

    private async Task ReadyAsync()
    {
        lab.Require();
        await ServicesLab.EnsureAsync(lab);
    }
}
