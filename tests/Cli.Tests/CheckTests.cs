using System.Text.Json;
using SoftUnicast.Cli.Tests.Support;

namespace SoftUnicast.Cli.Tests;

public sealed class CheckTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("softunicast-check-").FullName;

    public CheckTests()
    {
        File.WriteAllText(Path.Combine(folder, "fleet.yaml"), """
            fleet:
              as: 64512
            datacenters:
              ams:
                endpoint: 10.255.1.0
            servers:
              ams-1: { datacenter: ams, endpoint: 10.1.1.1 }
            pools:
              us-general:
                prefix: 192.0.2.0/24
                datacenters: [ams]

            """);
        File.WriteAllText(Path.Combine(folder, "softunicast.yaml"), """
            server: ams-1
            fleet: fleet.yaml
            assignment: assignment.yaml
            interfaces:
              eth0: { role: both }
            bgp:
              neighbours:
                - { address: 10.1.0.1, as: 64601, scopes: [internet] }
                - { address: 10.1.0.9, as: 64512, scopes: [backbone, datacenter] }

            """);
        File.WriteAllText(Path.Combine(folder, "assignment.yaml"), """
            assignment:
              generation: 1
            pools:
              us-general:
                slice-size: 2048
                addresses:
                  192.0.2.0:
                    ams: { ports: 0-65535, servers: { ams-1: [2048-4095] } }

            """);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("softunicast.yaml")]
    [InlineData("fleet.yaml")]
    [InlineData("assignment.yaml")]
    public async Task A_right_file_of_each_kind_passes(string file)
    {
        var path = Path.Combine(folder, file);
        Assert.Equal(new CliResult(0, $"{path}: no errors\n", ""), await Support.Cli.RunAsync("check", path));
    }

    [Theory]
    [InlineData("softunicast.yaml", "server: ams-1", "server: ams-9", 1)]
    [InlineData("fleet.yaml", "prefix: 192.0.2.0/24", "prefix: 192.0.2.0/25", 10)]
    [InlineData("assignment.yaml", "[2048-4095]", "[2049-4096]", 8)]
    [InlineData("assignment.yaml", "generation: 1", "generation: -1", 2)]
    public async Task A_wrong_file_of_each_kind_is_status_2_with_the_place(string file, string right, string wrong, int line)
    {
        var path = Path.Combine(folder, file);
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)).Replace(right, wrong, StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        var result = await Support.Cli.RunAsync("check", path);
        Assert.Equal(2, result.Status);
        Assert.Contains($"{path}:{line}:", result.Error, StringComparison.Ordinal);
        Assert.Contains("^", result.Error, StringComparison.Ordinal);
        var json = await Support.Cli.RunAsync("check", "--json", path);
        Assert.Equal((2, ""), (json.Status, json.Error));
        using var document = JsonDocument.Parse(json.Data);
        Assert.Equal(line, document.RootElement.GetProperty("diagnostics")[0].GetProperty("line").GetInt32());
    }

    [Fact]
    public async Task All_files_are_checked_at_once()
    {
        var result = await Support.Cli.RunAsync("check", Path.Combine(folder, "fleet.yaml"), "/nonexistent/a.yaml", "/nonexistent/b.yaml");
        Assert.Equal(1, result.Status);
        Assert.Contains("/nonexistent/a.yaml: error: cannot be read: no such file", result.Error, StringComparison.Ordinal);
        Assert.Contains("/nonexistent/b.yaml: error: cannot be read: no such file", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assignment_is_held_to_a_fleet()
    {
        var path = Path.Combine(folder, "assignment.yaml");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)).Replace("ams-1", "ams-7", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        var result = await Support.Cli.RunAsync("check", "--fleet", Path.Combine(folder, "fleet.yaml"), path);
        Assert.Equal(0, result.Status);
        Assert.Contains("warning:", result.Error, StringComparison.Ordinal);
        Assert.Contains("ams-7", result.Error, StringComparison.Ordinal);
    }
}
