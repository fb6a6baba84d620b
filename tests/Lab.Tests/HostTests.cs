using System.Text.Json;

namespace SoftUnicast.Lab.Tests;

/// <summary>The kernel around slices: what the daemon has changed is listed and kept.</summary>
public sealed class HostTests(LabFixture lab)
{
    private const string Server = "nyc-3";

    [Fact]
    public async Task Settings_that_the_daemon_has_made_are_listed_with_what_they_were_and_the_kernel_has_them()
    {
        lab.Require();
        var changed = await ChangedAsync(lab, Server);
        Assert.Contains("net.ipv4.ip_local_port_range", changed.Keys);
        Assert.Contains("route local 192.0.2.0/24", changed.Keys);
        Assert.Contains("route local 198.51.100.0/24", changed.Keys);
        foreach (var (name, (was, now)) in changed)
        {
            Assert.Equal(now, await ValueAsync(Server, name));
            Assert.NotEqual(was, now);
        }
    }

    [Theory]
    [InlineData("echo 32768 60999 > /proc/sys/net/ipv4/ip_local_port_range")]
    [InlineData("ip route del local 192.0.2.0/24 dev lo table local")]
    public async Task A_setting_that_somebody_changes_back_is_repaired(string harm)
    {
        lab.Require();
        var changed = await ChangedAsync(lab, Server);
        (await LabFixture.RunAsync(Server, "sh", "-c", harm)).Succeeded();

        await LabFixture.UntilAsync($"what '{harm}' did is undone", async () =>
        {
            foreach (var (name, (_, now)) in changed)
            {
                if (await ValueAsync(Server, name) != now)
                {
                    return false;
                }
            }

            return true;
        }, EgressLab.Soon);
        Assert.Equal(changed, await ChangedAsync(lab, Server));
        await lab.SliceOfAsync(Server, "us-general", await lab.SeenAsync(Server, "us-general"));
    }

    /// <summary>By name: what it was before, and is now; null: it is not there.</summary>
    internal static async Task<Dictionary<string, (string? Was, string Now)>> ChangedAsync(LabFixture lab, string server) =>
        (await lab.ShowAsync(server, "host")).GetProperty("changed").EnumerateArray().ToDictionary(
            c => c.GetProperty("name").GetString()!,
            c => (c.GetProperty("was").ValueKind == JsonValueKind.Null ? null : c.GetProperty("was").GetString(), c.GetProperty("is").GetString()!));

    /// <summary>A setting as the server's kernel has it.</summary>
    internal static async Task<string?> ValueAsync(string server, string name)
    {
        if (name.StartsWith("route local ", StringComparison.Ordinal))
        {
            var routes = (await LabFixture.RunAsync(server, "ip", "-o", "route", "show", "table", "local", "type", "local", "dev", "lo")).Output;
            return routes.Contains(name["route ".Length..] + " ", StringComparison.Ordinal) ? "dev lo" : null;
        }

        var value = (await LabFixture.RunAsync(server, "cat", $"/proc/sys/{name.Replace('.', '/')}")).Succeeded();
        return string.Join(' ', value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
