using System.Text.Json;
using SoftUnicast.Linux.Bpf;

namespace SoftUnicast.Cli.Tests;

/// <summary>The pinned packet path of this kernel, read by the command line while no daemon runs.</summary>
public sealed class KernelPacketPathTests
{
    [Fact]
    public async Task The_real_pinned_packet_path_is_read()
    {
        Assert.SkipUnless(Environment.UserName == "root" && File.ReadLines("/proc/mounts").Any(l => l.Contains(" /sys/fs/bpf bpf ", StringComparison.Ordinal)),
            "needs root and a BPF file system in /sys/fs/bpf");
        var pins = $"/sys/fs/bpf/su-cli-test-{Environment.ProcessId}";
        try
        {
            using (var steering = PinnedSteering.LoadOrAdopt(pins))
            {
                steering.Settings.Generation = 42;
            }

            var result = await Support.Cli.RunAsync("-s", "/nonexistent/control.sock", "--pins", pins, "--json", "show", "status");
            Assert.Equal(3, result.Status);
            using var json = JsonDocument.Parse(result.Error);
            Assert.True(json.RootElement.TryGetProperty("packet_path", out var path), result.Error);
            Assert.Equal(42, path.GetProperty("generation").GetInt32());
            Assert.Equal(0, path.GetProperty("interfaces").GetArrayLength());
            Assert.Equal(25, path.GetProperty("reasons").GetArrayLength());
        }
        finally
        {
            PinnedSteering.Remove(pins);
        }
    }
}
