using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Tests.Support;

/// <summary>One reply of each kind, with something of everything in it.</summary>
internal static class Samples
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static StatusReply Status { get; } = new(
        "0.1.0", "ams-1", "ams", Health.Degraded,
        [new Problem("eth1: a foreign XDP program is attached", "take it off: ip link set eth1 xdp off")],
        Noon, new TimeSpan(1, 2, 3, 4),
        new ConfigurationStatus("/etc/softunicast/softunicast.yaml", "/etc/softunicast/fleet.yaml", 3, 9, 1, "/etc/softunicast/assignment.yaml", 7, Noon),
        new PacketPathStatus(["eth0"], ["eth1"], "/sys/fs/bpf/softunicast", true),
        new TableStatus(42, Noon.AddSeconds(30), TimeSpan.FromMilliseconds(1.25), 93, 1, 3, 24, 4, 1),
        new BgpSummary(GobgpdState.Running, true, 3, 4, 0, 1, 24, 6, 2),
        new PacketTotals(100, 200, 300, 400, 5, 600))
    {
        Egress = new EgressStatus(false, "the guard is not on eth1", 3, 2, 1, 0),
        Dispatch = new DispatchStatus(13, 2, 3, 1),
        Naming = new NamingStatus(4, 1, 0),
    };

    public static BgpReply Bgp { get; } = new(
        new GobgpdStatus(GobgpdState.Running, "/run/gobgpd/gobgpd.sock", "3.10.0", Noon, null),
        64512, IpAddress.Parse("10.1.1.1"), true, Noon,
        [
            new BgpSession(IpAddress.Parse("10.1.0.1"), 64601, ["internet", "underlay"], "established", Noon, 4, 0, 3, null),
            new BgpSession(IpAddress.Parse("2001:db8:1::9"), 64512, ["backbone"], "active", null, 0, 0, 0, "hold timer expired\u001b[31m"),
        ],
        [new AnnouncedScope("internet", 1, 1), new AnnouncedScope("datacenter", 3, 2)],
        24, 6,
        [new RejectedReason("not granted", 2)],
        [new RejectedRoute(Noon, IpAddress.Parse("10.1.0.9"), IpAddress.Parse("10.3.1.1"), "192.0.2.1:2048-4095 to 10.3.1.1", "not granted", "fra-1 is in fra, which pool us-general does not serve")]);

    public static PrefixesReply Prefixes { get; } = new(
    [
        new PrefixRow(IpPrefix.Parse("192.0.2.0/24"), "us-general", PrefixState.Announced, null, true, 2048, 256, 3, 24, 8165, "drop", "answer"),
        new PrefixRow(IpPrefix.Parse("2001:db8::/48"), "us-six", PrefixState.Held, "the packet path does not carry IPv6", false, 0, 0, 0, 0, 0, "drop", "drop"),
    ]);

    public static SlicesReply Slices { get; } = new("kernel",
    [
        new SliceRow(AddressPorts.Parse("192.0.2.1:0-2047"), "us-general", default, null, null, null),
        new SliceRow(AddressPorts.Parse("192.0.2.1:2048-4095"), "us-general", new OwnerRef(OwnerKind.Here, "ams-1"), null, null, null)
        {
            Here = new SliceHere("owned", "exec", 1741, 85),
        },
        new SliceRow(AddressPorts.Parse("192.0.2.1:4096-6143"), "us-general", new OwnerRef(OwnerKind.Server, "ams-2"), IpAddress.Parse("10.1.1.2"), default(Encapsulation), null),
        new SliceRow(AddressPorts.Parse("192.0.2.2:0-65535"), "us-general", new OwnerRef(OwnerKind.Datacenter, "fra"), IpAddress.Parse("10.255.2.0"),
            new Encapsulation(EncapsulationKind.Gre, 7), new OwnerRef(OwnerKind.Unowned, null)),
    ]);

    public static SliceForReply SliceFor { get; } = new(
        IpAddress.Parse("192.0.2.1"), 5000, "us-general", AddressPorts.Parse("192.0.2.1:4096-6143"), new OwnerRef(OwnerKind.Server, "ams-2"),
        IpAddress.Parse("10.1.1.2"), default(Encapsulation), "eth1, 02:00:00:00:00:02", new OwnerRef(OwnerKind.Server, "ams-3"),
        [
            new OwnershipClaim("kernel", new OwnerRef(OwnerKind.Server, "ams-2"), AddressPorts.Parse("192.0.2.1:4096-6143"), null),
            new OwnershipClaim("bgp slice route", new OwnerRef(OwnerKind.Server, "ams-3"), AddressPorts.Parse("192.0.2.1:4096-6143"), "from 10.1.0.9, origin 10.1.1.3"),
        ],
        Noon.AddMinutes(2));

    public static TunnelsReply Tunnels { get; } = new(
        [new LocalEndpoint(IpAddress.Parse("10.1.1.1"), "server", ["gue"]), new LocalEndpoint(IpAddress.Parse("10.255.1.0"), "datacenter", ["gue", "gre key 7"])],
        [
            new TunnelRow(2, IpAddress.Parse("10.1.1.2"), new OwnerRef(OwnerKind.Server, "ams-2"), default, "datacenter", 1, true, "eth1",
                MacAddress.Parse("02:00:00:00:00:02"), 100, 1600, 12345, 6789012),
            new TunnelRow(3, IpAddress.Parse("10.255.2.0"), new OwnerRef(OwnerKind.Datacenter, "fra"), new Encapsulation(EncapsulationKind.Gre, 7), "backbone", 32, false,
                null, null, null, 1500, 0, 0),
        ]);

    public static DropsReply Drops { get; } = new(
    [
        new ReasonRow(0, "not-ours", "pass", false, 1000, 64000, "neither an egress address nor a tunnel packet for us"),
        new ReasonRow(3, "steered", "steer", false, 20, 1280, "to the owner or to the owner's datacenter"),
        new ReasonRow(7, "unowned", "drop", true, 5, 320, "no server owns the slice"),
        new ReasonRow(9, "rank", "drop", true, 1, 90, "would have to climb back"),
    ]);

    public static HostReply Host { get; } = new(
        "6.18.0", "x86_64", "/sys/fs/bpf/softunicast", true, ["v1/su_l1", "v1/su_l2"],
        [
            new InterfaceRow("eth0", 2, MacAddress.Parse("02:00:00:00:00:01"), "up", 1500, "internet", "native", 17, true, "v1/link_eth0"),
            new InterfaceRow("eth1", 3, MacAddress.Parse("02:00:00:00:00:03"), "up", 1600, "backbone", "generic", 9, false, null),
            new InterfaceRow("lo", 1, null, "up", 65536, null, null, null, false, null),
        ],
        [
            new SysctlRow("net.core.bpf_jit_enable", "1", "1", true, "interpreted programs are slow"),
            new SysctlRow("net.ipv4.ip_forward", "1", "0", false, "an answer that came to the wrong server would be sent back"),
        ],
        [
            new RouteRow(IpAddress.Parse("10.1.1.2"), "ams-2", IpAddress.Parse("10.1.0.1"), "eth1", 1600, null),
            new RouteRow(IpAddress.Parse("10.255.2.0"), "fra", null, null, null, "network is unreachable"),
        ])
    {
        Changed = [new ChangedSetting("net.ipv4.ip_local_port_range", "32768 60999", "2048 65535", "the kernel chooses within it only")],
    };

    public static TraceReply Trace { get; } = new(
        "tcp 203.0.113.9:443 > 192.0.2.1:5000, 40 bytes", "eth0", "steer", "steered", "to the owner or to the owner's datacenter", false,
        [new TraceStep("ip", "192.0.2.1 is in pool us-general"), new TraceStep("owner", "slot 4196354 leads to endpoint 2")],
        new OwnerRef(OwnerKind.Server, "ams-2"), IpAddress.Parse("10.1.1.2"), default(Encapsulation), "eth1",
        "gue 10.1.1.1 > 10.1.1.2, 72 bytes, around the packet", "0200000000010200000000010800", string.Concat(Enumerable.Repeat("0123456789abcdef", 9)));

    public static DownReply Down { get; } = new(
        [new DownStep("withdraw", "1 prefix, 3 slices", TimeSpan.FromMilliseconds(12)), new DownStep("drain", "no packet for 5 s", TimeSpan.FromSeconds(7))],
        "nothing is announced, the packet path is off");

    public static EnrollReply Enroll { get; } = new(4711, "/system.slice/proxy.service", Held, false, "nft is not installed");

    public static LeaveReply Leave { get; } = new(4711, "/system.slice/proxy.service", Held);

    public static LeaseReply Lease { get; } = new("17", LeaseKind.Range, 4711, Held);

    public static ReleaseReply Release { get; } = new("17", Held);

    public static HoldReply Hold { get; } = new(
        "17-3", HoldState.Held, "17", IpAddress.Parse("192.0.2.1"), 2050, IpAddress.Parse("203.0.113.9"), 53, TimeSpan.FromSeconds(2));

    public static DrainReply Drain { get; } = new(false,
    [
        new DrainRow(AddressPorts.Parse("192.0.2.1:2048-4095"), "us-general", "exec", "draining", 12, null),
        new DrainRow(AddressPorts.Parse("192.0.2.2:2048-4095"), "us-general", "none", "quarantined", 0, Noon.AddMinutes(2)),
    ]);

    public static WhoReply Who { get; } = new(
        IpAddress.Parse("192.0.2.1"), 2050, Noon, "ams-1", AddressPorts.Parse("192.0.2.1:2048-4095"), "us-general", "range", "owned",
        [
            new WhoHolder("lease", 4711, "proxy", 1000, "/system.slice/proxy.service", "17", Noon.AddHours(-1)),
            new WhoHolder("cgroup", null, null, null, "/su-exec-9", null, Noon.AddHours(-2)),
        ],
        "2026-11-22.jsonl:12", null);

    public static WhoReply WhoUnknown { get; } = new(
        IpAddress.Parse("192.0.2.1"), 2050, Noon, null, null, null, null, null, [], null,
        new WhoUnknown("the chain is broken", "2026-11-22.jsonl:9"));

    public static LeasesReply Leases { get; } = new(
    [
        new LeaseRow(AddressPorts.Parse("192.0.2.1:2048-4095"), "us-general", "range", "lease", "17", 4711, "proxy", 1000, "/system.slice/proxy.service", Noon),
        new LeaseRow(AddressPorts.Parse("192.0.2.2:2048-4095"), "us-general", "exec", "cgroup", "99", null, null, null, "/su-exec-9", Noon),
        new LeaseRow(AddressPorts.Parse("192.0.2.3:2048-4095"), "us-general", "nat", "nat", null, null, null, null, null, Noon),
    ])
    {
        Choices = [new ChoiceRow("99", "/su-exec-9", 6144, 12, 3, 1, 2)],
    };

    public static PoolsReply Pools { get; } = new(
    [
        new PoolRow("us-general", [new Tag("country", "US"), new Tag("product", "cdn")], 4, new SlicesByUse(1, 1, 1, 0, 1), new SlicesByState(1, 2, 1, 0), 1741,
            new FullestDestination(IpAddress.Parse("192.0.2.1"), IpAddress.Parse("203.0.113.9"), 443, 1741, 2048), 85, PoolRow.LevelOf(85)),
        new PoolRow("de-general", [], 0, new SlicesByUse(0, 0, 0, 0, 0), new SlicesByState(0, 0, 0, 0), 0, null, 0, 0),
    ]);

    public static BindingsReply Bindings { get; } = new(
        [
            new BindingRow("www", "tcp", IpPrefix.Parse("198.51.96.0/20"), "443", "configuration", 2, 91234, 3, 0),
            new BindingRow("dns", "udp", IpPrefix.Parse("2001:db8:4000::/44"), "any", "command", 0, 17, 5, 1),
        ],
        ["api tcp 198.51.96.0/24 8000-8100: the port ranges overlap too much"]);

    public static BoundReply Unbound { get; } = new("www tcp 198.51.96.0/20 443", false, "what is open stays");

    public static DispatchReply Dispatch { get; } = new(
        "/sys/fs/bpf/softunicast/dispatch/v1",
        71,
        2,
        [
            new DispatchPrefixRow("web", IpPrefix.Parse("198.51.96.0/20"), true, true, null),
            new DispatchPrefixRow("six", IpPrefix.Parse("2001:db8:4000::/44"), false, false, "label dns has no live socket"),
        ],
        [new LabelRow("dns", 1, 0, 1, 17, 5, 1, []), new LabelRow("www", 1, 2, 0, 91234, 3, 0, ["user www-data", "group web"])],
        [new SocketRow("www", "tcp", "ipv4", 0, 4711, false), new SocketRow("www", "tcp", "ipv4", 1, 4712, true)],
        4,
        "user 1000 may not register for label www");

    public static RegisteredReply Registered { get; } = new("www", 1, Dispatch.Sockets, ["no binding of label www leads to a UDP socket of 0.0.0.0:53 yet"]);

    public static RegisteredReply Unregistered { get; } = new("www", 2, [], []);

    public static GuardReply Guard { get; } = new(
        [new GuardPlace("eth0", true, null), new GuardPlace("eth1", false, "no such interface")],
        [new GuardReason("owned", false, 100, 6400, "from a slice of this server"), new GuardReason("foreign-port", true, 2, 128, "from a port of another server")],
        [new GuardEvent(Noon, "eth0", "foreign-port", "udp 192.0.2.1:9 > 203.0.113.9:53", "process 4712 (dig)")]);

    private static System.Collections.Immutable.ImmutableArray<HeldSlice> Held =>
        [new HeldSlice(AddressPorts.Parse("192.0.2.1:2048-4095"), "us-general"), new HeldSlice(AddressPorts.Parse("192.0.2.2:2048-4095"), "us-general")];

    public static IEnumerable<ControlReply> All => [Status, Bgp, Prefixes, Slices, SliceFor, Tunnels, Drops, Host, Trace, Down,
        Enroll, Leave, Lease, Release, Hold, Drain, Who, Leases, Pools, Guard,
        Bindings, Dispatch, Unbound, Registered, Unregistered, .. NamingSamples.All];
}
