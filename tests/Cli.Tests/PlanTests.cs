using System.Text.Json;
using SoftUnicast.Cli.Offline;
using SoftUnicast.Cli.Tests.Support;
using SoftUnicast.Config;

namespace SoftUnicast.Cli.Tests;

public sealed class PlanTests : IDisposable
{
    private const string FleetText = """
        fleet:
          as: 64512
        datacenters:
          ams:
            endpoint: 10.255.1.0
        servers:
          ams-1: { datacenter: ams, endpoint: 10.1.1.1 }
          ams-2: { datacenter: ams, endpoint: 10.1.1.2 }
        pools:
          us-general:
            prefix: 192.0.2.0/24
            datacenters: [ams]

        """;

    private readonly string folder = Directory.CreateTempSubdirectory("softunicast-plan-").FullName;

    public PlanTests() => File.WriteAllText(Fleet, FleetText);

    private string Fleet => Path.Combine(folder, "fleet.yaml");

    private string Assignment => Path.Combine(folder, "assignment.yaml");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Unless_told_where_nothing_is_written()
    {
        var result = await Support.Cli.RunAsync("plan", "--fleet", Fleet);
        Assert.Equal((0, ""), (result.Status, result.Error));
        Assert.StartsWith("generation 0 -> 1\n", result.Data, StringComparison.Ordinal);
        Assert.Equal([Fleet], Directory.GetFiles(folder));
    }

    [Fact]
    public async Task In_place_the_assignment_is_replaced_and_a_second_plan_changes_nothing()
    {
        Assert.Equal(0, (await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--in-place")).Status);
        var first = await File.ReadAllTextAsync(Assignment, TestContext.Current.CancellationToken);
        var read = AssignmentYaml.Read(Assignment, first);
        Assert.Equal(["ams-1", "ams-2"], read.Value!.Pools.Single().Slices.Select(s => s.Server).Order());
        var again = await Support.Cli.RunAsync("pl", "--in-place", "--fleet", Fleet, "--assignment", Assignment);
        Assert.StartsWith("nothing changes: generation 1 stays\n", again.Data, StringComparison.Ordinal);
        Assert.Equal(first, await File.ReadAllTextAsync(Assignment, TestContext.Current.CancellationToken));
        Assert.Equal(2, Directory.GetFiles(folder).Length);
    }

    [Fact]
    public async Task The_output_file_is_written_and_the_assignment_in_force_left()
    {
        await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--in-place");
        await File.WriteAllTextAsync(Fleet, FleetText.Replace("ams-2:", "ams-3:", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var before = await File.ReadAllTextAsync(Assignment, TestContext.Current.CancellationToken);
        var next = Path.Combine(folder, "next.yaml");
        Assert.Equal(0, (await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--output", next)).Status);
        Assert.Equal(before, await File.ReadAllTextAsync(Assignment, TestContext.Current.CancellationToken));
        var written = AssignmentYaml.Read(next, await File.ReadAllTextAsync(next, TestContext.Current.CancellationToken)).Value!;
        Assert.Equal(2, written.Generation);
        Assert.Equal("ams-2", Assert.Single(written.Pools[0].Quarantined).FormerServer);
    }

    [Fact]
    public async Task Output_over_the_assignment_in_force_is_refused()
    {
        await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--in-place");
        var result = await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--output", Path.Combine(folder, ".", "assignment.yaml"));
        Assert.Equal(2, result.Status);
        Assert.Contains("is the assignment in force: say --in-place to write over it", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pool_that_cannot_serve_everyone_is_an_error_that_says_what_would_do()
    {
        await File.WriteAllTextAsync(Fleet, FleetText.Replace("prefix: 192.0.2.0/24", "prefix: 192.0.2.0/24\n    addresses: 192.0.2.1\n    slice-size: 32768", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        var result = await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--in-place");
        Assert.Equal((1, ""), (result.Status, result.Data));
        Assert.Contains("would do:", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Assignment));
        var json = await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--json");
        Assert.Equal(1, json.Status);
        using var document = JsonDocument.Parse(json.Data);
        Assert.False(document.RootElement.GetProperty("planned").GetBoolean());
    }

    [Fact]
    public async Task Json_is_one_object()
    {
        var result = await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--json");
        using var document = JsonDocument.Parse(result.Data);
        Assert.Equal(1, document.RootElement.GetProperty("generation").GetInt32());
    }

    [Fact]
    public async Task An_error_in_a_file_is_status_2_with_its_place()
    {
        await File.AppendAllTextAsync(Fleet, "pols: {}\n", TestContext.Current.CancellationToken);
        var result = await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--in-place");
        Assert.Equal((2, ""), (result.Status, result.Data));
        Assert.Contains("fleet.yaml:13:1: error: ", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Assignment));
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_named()
    {
        Assert.Equal(
            new CliResult(1, "", "softunicastc: /nonexistent/fleet.yaml: cannot be read: no such file\n"),
            await Support.Cli.RunAsync("plan", "--fleet", "/nonexistent/fleet.yaml"));
        var missing = Path.Combine(folder, "other.yaml");
        Assert.Equal(
            new CliResult(1, "", $"softunicastc: {missing}: cannot be read: no such file\n"),
            await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--assignment", missing));
    }

    [Fact]
    public async Task A_target_that_cannot_be_written_is_named_and_nothing_is_left_behind()
    {
        var result = await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--output", Path.Combine(folder, "nowhere", "next.yaml"));
        Assert.Equal(1, result.Status);
        Assert.Contains("cannot be written", result.Error, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(folder, "taken"));
        Assert.NotEqual(0, (await Support.Cli.RunAsync("plan", "--fleet", Fleet, "--output", Path.Combine(folder, "taken"))).Status);
        Assert.Equal([Fleet], Directory.GetFiles(folder));
    }

    [Fact]
    public void A_replaced_file_keeps_its_rights_and_its_links()
    {
        var target = Path.Combine(folder, "target.yaml");
        File.WriteAllText(target, "old");
        File.SetUnixFileMode(target, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var link = Path.Combine(folder, "link.yaml");
        File.CreateSymbolicLink(link, target);
        Files.Replace(link, "new");
        Assert.Equal("new", File.ReadAllText(target));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(target));
        Assert.NotNull(new FileInfo(link).LinkTarget);
    }

    [Fact]
    public void Who_reads_while_a_file_is_replaced_sees_the_old_or_the_new_one()
    {
        var path = Path.Combine(folder, "busy.yaml");
        var texts = new[] { new string('a', 300_000), new string('b', 300_000) };
        Files.Replace(path, texts[0]);
        var writes = 0;
        var writer = Task.Run(
            () =>
            {
                for (; writes < 50; writes++)
                {
                    Files.Replace(path, texts[writes % 2]);
                }
            },
            TestContext.Current.CancellationToken);
        do
        {
            Assert.Contains(File.ReadAllText(path), texts);
        }
        while (!writer.IsCompleted);
        Assert.Equal(50, writes);
    }
}
