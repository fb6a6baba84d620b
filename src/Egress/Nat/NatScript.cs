using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Nat;

/// <summary>
/// A plan as nft reads it. The file is one transaction: the table goes and comes back with no packet between the two, and
/// connections that are translated already stay what they are, for rules are asked only about a flow's first packet.
/// </summary>
internal sealed class NatScript
{
    // Ours before those of others (srcnat): the first chain that translates a flow settles it.
    private const string Before = "srcnat - 10";

    // After every filter, so that no rule of somebody else takes our mark for one of its own.
    private const int MarkPriority = 300;
    private const uint MarkBase = 0x5a00_0000;
    private const uint MarkBits = 0x00ff_3fff; // without 0xc000, which Kubernetes drops and masquerades by
    private readonly StringBuilder text = new();
    private readonly string cgroupMount;
    private int depth;

    private NatScript(string cgroupMount) => this.cgroupMount = cgroupMount;

    public static string Of(NatPlan plan, string cgroupMount)
    {
        var script = new NatScript(cgroupMount);
        script.Line($"add table ip {plan.Table}");
        script.Line($"delete table ip {plan.Table}");
        if (!plan.EgressPrefixes.IsEmpty)
        {
            script.Table(plan);
        }

        return script.text.ToString();
    }

    /// <summary>One mark a cgroup, from its path, so that it seldom changes when others come and go.</summary>
    internal static ImmutableArray<(NatCgroup Cgroup, uint Mark)> Marks(IEnumerable<NatCgroup> cgroups)
    {
        var taken = new HashSet<uint>();
        var marks = ImmutableArray.CreateBuilder<(NatCgroup, uint)>();
        // The deepest first: of a cgroup and one above it the nearer one's slices count.
        foreach (var cgroup in cgroups.OrderByDescending(c => c.Level).ThenBy(c => c.Path, StringComparer.Ordinal))
        {
            var hash = 2166136261; // FNV-1a
            foreach (var c in cgroup.Path)
            {
                hash = (hash ^ c) * 16777619;
            }

            while (!taken.Add(hash & MarkBits))
            {
                hash += 1;
            }

            marks.Add((cgroup, MarkBase | (hash & MarkBits)));
        }

        return marks.ToImmutable();
    }

    private void Table(NatPlan plan)
    {
        var pools = plan.Pools.Where(p => !p.Slices.IsEmpty && !(p.Sources.IsEmpty && p.InInterfaces.IsEmpty))
            .OrderBy(p => p.Name, StringComparer.Ordinal).ToList();
        var cgroups = Marks(plan.Cgroups.Where(c => !c.Slices.IsEmpty));
        Open($"table ip {plan.Table}");
        Line("comment \"written by softunicastd, which puts back what is changed here\"");
        Set("egress", plan.EgressPrefixes);
        if (!plan.Untouched.IsEmpty)
        {
            Set("untouched", plan.Untouched);
        }

        Untracked(plan.Tracked);
        if (!cgroups.IsEmpty)
        {
            MarkDatagrams(plan, cgroups);
        }

        foreach (var pool in pools)
        {
            Chain($"pool-{pool.Name}", pool.Slices);
        }

        foreach (var (cgroup, mark) in cgroups)
        {
            Chain(ChainOf(mark), cgroup.Slices);
        }

        if (pools.Count > 0 || !cgroups.IsEmpty)
        {
            Postrouting(plan, pools, cgroups);
        }

        Close();
    }

    // What leaves from an egress address, and what comes for one, is somebody's bound socket unless its port lies in a slice
    // that we translate into.
    private void Untracked(ImmutableArray<AddressPorts> tracked)
    {
        Open("chain raw-output");
        Line("type filter hook output priority raw; policy accept;");
        Line("ip saddr @egress notrack");
        Close();
        Open("chain raw-prerouting");
        Line("type filter hook prerouting priority raw; policy accept;");
        Line("iif lo ip saddr @egress notrack");
        Line("ip daddr != @egress accept");
        if (!tracked.IsEmpty)
        {
            var ports = Elements(tracked.Select(s => $"{s.Address} . {Ports(s)}"));
            Line($"meta l4proto {{ tcp, udp }} ip daddr . th dport {ports} accept");
            Line($"icmp type echo-reply ip daddr . icmp id {ports} accept");
            // An error belongs to the flow of the packet that it quotes: its source port or identifier lies 8 bytes into the
            // error, behind an IP header of 20 (RFC 792) and, for echo, 4 bytes into the ICMP header. One with options stays
            // tracked.
            Line($"icmp type {{ destination-unreachable, time-exceeded, parameter-problem }} @th,64,8 != 0x45 accept");
            Line($"icmp type {{ destination-unreachable, time-exceeded, parameter-problem }} @th,136,8 1 ip daddr . @th,256,16 {ports} accept");
            Line($"icmp type {{ destination-unreachable, time-exceeded, parameter-problem }} @th,136,8 != 1 ip daddr . @th,224,16 {ports} accept");
        }

        Line("notrack");
        Close();
    }

    // nft looks a path up below /sys/fs/cgroup, wherever cgroup2 is mounted there; the level counts from the root of cgroup2.
    // A socket that is connected was bound to an egress address when it connected, and is not meant here.
    private void MarkDatagrams(NatPlan plan, ImmutableArray<(NatCgroup Cgroup, uint Mark)> cgroups)
    {
        Open("chain cgroups");
        foreach (var (cgroup, mark) in cgroups)
        {
            var path = cgroupMount.Length == 0 ? cgroup.Path : $"{cgroupMount}/{cgroup.Path}";
            Line(string.Create(CultureInfo.InvariantCulture, $"socket cgroupv2 level {cgroup.Level} \"{path}\" meta mark set 0x{mark:x8} return"));
        }

        Close();
        Open("chain output");
        Line(string.Create(CultureInfo.InvariantCulture, $"type filter hook output priority {MarkPriority}; policy accept;"));
        Line($"meta l4proto udp ct state new ip saddr != @egress{Way(plan)} fib daddr type unicast jump cgroups");
        Close();
    }

    private void Postrouting(NatPlan plan, List<NatPool> pools, ImmutableArray<(NatCgroup Cgroup, uint Mark)> cgroups)
    {
        Open("chain postrouting");
        Line($"type nat hook postrouting priority {Before}; policy accept;");
        foreach (var (_, mark) in cgroups)
        {
            Line(string.Create(CultureInfo.InvariantCulture, $"meta mark 0x{mark:x8} goto {ChainOf(mark)}"));
        }

        // Without an incoming interface it is this server's own.
        foreach (var pool in pools)
        {
            if (!pool.Sources.IsEmpty)
            {
                Line($"iif != 0 ip saddr {Elements(Distinct(pool.Sources).Select(p => p.ToString()))}{Way(plan)} goto pool-{pool.Name}");
            }

            if (!pool.InInterfaces.IsEmpty)
            {
                Line($"iifname {Elements(pool.InInterfaces.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(Quote))}{Way(plan)} goto pool-{pool.Name}");
            }
        }

        Close();
    }

    // One slice by source address and port of the flow, whatever its destination: a sender keeps its outer address and port
    // from one destination to the next as long as they are free there (RFC 4787 REQ-1, RFC 5382 REQ-1), and the slices fill evenly.
    // An identifier is to an echo what the port is to the others (RFC 5508 REQ-1).
    private void Chain(string name, ImmutableArray<AddressPorts> slices)
    {
        Open($"chain {name}");
        if (slices.Length == 1)
        {
            Line($"meta l4proto {{ tcp, udp }} snat ip to {slices[0].Address}:{Ports(slices[0])}");
            Line($"icmp type echo-request snat ip to {slices[0].Address}:{Ports(slices[0])}");
        }
        else
        {
            var map = Elements(slices.Order().Select((s, i) => string.Create(CultureInfo.InvariantCulture, $"{i} : {s.Address} . {Ports(s)}")));
            var count = slices.Length.ToString(CultureInfo.InvariantCulture);
            Line($"meta l4proto {{ tcp, udp }} snat ip to jhash ip saddr . th sport mod {count} seed 0x5a map {map}");
            Line($"icmp type echo-request snat ip to jhash ip saddr . icmp id mod {count} seed 0x5a map {map}");
        }

        Close();
    }

    private static string ChainOf(uint mark) => string.Create(CultureInfo.InvariantCulture, $"cgroup-{mark:x8}");

    private static string Ports(AddressPorts slice) => string.Create(CultureInfo.InvariantCulture, $"{slice.Ports.First}-{slice.Ports.Last}");

    private static string Way(NatPlan plan) =>
        (plan.OutInterfaces.IsEmpty ? "" : $" oifname {Elements(plan.OutInterfaces.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(Quote))}")
        + (plan.Untouched.IsEmpty ? "" : " ip daddr != @untouched");

    private static string Quote(string name) => $"\"{name}\"";

    private static string Elements(IEnumerable<string> elements) => $"{{ {string.Join(", ", elements)} }}";

    // nft refuses a set whose prefixes overlap.
    private static IEnumerable<IpPrefix> Distinct(ImmutableArray<IpPrefix> prefixes) =>
        prefixes.Distinct().Where(p => !prefixes.Any(other => other != p && other.Contains(p))).Order();

    private void Set(string name, ImmutableArray<IpPrefix> prefixes)
    {
        Open($"set {name}");
        Line("type ipv4_addr; flags interval;");
        Line($"elements = {Elements(Distinct(prefixes).Select(p => p.ToString()))}");
        Close();
    }

    private void Open(string what)
    {
        Line($"{what} {{");
        depth++;
    }

    private void Close()
    {
        depth--;
        Line("}");
    }

    private void Line(string line) => text.Append('\t', depth).Append(line).Append('\n');
}
