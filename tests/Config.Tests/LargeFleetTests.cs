using System.Globalization;
using System.Text;

namespace SoftUnicast.Config.Tests;

public class LargeFleetTests
{
    [Fact]
    public void Ten_thousand_servers_and_a_thousand_addresses_fit_a_file_and_load_completely()
    {
        var text = new StringBuilder("fleet: { as: 64512 }\ndatacenters:\n");
        for (var d = 0; d < 50; d++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  dc{d}: {{ endpoint: 10.255.{d}.0 }}\n");
        }

        text.Append("servers:\n");
        for (var s = 0; s < 10_000; s++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  dc{s / 200}-{s % 200}: {{ datacenter: dc{s / 200}, endpoint: 10.{s / 200}.{s % 200}.1 }}\n");
        }

        text.Append("pools:\n");
        for (var p = 0; p < 4; p++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  pool-{p}: {{ prefix: 198.18.{p}.0/24, addresses: 198.18.{p}.0-198.18.{p}.249, datacenters: [{string.Join(", ", Enumerable.Range(0, 50).Select(d => $"dc{d}"))}] }}\n");
        }

        var clock = System.Diagnostics.Stopwatch.StartNew();
        var result = FleetYaml.Read("fleet.yaml", text.ToString());
        TestContext.Current.SendDiagnosticMessage("{0} bytes, {1} ms", text.Length, clock.ElapsedMilliseconds);
        Assert.Empty(result.Diagnostics);
        Assert.Equal(10_000, result.Value!.Servers.Count);
        Assert.Equal(10_000, result.Value.ServersByEndpoint.Count);
        Assert.Equal(1_000, result.Value.Pools.Sum(p => p.AddressCount));
        Assert.InRange(text.Length, 500_000, 1 << 20);
    }
}
