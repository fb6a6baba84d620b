using System.Diagnostics;

namespace SoftUnicast.Lab.Tests;

/// <summary>The real units under a real systemd, as <c>./install</c> puts them there; InstallSystemd.sh does it, this judges.</summary>
public sealed class InstallSystemdTests
{
    private static readonly string Repository = FindRepository();

    [Fact]
    public async Task The_installed_units_run_without_root_survive_kill_and_hang_and_leave_the_packet_path()
    {
        var programs = Path.Combine(Repository, "out", "bin");
        if (Environment.UserName != "root")
        {
            Assert.Skip("a container needs root");
        }

        if (!File.Exists("/usr/bin/systemd-nspawn"))
        {
            Assert.Skip("systemd-nspawn is not installed (apt-get install systemd-container)");
        }

        Assert.True(File.Exists(Path.Combine(programs, "softunicastd")), "out/bin has no softunicastd: run ./build");

        var seen = await RunAsync(programs);

        Assert.StartsWith("installed ", seen["install"], StringComparison.Ordinal);
        Assert.Equal("", seen["gobgpd-start"]);
        Assert.Equal("srwxrwx--- softunicast-bgp softunicast|", seen["gobgpd-socket"]);

        Assert.Equal(("", "active|"), (seen["start"], seen["state"])); // Type=notify: started is READY
        Assert.NotEqual("|", seen["status-text"]);
        var uid = seen["uid"].TrimEnd('|');
        Assert.NotEqual("0", uid);
        const string NetAdminPerfMonBpf = "000000c000001000"; // bits 12, 38 and 39
        Assert.Equal($"Uid: {uid} {uid} {uid} {uid}|CapEff: {NetAdminPerfMonBpf}|NoNewPrivs: 1|Seccomp: 2|", seen["process"]);
        Assert.Equal("drwxr-x--- softunicast softunicast|", seen["pins"]);
        Assert.Contains("attached to eth0, eth1", seen["show"], StringComparison.Ordinal);
        Assert.Equal(("0|", "4|"), (seen["show-as-nobody"], seen["down-as-nobody"])); // 4: permission

        // The unit's limits leave what slices for programs need: the log's folder, /proc/sys/net, tc, cgroups, nft, /proc of other users.
        Assert.Matches("^egress +hands out 8 slices, ", seen["egress"]);
        Assert.Equal("drwxr-x--- softunicast softunicast|drwxr-x--- softunicast softunicast|", seen["state-folder"]);
        Assert.StartsWith("on eth0|on eth1|", seen["guard"], StringComparison.Ordinal);
        Assert.Contains("|net.ipv4.ip_local_port_range  32768 60999  2048 60999  ", seen["host"], StringComparison.Ordinal);
        Assert.Equal("2048 60999|", seen["range"]);
        Assert.Equal("table ip softunicast-ams-1|", seen["tables"]);
        Assert.Contains("net.ipv4.ip_forward is 0: ", seen["problems"], StringComparison.Ordinal); // not the daemon's to set
        Assert.Contains("sysctl -w net.ipv4.ip_forward=1", seen["problems"], StringComparison.Ordinal);
        Assert.Matches(@"^/system\.slice/run-[^/]+\.service/su-exec-[^|]+\|$", seen["exec"]);
        Assert.StartsWith("lease ", seen["lease"], StringComparison.Ordinal);
        Assert.Equal("/var/lib/softunicast/attribution: 1 file, nothing was changed or taken out|", seen["log"]);

        // The daemon, without root, dispatches; a service of another user is started by its socket, and started again without losing it.
        Assert.Equal("", seen["service-start"]);
        Assert.Equal(("www 198.51.97.5:443|", "www 198.51.111.255:80|"), (seen["answer"], seen["other-answer"]));
        Assert.Matches("^[0-9]+[|]$", seen["cookies"]);
        Assert.StartsWith("local 198.51.96.0/20 dev lo ", seen["local-prefix"], StringComparison.Ordinal);
        Assert.Equal(("", "www 198.51.97.6:443|"), (seen["service-restart"], seen["answer-after-restart"]));
        Assert.Equal(seen["cookies"], seen["cookies-after-restart"]);
        Assert.Equal("user 65534 may not register for label www; the configuration's 'labels' say who may|", seen["unregister-as-nobody"]);
        Assert.Equal("www 198.51.97.7:443|", seen["answer-while-dead"]);
        Assert.Equal("", seen["local-prefix-after-down"]);

        Assert.Equal("", seen["reload"]);
        Assert.Equal("1|", seen["watchdog"]);
        Assert.Equal("", seen["stop"]);
        Assert.Equal("2048 60999|", seen["range-after-restart"]);
        Assert.Contains("the guard is off eth0, eth1; 2 kernel settings are given back", seen["down"], StringComparison.Ordinal);
        Assert.Equal(("32768 60999|", "", ""), (seen["range-after-down"], seen["tables-after-down"], seen["filters-after-down"]));
        Assert.Contains(": unknown, ", seen["who-after-down"], StringComparison.Ordinal); // nobody wrote since
        foreach (var key in new[]
        {
            "attached", "same-process-after-reload", "attached-while-dead", "back-after-kill", "back-after-hang", "attached-after-stop",
            "lease-ended", "down-stays-down", "not-restarted",
        })
        {
            Assert.True(seen.GetValueOrDefault(key) == "yes|", $"{key}: {seen.GetValueOrDefault(key, "no")}");
        }

        Assert.Equal("failed|2|", string.Join('|', seen["broken-file"].Split('|').Order(StringComparer.Ordinal).Reverse()));
    }

    private static async Task<Dictionary<string, string>> RunAsync(string programs)
    {
        var work = Directory.CreateTempSubdirectory("sunet-boot-").FullName;
        try
        {
            var script = Path.Combine(Repository, "tests", "Lab.Tests", "InstallSystemd.sh");
            using var process = Process.Start(new ProcessStartInfo(script, [Repository, programs, work]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var seen = new Dictionary<string, string>();
            while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                var space = line.IndexOf(' ', StringComparison.Ordinal);
                seen[space < 0 ? line : line[..space]] = space < 0 ? "" : line[(space + 1)..];
            }

            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(seen.ContainsKey("end"), $"it did not get to the end: {string.Join("; ", seen)}; {await errors}");
            return seen;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "install")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"no ./install above {AppContext.BaseDirectory}");
        }

        return folder.FullName;
    }
}
