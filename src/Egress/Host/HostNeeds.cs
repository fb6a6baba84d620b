using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Host;

/// <summary>What the kernel around slices has to be like.</summary>
/// <param name="EgressPrefixes">Those that sockets of this server are bound in: each needs a local route. IPv4.</param>
/// <param name="RangeSlices">Own slices that serve, or may come to serve, <see cref="SliceUse.Range"/>.</param>
public sealed record HostNeeds(ImmutableArray<IpPrefix> EgressPrefixes, ImmutableArray<AddressPorts> RangeSlices)
{
    private const string PortRangeName = "net.ipv4.ip_local_port_range";
    private const string ReservedName = "net.ipv4.ip_local_reserved_ports";
    private const string ForwardName = "net.ipv4.ip_forward";
    private const string TimeWaitName = "net.ipv4.tcp_tw_reuse";
    private static readonly ImmutableArray<SliceUse> Sockets = [SliceUse.Exec, SliceUse.Range, SliceUse.Explicit];
    private static readonly ImmutableArray<SliceUse> All = [.. Sockets, SliceUse.Nat];

    /// <summary>Interfaces by which answers come in.</summary>
    public ImmutableArray<string> Interfaces { get; init; } = [];

    /// <summary>Forwarded traffic is to be translated.</summary>
    public bool Forwards { get; init; }

    /// <summary>The sysctls that <see cref="Judge"/> wants to know, as sysctl(8) names them.</summary>
    public ImmutableArray<string> Sysctls => [
        PortRangeName, ReservedName, .. Forwards ? new[] { ForwardName } : [], TimeWaitName,
        .. Interfaces.IsEmpty ? [] : Interfaces.Distinct(StringComparer.Ordinal).Prepend("all").Select(FilterName)];

    /// <summary>What has to be changed, and what an operator has to decide.</summary>
    public HostVerdict Judge(HostValues values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var changes = ImmutableArray.CreateBuilder<HostChange>();
        var remarks = ImmutableArray.CreateBuilder<HostRemark>();
        JudgeRange(values, changes, remarks);
        foreach (var prefix in EgressPrefixes.Where(p => !p.IsIPv6 && !values.LocalRoutes.Any(r => r.Contains(p))).Distinct().Order())
        {
            changes.Add(new HostChange(
                HostChange.RoutePrefix + prefix, null, "dev lo", "the kernel takes packets only for addresses of its own, and connects only from them", Sockets));
        }

        foreach (var name in Interfaces.Distinct(StringComparer.Ordinal))
        {
            // The larger of the two counts: 2 (loose) here overrules 1 (strict) there.
            if (values.Number(FilterName(name)) is { } own && Math.Max(own, values.Number(FilterName("all")) ?? 0) == 1)
            {
                changes.Add(new HostChange(
                    FilterName(name), own.ToString(CultureInfo.InvariantCulture), "2",
                    "a strict reverse-path filter drops answers whose source this interface does not lead back to", All));
            }
        }

        if (Forwards && values.Number(ForwardName) is { } forward and not 1)
        {
            remarks.Add(new HostRemark(
                ForwardName, forward.ToString(CultureInfo.InvariantCulture), "1",
                "nothing is forwarded, so nothing is translated; that this machine is a router is for you to decide", [SliceUse.Nat]));
        }

        if (values.Number(TimeWaitName) is { } reuse and not 1)
        {
            remarks.Add(new HostRemark(
                TimeWaitName, reuse.ToString(CultureInfo.InvariantCulture), "1",
                "a port that this side closed is unusable towards that destination for 60 s; with 1 it is free after a second", []));
        }

        return new HostVerdict(changes.ToImmutable(), remarks.ToImmutable());
    }

    private static string FilterName(string device) => $"net.ipv4.conf.{device.Replace('.', '/')}.rp_filter";

    private void JudgeRange(HostValues values, ImmutableArray<HostChange>.Builder changes, ImmutableArray<HostRemark>.Builder remarks)
    {
        if (RangeSlices.IsEmpty)
        {
            return;
        }

        var ports = new PortRange(RangeSlices.Min(s => s.Ports.First), RangeSlices.Max(s => s.Ports.Last));
        var text = values.Text(PortRangeName);
        if (text is not null && (Pair(text) is not { } range || !range.Contains(ports)))
        {
            var wanted = Pair(text) is { } now ? new PortRange(Math.Min(now.First, ports.First), Math.Max(now.Last, ports.Last)) : ports;
            changes.Add(new HostChange(
                PortRangeName, text, string.Create(CultureInfo.InvariantCulture, $"{wanted.First} {wanted.Last}"),
                "a port range of a slice that lies outside is ignored by the kernel without a word", [SliceUse.Range]));
        }

        var reserved = Ranges(values.Text(ReservedName) ?? "");
        var own = RangeSlices.Select(s => s.Ports).Distinct().ToList();
        var cut = own.Sum(p => CountIn(reserved, p));
        if (cut > 0)
        {
            // Somebody reserved them for something: it is not ours to take them back.
            var whole = own.All(p => CountIn(reserved, p) == p.Count);
            remarks.Add(new HostRemark(
                ReservedName, values.Text(ReservedName), string.Join(',', own.Aggregate(reserved, Without).Select(Text)),
                string.Create(CultureInfo.InvariantCulture, $"the kernel never chooses a reserved port: {cut} of {own.Sum(p => p.Count)} ports of the slices are of no use"),
                whole ? [SliceUse.Range] : []));
        }
    }

    private static PortRange? Pair(string text) =>
        text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [var low, var high]
        && ushort.TryParse(low, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
        && ushort.TryParse(high, NumberStyles.None, CultureInfo.InvariantCulture, out var last) && first <= last
            ? new PortRange(first, last)
            : null;

    // What the kernel prints: 22,8080-8090, in order and without overlap.
    private static List<PortRange> Ranges(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(part => PortRange.TryParse(part, out var range) ? range : (PortRange?)null).OfType<PortRange>()];

    private static int CountIn(List<PortRange> reserved, PortRange ports) => reserved.Where(r => r.Overlaps(ports))
        .Sum(r => Math.Min(r.Last, ports.Last) - Math.Max(r.First, ports.First) + 1);

    private static List<PortRange> Without(List<PortRange> reserved, PortRange ports)
    {
        var rest = new List<PortRange>();
        foreach (var range in reserved)
        {
            if (!range.Overlaps(ports))
            {
                rest.Add(range);
                continue;
            }

            if (range.First < ports.First)
            {
                rest.Add(new PortRange(range.First, (ushort)(ports.First - 1)));
            }

            if (range.Last > ports.Last)
            {
                rest.Add(new PortRange((ushort)(ports.Last + 1), range.Last));
            }
        }

        return rest;
    }

    private static string Text(PortRange range) =>
        range.Count == 1 ? range.First.ToString(CultureInfo.InvariantCulture) : range.ToString();
}
