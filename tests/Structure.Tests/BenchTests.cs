using System.Diagnostics;
using System.Text.Json;

namespace SoftUnicast.Structure.Tests;

/// <summary>The bench runs, and says what it promises to say. What the figures are is not a test's business.</summary>
public class BenchTests
{
    [Fact]
    public async Task The_steer_bench_prints_one_object_with_every_figure()
    {
        var figures = (await RunJson("steer")).EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble());

        string[] promised = ["floor_ns", "steer_ns", "decap_ns", "transit_ns", "pass_ns", "verified_instructions", "rewrite_2m_ms", "move_us"];
        Assert.Equal(promised.Order(StringComparer.Ordinal), figures.Keys.Order(StringComparer.Ordinal));
        Assert.True(figures["verified_instructions"] < 2000, "the verifier walks 2,000 instructions or more");
    }

    [Fact]
    public async Task The_egress_bench_prints_one_object_with_every_figure()
    {
        var figures = await RunJson("egress");

        string[] numbers = ["exec_vs_range", "exec_vs_range_90", "control", "guard_ns", "guard_udp_ratio", "nft_udp_ratio", "guard_control", "who_ms"];
        Assert.All(numbers, name => Assert.True(figures.GetProperty(name).GetDouble() > 0, name));
        string[] byPercent = ["connect_us_p50", "connect_us_p99", "kernel_us_p99"];
        Assert.All(byPercent, name =>
        {
            var levels = figures.GetProperty(name).EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble());
            Assert.Equal(["10", "50", "90", "99"], levels.Keys);
            Assert.All(levels.Values, us => Assert.True(us > 0, name));
        });
    }

    [Fact]
    public async Task The_agility_bench_prints_one_object_with_every_figure()
    {
        RequireDnsServers();
        var figures = await RunJson("agility", "--short");

        string[] byBindings = ["tcp_ratio", "udp_ratio", "tcp_vs_floor", "udp_vs_floor"];
        Assert.All(byBindings, name =>
        {
            var ratios = figures.GetProperty(name).EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble());
            Assert.Equal(["1", "100", "10000", "10000_random_destinations"], ratios.Keys);
            Assert.All(ratios.Values, ratio => Assert.True(ratio > 0, name));
        });
        string[] numbers = ["dns_qps", "dns_qps_remote", "dns_qps_bind_backend", "dns_p99_ms", "naming_mib_20m"];
        Assert.All(numbers, name => Assert.True(figures.GetProperty(name).GetDouble() > 0, name));
        Assert.Equal(0, figures.GetProperty("failed_requests").GetInt32());
        Assert.InRange(figures.GetProperty("chi2_p").GetDouble(), 1e-6, 1);
    }

    [Fact]
    public async Task One_part_of_the_agility_bench_prints_its_own_figures_alone()
    {
        RequireDnsServers();
        var figures = await RunJson("agility", "--short", "--part", "shrink");

        Assert.Equal(["failed_requests", "requests", "chi2_p", "phases", "load_average"], figures.EnumerateObject().Select(p => p.Name));
        Assert.Equal(["static", "/20", "/24", "one address"], figures.GetProperty("phases").EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public void A_bench_that_there_is_not_is_refused_with_those_that_there_are_which_are_the_READMEs()
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Tree.Root, "bench/run"), ["steel"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var usage = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.Equal(2, process.ExitCode);
        var readme = File.ReadAllText(Path.Combine(Tree.Root, "README.md"));
        var named = readme.Split('\n').Where(l => l.StartsWith("| `bench/run ", StringComparison.Ordinal)).Select(l => l.Split('`', ' ')[3]);
        Assert.Equal(
            $"usage: bench/run {string.Join('|', named.Order(StringComparer.Ordinal))} [--json]\n       bench/run agility [--part dispatch|dns|shrink] [--short] [--json]\n", usage);
    }

    private static void RequireDnsServers() => Assert.All(
        ["/usr/bin/dnsdist", "/usr/sbin/pdns_server", "/usr/bin/dnsperf"],
        program => Assert.SkipUnless(File.Exists(program), $"needs {program}: lab/prepare installs it"));

    private static async Task<JsonElement> RunJson(string bench, params string[] options)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "loading BPF programs needs root");
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Tree.Root, "bench/run"), [bench, .. options, "--json"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(process.ExitCode == 0, $"{output}{await errors}");
        return JsonDocument.Parse(output).RootElement;
    }
}
