using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Daemon.Reports;

/// <summary><c>show host</c>: what the machine says of itself, read when it is asked.</summary>
internal static class HostReports
{
    public static HostReply Host(DaemonSnapshot state, NetworkView network, IReadOnlyList<XdpAttachment> attachments)
    {
        var pins = state.Configuration.Server.PinsPath;
        return new HostReply(
            File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
            pins,
            Directory.Exists(pins),
            [.. Pins(pins)],
            [.. network.Kernel.Links().OrderBy(l => l.Index).Select(l => Interface(state, l, attachments))],
            [.. Sysctls(state)],
            [.. Routes(state, network).OrderBy(r => r.To)]);
    }

    private static IEnumerable<string> Pins(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(folder, p)).Order(StringComparer.Ordinal)
        : [];

    private static InterfaceRow Interface(DaemonSnapshot state, Link link, IReadOnlyList<XdpAttachment> attachments)
    {
        var config = state.Configuration.Server.Interfaces.FirstOrDefault(i => i.Name == link.Name);
        var ours = attachments.FirstOrDefault(a => a.InterfaceIndex == link.Index && a.ProgramId != 0);
        return new InterfaceRow(
            link.Name,
            link.Index,
            link.Mac,
            link.IsUp ? link.HasCarrier ? "up" : "no carrier" : "down",
            link.MtuBytes,
            config?.Roles.ToString().ToLowerInvariant(),
            ours?.Mode.ToString().ToLowerInvariant(),
            link.XdpProgramId,
            ours is not null && ours.ProgramId == link.XdpProgramId,
            ours is null ? null : $"link_{link.Name}");
    }

    private static IEnumerable<SysctlRow> Sysctls(DaemonSnapshot state)
    {
        yield return Range(state);
        foreach (var device in state.Configuration.Server.Interfaces.Where(i => i.Roles.HasFlag(InterfaceRoles.Backbone)).Select(i => i.Name).Prepend("all"))
        {
            var name = $"net.ipv4.conf.{device.Replace('.', '/')}.rp_filter";
            yield return new SysctlRow(name, Sysctl.Read(name), "0 or 2", Sysctl.ReadNumber(name) is 0 or 2,
                "what comes out of a tunnel has a source that this interface does not route back to");
        }

        // Namespaces other than the first do not show it.
        if (Sysctl.Read("net.core.bpf_jit_enable") is { } jit)
        {
            yield return new SysctlRow("net.core.bpf_jit_enable", jit, "1", jit is "1" or "2", "without the JIT a packet costs many times as much");
        }
    }

    private static SysctlRow Range(DaemonSnapshot state)
    {
        const string name = "net.ipv4.ip_local_port_range";
        const string why = "a port range of a slice that lies outside is ignored by the kernel without a word";
        var own = state.Ownership.Owners.Where(o => o.Target is null).Select(o => o.Ports.Ports).ToList();
        var value = Sysctl.Read(name);
        if (own.Count == 0)
        {
            return new SysctlRow(name, value, null, true, why);
        }

        var wanted = $"{own.Min(p => p.First)} {own.Max(p => p.Last)}";
        var parts = value?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
        var right = parts.Length == 2 && int.TryParse(parts[0], out var first) && int.TryParse(parts[1], out var last)
            && first <= own.Min(p => p.First) && last >= own.Max(p => p.Last);
        return new SysctlRow(name, value is null ? null : string.Join(' ', parts), wanted, right, why);
    }

    private static IEnumerable<RouteRow> Routes(DaemonSnapshot state, NetworkView network)
    {
        foreach (var (endpoint, entry) in state.NextHops)
        {
            var owner = OwnerNames.Of(state.Configuration.Fleet, endpoint);
            yield return new RouteRow(
                endpoint,
                owner.ToString(),
                entry.Via?.Address == endpoint ? null : entry.Via?.Address,
                entry.NextHop is { } hop ? network.Links.GetValueOrDefault(hop.InterfaceIndex)?.Name : null,
                entry.NextHop?.MtuBytes,
                entry.State == NextHopState.Resolved ? null : entry.Reason);
        }

        foreach (var pool in state.Configuration.Fleet.Pools.Where(p => p.Weights.ContainsKey(state.Configuration.Self.Datacenter)))
        {
            yield return LocalRoute(pool, network);
        }
    }

    // Packets to an egress address end here only if the kernel takes the address for its own.
    private static RouteRow LocalRoute(EgressPool pool, NetworkView network)
    {
        try
        {
            var route = network.Kernel.RouteTo(pool.FirstAddress);
            return new RouteRow(pool.FirstAddress, $"pool {pool.Name}", null, route.Type == RouteType.Local ? "lo" : null, null, route.Type == RouteType.Local
                ? null
                : $"not local: the kernel would not take its packets; ip route add local {pool.Prefix} dev lo");
        }
        catch (SystemCallException e)
        {
            return new RouteRow(pool.FirstAddress, $"pool {pool.Name}", null, null, null, $"{e.Message}; ip route add local {pool.Prefix} dev lo");
        }
    }
}
