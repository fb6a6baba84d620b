using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>What dies, and what goes on meanwhile.</summary>
public sealed class DeathTests(LabFixture lab)
{
    [Fact]
    public async Task When_a_server_dies_only_its_own_slices_suffer_and_it_comes_back()
    {
        lab.Require();
        const string Victim = "nyc-1";
        (await lab.LabAsync("kill", Victim)).Succeeded();
        try
        {
            foreach (var server in LabFixture.Servers)
            {
                var fetched = await FetchAsync(server, server == Victim ? 1 : 10);
                Assert.Equal(server != Victim, fetched.GetProperty("ok").GetBoolean());
            }
        }
        finally
        {
            (await lab.LabAsync("revive", Victim)).Succeeded();
        }

        // What it announces first is what it owns; the prefixes come when it knows what others do.
        await LabFixture.UntilAsync($"{Victim} is up", async () => await lab.HealthAsync(Victim) == "up", TimeSpan.FromSeconds(60));
        await LabFixture.UntilAsync("its router sends to all three", async () =>
            await ServicesLab.NextHopsAsync("192.0.2.0/24", "nyc-tor") == 3 && await ServicesLab.NextHopsAsync("198.51.100.0/24", "nyc-tor") == 3, TimeSpan.FromSeconds(60));
        await LabFixture.UntilAsync(
            $"{Victim} fetches again", async () => (await FetchAsync(Victim, 2)).GetProperty("ok").GetBoolean(), TimeSpan.FromSeconds(60));
        await LabFixture.UntilEstablishedAsync();
    }

    [Theory]
    [InlineData("softunicastd")]
    [InlineData("gobgpd")]
    public async Task When_a_program_dies_packets_flow_and_it_comes_back(string program)
    {
        lab.Require();
        const string Server = "ams-1";
        var (address, ports) = lab.Slice(Server, "us-general");
        var exchange = lab.TrafficAsync(
            Server, "udp", "--source", address, "--ports", ports, "--count", "3000", "--rate", "500", $"{LabFixture.OriginAddress}:7");
        (await lab.LabAsync("crash", program, Server)).Succeeded();
        (await lab.LabAsync("start", program, Server)).Succeeded();
        var exchanged = await exchange;
        Assert.Equal(0, exchanged.GetProperty("lost").GetInt32());
        await LabFixture.UntilEstablishedAsync();
    }

    private async Task<JsonElement> FetchAsync(string server, int seconds)
    {
        var (address, ports) = lab.Slice(server, "us-general");
        return await lab.TrafficAsync(
            server, "fetch", "--source", address, "--ports", ports, "--timeout", $"{seconds}", $"http://{LabFixture.OriginAddress}/");
    }
}
