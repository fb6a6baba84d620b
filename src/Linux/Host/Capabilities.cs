using System.Collections.Immutable;
using System.Globalization;

namespace SoftUnicast.Linux.Host;

/// <summary>Capabilities that this project may need (capabilities(7)); the value is the bit's number.</summary>
public enum Capability
{
    NetBindService = 10,
    NetAdmin = 12,
    NetRaw = 13,
    SysAdmin = 21,
    PerfMon = 38,
    Bpf = 39,
}

/// <summary>The effective capabilities of this process.</summary>
public static class Capabilities
{
    /// <summary>The kernel's name: CAP_NET_ADMIN.</summary>
    public static string NameOf(Capability capability) => capability switch
    {
        Capability.NetBindService => "CAP_NET_BIND_SERVICE",
        Capability.NetAdmin => "CAP_NET_ADMIN",
        Capability.NetRaw => "CAP_NET_RAW",
        Capability.SysAdmin => "CAP_SYS_ADMIN",
        Capability.PerfMon => "CAP_PERFMON",
        Capability.Bpf => "CAP_BPF",
        _ => string.Create(CultureInfo.InvariantCulture, $"capability {(int)capability}"),
    };

    /// <summary>The names of those that this process lacks, in the order given; empty if it has all.</summary>
    public static ImmutableArray<string> Missing(params ReadOnlySpan<Capability> wanted) =>
        Missing(File.ReadLines("/proc/self/status"), wanted);

    internal static ImmutableArray<string> Missing(IEnumerable<string> status, params ReadOnlySpan<Capability> wanted)
    {
        const string Field = "CapEff:";
        var line = status.FirstOrDefault(l => l.StartsWith(Field, StringComparison.Ordinal))
            ?? throw new FormatException($"/proc/self/status has no {Field} line");
        if (!ulong.TryParse(line.AsSpan(Field.Length).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var effective))
        {
            throw new FormatException($"/proc/self/status: '{line}' has no hexadecimal number");
        }

        var missing = ImmutableArray.CreateBuilder<string>();
        foreach (var capability in wanted)
        {
            if ((effective & (1UL << (int)capability)) == 0)
            {
                missing.Add(NameOf(capability));
            }
        }

        return missing.ToImmutable();
    }
}
