namespace SoftUnicast.Lab.Tests;

/// <summary>No room for the attribution log: no new leases, and nothing else suffers.</summary>
public sealed class FullDiskTests(LabFixture lab)
{
    private const string Server = "ams-3";
    private const string Pool = "us-general";
    private const string Folder = $"{LabFixture.State}/{Server}/attribution";

    [Fact]
    public async Task With_a_full_disk_nothing_is_handed_out_what_runs_goes_on_and_room_makes_it_well()
    {
        lab.Require();
        (await lab.LabAsync("crash", "softunicastd", Server)).Succeeded();
        (await LabFixture.RunAsync(Server, "mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", Folder)).Succeeded();
        try
        {
            (await lab.LabAsync("start", "softunicastd", Server)).Succeeded();
            await LabFixture.UntilAsync("slices are handed out", async () => await lab.RefusalAsync(Server) is null);
            await using var program = lab.StartExec(Server, Pool, "python3", EgressLab.Script("sockets.py"), "again", LabFixture.OriginAddress);
            await LabFixture.UntilAsync("the program connects", async () => await ConnectedAsync(program) > 0);

            // Until nothing more fits; the log's own last page has some room left.
            await LabFixture.RunAsync(Server, "sh", "-c", $"cat /dev/zero > {Folder}/ballast");
            CommandResult? refused = null;
            await LabFixture.UntilAsync("no lease is given", async () => (refused = await lab.ControlAsync(Server, "lease", "pool", Pool)).ExitStatus != 0);
            Assert.Equal((1, ""), (refused!.ExitStatus, refused.Output));
            Assert.Contains("the attribution log cannot be written: ", refused.Errors, StringComparison.Ordinal);
            Assert.Contains("make room on its file system", refused.Errors, StringComparison.Ordinal);

            // The status says so as long as it is so: what is asked for in the next seconds is refused likewise.
            for (var i = 0; i < 5; i++)
            {
                await LabFixture.UntilAsync("the daemon has looked again", async () => await lab.RefusalAsync(Server) is not null, EgressLab.Soon);
                Assert.StartsWith("the attribution log cannot be written: ", await lab.RefusalAsync(Server), StringComparison.Ordinal);
                Assert.Equal("degraded", await lab.HealthAsync(Server));
                var ran = await lab.ExecAsync(Server, Pool, "echo", "ran");
                Assert.Equal((1, ""), (ran.ExitStatus, ran.Output));
            }

            var connected = await ConnectedAsync(program);
            await LabFixture.UntilAsync("the program connects on", async () => await ConnectedAsync(program) > connected + 20);
            Assert.Equal(0, (await program.AskAsync()).GetProperty("failed").GetArrayLength());
            var (address, ports) = lab.Slice(Server, Pool);
            var exchanged = await lab.TrafficAsync(Server, "udp", "--source", address, "--ports", ports, "--count", "200", $"{LabFixture.OriginAddress}:7");
            Assert.Equal(200, exchanged.GetProperty("received").GetInt32());

            File.Delete($"{Folder}/ballast");
            await LabFixture.UntilAsync("slices are handed out again", async () => await lab.RefusalAsync(Server) is null, EgressLab.Soon);
            (await lab.ControlAsync(Server, "lease", "pool", Pool)).Succeeded();
            await lab.SliceOfAsync(Server, Pool, await lab.SeenAsync(Server, Pool));
            await program.EndAsync();
        }
        finally
        {
            await lab.LabAsync("crash", "softunicastd", Server);
            await LabFixture.RunAsync(Server, "umount", "--lazy", Folder);
            (await lab.LabAsync("start", "softunicastd", Server)).Succeeded();
        }

        await lab.UntilUnusedAsync(Server);
        await LabFixture.UntilEstablishedAsync();
    }

    private static async Task<int> ConnectedAsync(LabProgram program) => (await program.AskAsync()).GetProperty("connected").GetInt32();
}
