using System.Globalization;
using SoftUnicast.Egress.Life;

namespace SoftUnicast.Linux.Host;

/// <summary>Reads all clocks of this host together (proc(5): /proc/uptime, /proc/sys/kernel/random/boot_id).</summary>
public sealed class HostClock(TimeProvider time)
{
    private readonly string bootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>The first number of /proc/uptime counts suspended time, as CLOCK_BOOTTIME does; its unit is 10 ms.</summary>
    public Clock Now()
    {
        var text = File.ReadAllText("/proc/uptime");
        var seconds = decimal.Parse(text.AsSpan(0, text.IndexOf(' ', StringComparison.Ordinal)), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        return new Clock(time.GetUtcNow(), TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)), bootId);
    }
}
