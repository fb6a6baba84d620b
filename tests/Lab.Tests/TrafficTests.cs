namespace SoftUnicast.Lab.Tests;

/// <summary>The main job: an answer to a shared address reaches the server that owns its port, wherever it lands.</summary>
public sealed class TrafficTests(LabFixture lab) : IAsyncLifetime
{
    private const int Bytes = 1 << 20;

    public static TheoryData<string> Datacenters => [.. LabFixture.Datacenters];

    public static TheoryData<string, string> ServersAndPools
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var server in LabFixture.Servers)
            {
                rows.Add(server, "us-general");
                rows.Add(server, "eu-video");
            }

            return rows;
        }
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => (await lab.LabAsync("catchment", "all")).Succeeded();

    [Theory]
    [MemberData(nameof(ServersAndPools))]
    public async Task A_server_fetches_and_exchanges_datagrams_from_its_slice(string server, string pool)
    {
        lab.Require();
        var (address, ports) = lab.Slice(server, pool);
        var fetched = await lab.TrafficAsync(
            server, "fetch", "--source", address, "--ports", ports, "--bytes", $"{Bytes}", $"http://{LabFixture.OriginAddress}/");
        Assert.True(fetched.GetProperty("ok").GetBoolean(), fetched.ToString());
        Assert.Equal(Bytes, fetched.GetProperty("bytes").GetInt64());

        var exchanged = await lab.TrafficAsync(server, "udp", "--source", address, "--ports", ports, "--count", "200", $"{LabFixture.OriginAddress}:7");
        Assert.True(exchanged.GetProperty("ok").GetBoolean(), exchanged.ToString());
        Assert.Equal(200, exchanged.GetProperty("received").GetInt32());
    }

    /// <summary>Full packets too: 1,472 bytes of UDP are 1,500 of IP, and the tunnel's header goes on top.</summary>
    [Theory]
    [MemberData(nameof(Datacenters))]
    public async Task Wherever_the_answers_land_they_reach_the_owner_over_at_most_two_tunnels(string catchment)
    {
        lab.Require();
        (await lab.LabAsync("catchment", catchment)).Succeeded();
        foreach (var server in LabFixture.Servers)
        {
            var (address, ports) = lab.Slice(server, "us-general");
            var before = await Landing.TakeAsync(lab);
            var exchanged = await lab.TrafficAsync(
                server, "udp", "--source", address, "--ports", ports, "--count", "100", "--rate", "1000", "--size", "1472", $"{LabFixture.OriginAddress}:7");
            var landing = (await Landing.TakeAsync(lab)).Since(before);
            Assert.True(exchanged.GetProperty("ok").GetBoolean(), $"{server}: {exchanged}");
            Assert.Equal([catchment], landing.Datacenters());
            Assert.Equal(100, landing.Total(Landing.Delivered, Landing.Decapsulated));
            var atHome = server.StartsWith(catchment, StringComparison.Ordinal);
            Assert.InRange(landing.Hops(), atHome ? 0 : 1, atHome ? 1 : 2);
        }
    }

    [Fact]
    public async Task Connections_survive_when_the_catchment_moves()
    {
        lab.Require();
        var (address, ports) = lab.Slice("ams-2", "us-general");
        await using var hold = LabProgram.Start("ams-2", lab.Program("softunicast-traffic"),
            "hold", "--source", address, "--ports", ports, "--connections", "4", "--gap", "5000", $"{LabFixture.OriginAddress}:9");
        await hold.NextAsync(); // all of them stand
        foreach (var catchment in LabFixture.Datacenters)
        {
            (await lab.LabAsync("catchment", catchment)).Succeeded();
            var before = await Landing.TakeAsync(lab);
            await LabFixture.UntilAsync(
                $"packets land in {catchment}",
                async () => (await Landing.TakeAsync(lab)).Since(before).Total(Landing.Delivered, Landing.Steered) > 100);
        }

        EgressLab.Signal("TERM", hold.Id);
        var held = await hold.EndAsync();
        Assert.Equal(4, held.Count);
        Assert.All(held, h => Assert.True(h.GetProperty("ok").GetBoolean() && h.GetProperty("longestGapMilliseconds").GetInt64() <= 5000, $"{h}"));
    }

    [Fact]
    public async Task What_opens_a_connection_from_outside_is_dropped_and_an_echo_answered_only_where_the_pool_says_so()
    {
        lab.Require();
        var before = await Landing.TakeAsync(lab);
        var answered = await LabFixture.RunAsync("origin", "ping", "-c", "3", "-i", "0.2", "-W", "2", "198.51.100.1");
        Assert.Contains(" 0% packet loss", answered.Succeeded(), StringComparison.Ordinal);
        var dropped = await LabFixture.RunAsync("origin", "ping", "-c", "2", "-i", "0.2", "-W", "1", "192.0.2.1");
        Assert.Contains(" 100% packet loss", dropped.Output, StringComparison.Ordinal);
        var landing = (await Landing.TakeAsync(lab)).Since(before);
        Assert.Equal(3, landing.Total(Landing.EchoAnswered));
        Assert.Equal(2, landing.Total(Landing.Opens));
    }
}
