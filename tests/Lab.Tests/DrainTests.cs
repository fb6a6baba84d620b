using System.Globalization;
using System.Text.Json;
using SoftUnicast.Model;

namespace SoftUnicast.Lab.Tests;

/// <summary>The end of a slice: drained, quarantined, free; and what is open on it goes on to its own end.</summary>
public sealed class DrainTests(LabFixture lab)
{
    private const string Server = "fra-2";
    private const string Pool = "us-general";

    [Fact]
    public async Task On_a_drained_slice_nothing_new_begins_what_is_open_goes_on_then_it_is_quarantined_and_free()
    {
        lab.Require();
        await using var program = StartHold();
        var name = (await program.NextAsync()).GetProperty("name").GetString()!;
        var slice = (await lab.SliceOfAsync(Server, Pool, name)).Slice;
        try
        {
            var drained = Assert.Single(await DrainAsync("drain", "slice", name));
            Assert.Equal((slice.ToString(), "draining", 1), Row(drained));
            var count = (await program.AskAsync()).GetProperty("count").GetInt64();
            for (var i = 0; i < 5; i++)
            {
                var seen = await lab.SeenAsync(Server, Pool);
                Assert.NotEqual(slice, (await lab.SliceOfAsync(Server, Pool, seen)).Slice);
            }

            await LabFixture.UntilAsync("the open connection goes on", async () => (await program.AskAsync()).GetProperty("count").GetInt64() > count + 20);
            Assert.Equal(("draining", 1), await StateAsync(slice));
            await program.EndAsync();
            await LabFixture.UntilAsync("the empty slice is quarantined", async () => (await StateAsync(slice)).State == "quarantined", EgressLab.Soon);
            await LabFixture.UntilAsync("the slice is free, and stays so", async () => (await StateAsync(slice)).State == "free", EgressLab.Soon);
        }
        finally
        {
            Assert.Equal("owned", Assert.Single(await DrainAsync("undrain", "slice", name)).GetProperty("state").GetString());
        }

        await lab.UntilUnusedAsync(Server);
    }

    [Fact]
    public async Task A_drain_that_is_undone_before_the_slice_is_empty_gives_nothing_up()
    {
        lab.Require();
        await using var program = StartHold();
        var name = (await program.NextAsync()).GetProperty("name").GetString()!;

        await DrainAsync("drain", "address", name[..name.IndexOf(':', StringComparison.Ordinal)]);
        var back = await DrainAsync("undrain", "address", name[..name.IndexOf(':', StringComparison.Ordinal)]);

        var held = (await lab.SliceOfAsync(Server, Pool, name)).Slice;
        Assert.Equal("owned", back.Single(r => r.GetProperty("slice").GetString() == held.ToString()).GetProperty("state").GetString());
        await program.EndAsync();
        await lab.UntilUnusedAsync(Server);
    }

    [Fact]
    public async Task A_drained_server_hands_out_nothing_and_a_running_program_gets_no_new_port_until_it_is_undrained()
    {
        lab.Require();
        await using var holds = StartHold();
        await holds.NextAsync();
        await using var program = lab.StartExec(Server, Pool, "python3", EgressLab.Script("sockets.py"), "again", LabFixture.OriginAddress);
        await LabFixture.UntilAsync("it connects", async () => (await program.AskAsync()).GetProperty("connected").GetInt32() > 0);
        try
        {
            var drained = await DrainAsync("drain", "server");
            Assert.Equal(8, drained.Count);
            Assert.Contains(drained, r => r.GetProperty("state").GetString() == "draining" && r.GetProperty("sockets").GetInt32() > 0);

            var refused = await lab.ExecAsync(Server, Pool, "echo", "ran");
            Assert.Equal((1, ""), (refused.ExitStatus, refused.Output));
            Assert.Matches($"^(no slice of pool {Pool} is open on this server: |every slice of pool {Pool} on this server is drained)", refused.Errors);
            await LabFixture.UntilAsync("the program is refused a port, and told as the kernel would", async () =>
                (await program.AskAsync()).GetProperty("failed").EnumerateArray().Any(e => e.GetString() == "EADDRNOTAVAIL"));
            var said = await program.AskAsync();
            Assert.All(said.GetProperty("failed").EnumerateArray(), e => Assert.Equal("EADDRNOTAVAIL", e.GetString()));
            var count = (await holds.AskAsync()).GetProperty("count").GetInt64();
            await LabFixture.UntilAsync("what is open goes on", async () => (await holds.AskAsync()).GetProperty("count").GetInt64() > count + 20);

            // Without slices too the cgroup is known from the log: its programs get ports again below.
            await RestartAsync();
        }
        finally
        {
            await DrainAsync("undrain", "server");
        }

        var before = (await program.AskAsync()).GetProperty("connected").GetInt32();
        await LabFixture.UntilAsync("the same program connects again", async () => (await program.AskAsync()).GetProperty("connected").GetInt32() > before, EgressLab.Soon);
        await program.EndAsync();
        await holds.EndAsync();
        await lab.UntilUnusedAsync(Server);
        await LabFixture.UntilEstablishedAsync();
    }

    /// <summary>The quarantine is longer here than a daemon takes to die and start.</summary>
    [Fact]
    public async Task A_slice_in_quarantine_is_not_handed_out_also_after_the_daemon_was_killed()
    {
        lab.Require();
        var quarantine = TimeSpan.FromSeconds(30);
        var file = $"{LabFixture.State}/{Server}/softunicast.yaml";
        var good = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        try
        {
            await File.WriteAllTextAsync(file, good.Replace("quarantine: 2", string.Create(CultureInfo.InvariantCulture, $"quarantine: {quarantine.TotalSeconds:0}"), StringComparison.Ordinal), TestContext.Current.CancellationToken);
            await RestartAsync();
            string name;
            await using (var program = StartHold())
            {
                name = (await program.NextAsync()).GetProperty("name").GetString()!;
                await DrainAsync("drain", "slice", name);
            }

            var slice = (await lab.SliceOfAsync(Server, Pool, name)).Slice;
            await LabFixture.UntilAsync("the slice is quarantined", async () => (await StateAsync(slice)).State == "quarantined", EgressLab.Soon);
            var row = Assert.Single(await DrainAsync("undrain", "slice", name));
            Assert.Equal("quarantined", row.GetProperty("state").GetString());
            var until = row.GetProperty("quarantined_until").GetDateTimeOffset();

            await RestartAsync();
            Assert.Equal("quarantined", (await StateAsync(slice)).State);
            while ((await StateAsync(slice)).State == "quarantined")
            {
                if (await lab.TrySeenAsync(Server, Pool) is { } seen)
                {
                    Assert.False(EgressLab.Holds(slice, seen) && DateTimeOffset.UtcNow < until, $"{seen} was handed out, and is quarantined until {until:O}");
                }
            }

            Assert.True(DateTimeOffset.UtcNow >= until, $"the slice was free before {until:O}");
            Assert.Equal("owned", (await StateAsync(slice)).State);
        }
        finally
        {
            await File.WriteAllTextAsync(file, good, TestContext.Current.CancellationToken);
            await RestartAsync();
        }

        await lab.UntilUnusedAsync(Server);
        await LabFixture.UntilEstablishedAsync();
    }

    private LabProgram StartHold() => lab.StartExec(Server, Pool, "python3", EgressLab.Script("sockets.py"), "hold", LabFixture.OriginAddress);

    private async Task RestartAsync()
    {
        (await lab.LabAsync("crash", "softunicastd", Server)).Succeeded();
        (await lab.LabAsync("start", "softunicastd", Server)).Succeeded();
        await LabFixture.UntilAsync($"{Server} hands out slices", async () => await lab.RefusalAsync(Server) is null, TimeSpan.FromSeconds(30));
    }

    private async Task<IReadOnlyList<JsonElement>> DrainAsync(params string[] words) =>
        [.. JsonDocument.Parse((await lab.ControlAsync(Server, ["--json", .. words])).Succeeded()).RootElement.GetProperty("slices").EnumerateArray()];

    private async Task<(string State, int Sockets)> StateAsync(AddressPorts slice) =>
        (await lab.OwnAsync(Server, Pool)).Where(s => s.Slice == slice).Select(s => (s.State, s.Sockets)).Single();

    private static (string? Slice, string? State, int Sockets) Row(JsonElement row) =>
        (row.GetProperty("slice").GetString(), row.GetProperty("state").GetString(), row.GetProperty("sockets").GetInt32());
}
