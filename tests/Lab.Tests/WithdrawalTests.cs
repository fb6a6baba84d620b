using System.Text.RegularExpressions;

namespace SoftUnicast.Lab.Tests;

/// <summary>An assignment that takes slices away from a server whose programs use them.</summary>
public sealed class WithdrawalTests(LabFixture lab)
{
    private const string Server = "nyc-3";
    private const string Pool = "eu-video";

    [Fact]
    public async Task A_connection_on_slices_that_are_taken_away_goes_on_and_then_they_are_let_go()
    {
        lab.Require();
        var assignment = $"{LabFixture.State}/assignment.yaml";
        var good = await File.ReadAllTextAsync(assignment, TestContext.Current.CancellationToken);
        await using var program = lab.StartExec(Server, Pool, "python3", EgressLab.Script("sockets.py"), "hold", LabFixture.OriginAddress);
        var name = (await program.NextAsync()).GetProperty("name").GetString()!;
        var slice = (await lab.SliceOfAsync(Server, Pool, name)).Slice;
        try
        {
            // Of eu-video, the server has a line in the assignment; pools stand there in the order of their names.
            var less = new Regex($"\n +{Server}: \\[[^\\]]*\\]").Replace(good, "", 1);
            Assert.NotEqual(good, less);
            await TakeAsync(assignment, less);
            await LabFixture.UntilAsync("the slice drains", async () => (await lab.OwnAsync(Server, Pool)).Any(s => s.Slice == slice && s.State == "draining"));
            var refused = await lab.ExecAsync(Server, Pool, "echo", "ran");
            Assert.Equal((1, ""), (refused.ExitStatus, refused.Output));
            Assert.StartsWith($"no slice of pool {Pool} is open on this server: ", refused.Errors, StringComparison.Ordinal);
            await LabFixture.UntilAsync("only that slice is left", async () => (await lab.OwnAsync(Server, Pool)).Select(s => s.Slice).SequenceEqual([slice]), EgressLab.Soon);

            // Over two tunnels at most from wherever it lands, others know that it is here.
            foreach (var datacenter in LabFixture.Datacenters)
            {
                (await lab.LabAsync("catchment", datacenter)).Succeeded();
                var count = (await program.AskAsync()).GetProperty("count").GetInt64();
                await LabFixture.UntilAsync($"the connection goes on when answers land in {datacenter}", async () => (await program.AskAsync()).GetProperty("count").GetInt64() > count + 50);
            }

            await program.EndAsync();
            await LabFixture.UntilAsync("the slice is let go", async () => (await lab.OwnAsync(Server, Pool)).Count == 0, EgressLab.Soon);
            refused = await lab.ExecAsync(Server, Pool, "echo", "ran");
            Assert.Equal((1, "", $"pool {Pool} has no slice on this server; see show pools\n"), (refused.ExitStatus, refused.Output, refused.Errors));
        }
        finally
        {
            (await lab.LabAsync("catchment", "all")).Succeeded();
            await File.WriteAllTextAsync(assignment, good, TestContext.Current.CancellationToken);
            await lab.TakeFilesAsync([.. LabFixture.Servers]);
        }

        await LabFixture.UntilAsync("all four slices are here again", async () => (await lab.OwnAsync(Server, Pool)).Count(s => s.State == "owned") == 4);
        await lab.UntilUnusedAsync(Server);
        await lab.SliceOfAsync(Server, Pool, await lab.SeenAsync(Server, Pool));
    }

    private static async Task TakeAsync(string file, string text)
    {
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        foreach (var server in LabFixture.Servers)
        {
            await EgressLab.ReloadAsync(server);
        }
    }
}
