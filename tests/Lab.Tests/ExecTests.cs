namespace SoftUnicast.Lab.Tests;

/// <summary>Programs that know nothing of slices, through <c>softunicastc exec</c>.</summary>
public sealed class ExecTests(LabFixture lab)
{
    private const string Pool = "eu-video";
    private const string PoolAddress = "198.51.100.1";

    /// <summary>The origin's own wire is listened to: what it saw is not what this end believes.</summary>
    [Fact]
    public async Task Every_socket_of_programs_on_three_servers_is_seen_as_one_address_each_in_a_slice_of_its_own_server()
    {
        lab.Require();
        var seen = new List<string>();
        await using var wire = LabProgram.Start("origin", "python3", EgressLab.Script("capture.py"), "eth0");
        await wire.NextAsync();
        var texts = new Dictionary<string, (string Server, string Name)>();
        foreach (var server in new[] { "ams-1", "ams-2", "nyc-1" })
        {
            var ran = await lab.ExecAsync(server, Pool, "python3", EgressLab.Script("sockets.py"), "ways", LabFixture.OriginAddress, server);
            var ways = ran.Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement).ToList();
            Assert.Equal(
                ["tcp", "tcp, v4-mapped", "udp", "udp, v4-mapped", "udp, unconnected", "udp, unconnected, v4-mapped", "a child's tcp"],
                ways.Select(w => w.GetProperty("way").GetString()!));
            foreach (var way in ways)
            {
                var name = way.TryGetProperty("name", out var given) ? given.GetString()! : null;
                if (way.TryGetProperty("text", out var text))
                {
                    texts.Add(text.GetString()!, (server, name!));
                }
                else
                {
                    var other = way.GetProperty("seen").GetString()!;
                    Assert.True(name is null || name == other, $"{server}, {way}: getsockname says otherwise");
                    await lab.SliceOfAsync(server, Pool, other);
                    seen.Add(other);
                }
            }
        }

        var packets = await wire.EndAsync();
        foreach (var (text, (server, name)) in texts)
        {
            var packet = Assert.Single(packets, p => p.GetProperty("text").GetString() == text);
            var other = $"{packet.GetProperty("source").GetString()}:{packet.GetProperty("source_port").GetInt32()}";
            Assert.True(text.Contains("unconnected", StringComparison.Ordinal) || name == other, $"{text}: seen as {other}, getsockname says {name}");
            await lab.SliceOfAsync(server, Pool, other);
            seen.Add(other);
        }

        Assert.Equal(3 * 7, seen.Count);
        Assert.All(seen, name => Assert.StartsWith($"{PoolAddress}:", name, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, "true")]
    [InlineData(37, "exit 37")]
    [InlineData(143, "kill -TERM $$")]
    public async Task Its_exit_status_is_the_programs(int status, string script)
    {
        lab.Require();
        Assert.Equal(status, (await lab.ExecAsync("ams-2", Pool, "sh", "-c", script)).ExitStatus);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_127_as_env_has_it()
    {
        lab.Require();
        var ran = await lab.ExecAsync("ams-2", Pool, "no-such-program");
        Assert.Equal(127, ran.ExitStatus);
        Assert.Contains("no-such-program", ran.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_program_had_is_free_for_others_after_it()
    {
        lab.Require();
        await lab.SeenAsync("ams-2", "us-general");
        await lab.UntilUnusedAsync("ams-2");
    }
}
