using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>What others send through a server: fra-1 is the router of a container, and translates it into a slice of eu-video.</summary>
public sealed class NatTests(LabFixture lab)
{
    private const string Server = "fra-1";
    private const string Pool = "eu-video";
    private static readonly string[] Curl = ["-s", "-m", "5", "-o", "/dev/null", "-D", "-", $"http://{LabFixture.OriginAddress}/10"];

    [Fact]
    public async Task A_container_is_seen_in_a_slice_that_serves_nat()
    {
        lab.Require();
        var slice = await lab.SliceOfAsync(Server, Pool, Assert.IsType<string>(await SeenAsync()));
        Assert.Equal("nat", slice.Use);
        Assert.Equal("owned", slice.State);
    }

    [Fact]
    public async Task Our_table_comes_back_when_somebody_deletes_it_and_theirs_is_not_touched()
    {
        lab.Require();
        await NftAsync("add table ip somebody; add chain ip somebody forward { type filter hook forward priority 5; policy accept; }; add rule ip somebody forward counter accept comment \"theirs\"");
        try
        {
            var theirs = await NftAsync("-s list table ip somebody");
            foreach (var harm in new[] { "delete table ip softunicast-fra-1", "flush table ip softunicast-fra-1" })
            {
                var ours = await NftAsync("-s list table ip softunicast-fra-1");
                await NftAsync(harm);
                await LabFixture.UntilAsync($"what '{harm}' took is back", async () =>
                    (await LabFixture.RunAsync(Server, "nft", "-s", "list", "table", "ip", "softunicast-fra-1")).Output == ours, EgressLab.Soon);
                await lab.SliceOfAsync(Server, Pool, Assert.IsType<string>(await SeenAsync()));
            }

            Assert.Equal(theirs, await NftAsync("-s list table ip somebody"));
        }
        finally
        {
            await NftAsync("delete table ip somebody");
        }
    }

    /// <summary>A translated flow has no socket on the server: connection tracking knows it.</summary>
    [Fact]
    public async Task A_container_keeps_its_connection_when_the_slice_is_drained_and_begins_new_ones_in_another()
    {
        lab.Require();
        await using var program = LabProgram.Start("container", "python3", EgressLab.Script("sockets.py"), "hold", LabFixture.OriginAddress);
        await program.NextAsync();
        var slice = (await lab.SliceOfAsync(Server, Pool, Assert.IsType<string>(await SeenAsync()))).Slice;
        var port = $"{slice.Address}:{slice.Ports.First}";
        try
        {
            var drained = JsonDocument.Parse((await lab.ControlAsync(Server, "--json", "drain", "slice", port)).Succeeded()).RootElement.GetProperty("slices")[0];
            Assert.Equal("draining", drained.GetProperty("state").GetString());
            Assert.InRange(drained.GetProperty("sockets").GetInt32(), 1, int.MaxValue);

            // Five seconds, and the quarantine is two.
            var count = (await program.AskAsync()).GetProperty("count").GetInt64();
            await LabFixture.UntilAsync("the open connection goes on", async () => (await program.AskAsync()).GetProperty("count").GetInt64() > count + 250);
            Assert.Equal("draining", (await lab.OwnAsync(Server, Pool)).Single(s => s.Slice == slice).State);
            Assert.NotEqual(slice, (await lab.SliceOfAsync(Server, Pool, Assert.IsType<string>(await SeenAsync()))).Slice);
            await program.EndAsync();
        }
        finally
        {
            (await lab.ControlAsync(Server, "undrain", "slice", port)).Succeeded();
        }

        // As the pass shows it that has written the table.
        await LabFixture.UntilAsync("the slice serves again", async () => (await lab.OwnAsync(Server, Pool)).Single(s => s.Slice == slice).State == "owned", EgressLab.Soon);
    }

    private static async Task<string> NftAsync(string words) => (await LabFixture.RunAsync(Server, "sh", "-c", $"nft {(words.StartsWith('-') ? words : $"'{words}'")}")).Succeeded();

    private static async Task<string?> SeenAsync() => EgressLab.SeenIn((await LabFixture.RunAsync("container", "curl", Curl)).Output);
}
