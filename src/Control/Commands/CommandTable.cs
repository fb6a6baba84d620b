using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Commands;

/// <summary>Every command, as data: parser, help, completion and manual are all read from here.</summary>
internal static class CommandTable
{
    private static readonly Word Show = new("show", "Tell what is");
    private static readonly ImmutableArray<Word> Protocols =
    [
        new("tcp", "TCP segment"),
        new("udp", "UDP datagram"),
        new("sctp", "SCTP packet"),
        new("echo-request", "ICMP echo request; the port of 'to' is its identifier"),
        new("echo-reply", "ICMP echo reply; the port of 'to' is its identifier"),
        new("icmp-error", "ICMP error; the port of 'to' is the source port that it quotes"),
    ];

    private static readonly Word Lease = new("lease", "Lease slices to this process");

    private static readonly ImmutableArray<Element> Enroll = [new Word("enroll", "Give a cgroup slices"), Cgroup()];

    private static readonly ImmutableArray<Element> ByPool =
        [new Word("pool", "Of this pool"), Name("pool", ArgumentKind.PoolName, "POOL", "Pool's name")];

    private static readonly ImmutableArray<Element> ByTags =
        [new Word("tag", "Of every pool that has these tags"), new Argument("tags", ArgumentKind.Tags, "KEY=VALUE...", "Tag of a pool; more may follow")];

    private static readonly ImmutableArray<Element> Who =
        [new Word("who", "Who has a port, or had it"), new Argument("port", ArgumentKind.AddressPort, "ADDRESS:PORT", "Egress address and port")];

    public static ImmutableArray<CommandSyntax> All { get; } =
    [
        Noun("status", "Whether the daemon is well, and what it does", new ShowStatus()),
        Noun("bgp", "gobgpd, its sessions, what is announced and what was refused", new ShowBgp()),
        Noun("prefixes", "Announced prefixes and their rows in the kernel's table", new ShowPrefixes()),
        new(
            [Show, new Word("slices", "Slices and their owners, from the kernel's table")],
            [
                new Option([new Word("pool", "Only slices of one pool"), Name("pool", ArgumentKind.PoolName, "POOL", "Pool's name")]),
                new Option([new Word("server", "Only slices of one server"), Name("server", ArgumentKind.ServerName, "SERVER", "Server's name")]),
            ],
            "Slices and their owners, from the kernel's table",
            a => new ShowSlices(a.Get<string?>("pool", null), a.Get<string?>("server", null))),
        new(
            [
                Show,
                new Word("slice", "The owner of one port of one address"),
                new Word("for", "The owner of one port of one address"),
                new Argument("port", ArgumentKind.AddressPort, "ADDRESS:PORT", "Egress address and port"),
            ],
            [],
            "The owner of one port of one address, and who else claims it",
            a => new ShowSliceFor(a.Get<AddressWithPort>("port").Address, a.Get<AddressWithPort>("port").Port!.Value)),
        Noun("tunnels", "Tunnel endpoints, their next hops and counters", new ShowTunnels()),
        Noun("drops", "Packets counted by reason; drops are marked", new ShowDrops()),
        Noun("host", "Interfaces, XDP programs, bpffs, kernel settings", new ShowHost()),
        Noun("pools", "Pools: slices here by use and state, how full they are", new ShowPools()),
        Noun("leases", "Who holds slices: cgroups, leases, NAT", new ShowLeases()),
        Noun("guard", "Packets from foreign ports that were stopped", new ShowGuard()),
        .. DispatchCommands.Shows(Show),
        new([.. Who], [], "Who has this port of this address now", a => BuildWho(a)),
        new([.. Who, Time()], [], "Who had this port of this address then", a => BuildWho(a)),
        new([.. Who, new Word("at", "At this time"), Time()], [], "Who had this port of this address then", a => BuildWho(a)),
        new(
            [
                new Word("trace", "Tell what would happen"),
                new Word("packet", "What would happen to a packet here, and why"),
                new Choice("protocol", Protocols),
                new Word("from", "Where it comes from"),
                new Argument("from", ArgumentKind.AddressOptionalPort, "ADDRESS[:PORT]", "Source address and port"),
                new Word("to", "Where it goes to"),
                new Argument("to", ArgumentKind.AddressPort, "ADDRESS:PORT", "Destination address and port"),
            ],
            [
                new Option([new Word("syn", "It opens a connection (TCP SYN, SCTP INIT)")]),
                Number("length", "Length of the IP packet", "BYTES", 20, 65535),
                Number("ttl", "Time to live", "TTL", 0, 255),
                Number("tos", "TOS octet, ECN included", "TOS", 0, 255),
                Number("fragment", "A later fragment", "OFFSET-BYTES", 0, 65528),
                new Option([new Word("more-fragments", "The more-fragments bit is set")]),
                Number("vlan", "It carries an 802.1Q tag", "VLAN", 1, 4094),
                Number("type", "Type of an ICMP error", "TYPE", 0, 255),
                new Option([new Word("quoting", "What an ICMP error quotes; default tcp"), new Choice("quoting", Protocols[..5])]),
                new Option(
                [
                    new Word("through", "It comes out of a tunnel"),
                    new Choice("through", [new("gue", "GUE, UDP port 6080"), new("gre", "GRE"), new("ipip", "IP in IP")]),
                    new Word("from", "The tunnel's source"),
                    new Argument("peer", ArgumentKind.Address, "PEER", "Tunnel endpoint of the server that sends it"),
                    new Word("to", "The tunnel's destination"),
                    new Argument("endpoint", ArgumentKind.Address, "ENDPOINT", "Tunnel endpoint of this server"),
                ]),
                Number("key", "GRE key of the tunnel", "KEY", 0, uint.MaxValue),
                OnInterface(),
            ],
            "What would happen to this packet here, and why, from the kernel's table",
            BuildTrace),
        new(
            [
                new Word("trace", "Tell what would happen"),
                new Word("packet", "What would happen to a packet here, and why"),
                new Word("hex", "A whole Ethernet frame"),
                new Argument("hex", ArgumentKind.Hex, "HEX...", "Its bytes; blanks between bytes are welcome"),
            ],
            [OnInterface()],
            "What would happen to this Ethernet frame here, and why",
            a => new TracePacket(new RawFrame([.. a.Get<byte[]>("hex")]), a.Get<string?>("on", null))),
        .. NamingCommands.Nouns,
        new([.. Enroll, .. ByPool], [AtPath()], "Give the processes of a cgroup slices of a pool", BuildEnroll),
        new([.. Enroll, .. ByTags], [AtPath()], "Give the processes of a cgroup slices of pools with these tags", BuildEnroll),
        new([new Word("leave", "Take a cgroup its slices away"), Cgroup()], [], "Take a cgroup its slices away",
            a => new Leave((ulong)a.Get<long>("cgroup"))),
        new([Lease, .. ByPool], [OfKind()], "Lease slices of a pool to this process", BuildLease),
        new([Lease, .. ByTags], [OfKind()], "Lease slices of pools with these tags to this process", BuildLease),
        new([new Word("renew", "Whether a lease is in force"), Id("lease", "LEASE")], [], "Whether a lease is still in force",
            a => new Renew(a.Get<string>("lease"))),
        new([new Word("release", "Give a lease back"), Id("lease", "LEASE")], [], "Give a lease back",
            a => new Release(a.Get<string>("lease"))),
        new(
            [
                new Word("hold", "Hold a UDP port for one destination"),
                Id("lease", "LEASE"),
                new Word("to", "The destination"),
                new Argument("remote", ArgumentKind.AddressPort, "ADDRESS:PORT", "Where the datagrams go"),
            ],
            [],
            "Hold a UDP port of a lease, to be bound, for a flow to one destination",
            a => new Hold(a.Get<string>("lease"), a.Get<AddressWithPort>("remote").Address, a.Get<AddressWithPort>("remote").Port!.Value)),
        new([new Word("bound", "The held port is bound and locked"), Id("token", "TOKEN")], [], "The held port is bound and locked: may it be connected?",
            a => new Bound(a.Get<string>("token"))),
        .. Draining("drain", "Let nothing new begin on", undo: false),
        .. Draining("undrain", "Let new flows begin again on", undo: true),
        .. DispatchCommands.All,
        .. NamingCommands.Verbs,
        new(
            [new Word("down", "Withdraw, drain, take the packet path away, end")],
            [new Option([new Word("now", "Without draining")])],
            "Withdraw the announcements, drain, take the packet path away, end",
            a => new Down(a.Has("now"))),
        new([new Word("plan", "Write the next assignment (offline)")], [Rest()], "Write the next assignment from fleet and assignment; offline",
            _ => new LocalCommand("plan")) { Local = true },
        new([new Word("check", "Check configuration files (offline)")], [Rest()], "Check configuration files; offline",
            _ => new LocalCommand("check")) { Local = true },
        new([new Word("exec", "Run a program on slices")], [Rest()], "Run a program whose connections use slices",
            _ => new LocalCommand("exec")) { Local = true },
        new([new Word("unit-dropin", "Print a systemd drop-in")], [Rest()], "Print the drop-in that gives a systemd unit slices; offline",
            _ => new LocalCommand("unit-dropin")) { Local = true },
        new([new Word("verify-log", "Check the attribution log (offline)")], [Rest()], "Check the attribution log for changes; offline",
            _ => new LocalCommand("verify-log")) { Local = true },
        NamingCommands.Local,
        new([new Word("help", "What may stand after these words")], [Rest()], "What may stand after these words; '?' does the same",
            a => new Help(a.Has("rest") ? a.Get<string>("rest") + " " : "")),
        new([new Word("quit", "Leave")], [], "Leave", _ => new Quit()),
        new([new Word("exit", "Leave")], [], "Leave", _ => new Quit()),
    ];

    private static CommandSyntax Noun(string word, string help, ControlCommand command) =>
        new([Show, new Word(word, help)], [], help, _ => command);

    private static Argument Name(string name, ArgumentKind kind, string placeholder, string help) => new(name, kind, placeholder, help);

    private static Option Number(string word, string help, string placeholder, long least, long most) =>
        new([new Word(word, help), new Argument(word, ArgumentKind.Number, placeholder, help) { Range = (least, most) }]);

    private static Option OnInterface() =>
        new([new Word("on", "The interface that it comes in by"), Name("on", ArgumentKind.InterfaceName, "INTERFACE", "Interface's name")]);

    private static Option Rest() => new([new Argument("rest", ArgumentKind.Rest, "...", "Words")]);

    private static Argument Cgroup() =>
        new("cgroup", ArgumentKind.Number, "CGROUP", "Id of a cgroup: the inode number of its folder") { Range = (1, long.MaxValue) };

    private static Argument Id(string name, string placeholder) =>
        new(name, ArgumentKind.Id, placeholder, name == "lease" ? "Id of a lease" : "What 'hold' answered");

    private static Argument Time() => new("time", ArgumentKind.Time, "TIME", "RFC 3339: 2026-11-22T12:00:00Z");

    private static Option AtPath() => new(
    [
        new Word("path", "Where the cgroup is"),
        new Argument("path", ArgumentKind.CgroupPath, "PATH", "Its path from the root of the cgroup tree"),
    ]);

    private static Option OfKind() => new(
    [
        new Word("kind", "How ports are taken; default range"),
        new Choice("kind", [new("range", "By the kernel at connect, in IP_LOCAL_PORT_RANGE"), new("explicit", "By bind to a chosen port")]),
    ]);

    private static IEnumerable<CommandSyntax> Draining(string verb, string help, bool undo)
    {
        var word = new Word(verb, $"{help} slices");
        yield return new CommandSyntax(
            [word, new Word("slice", "One slice"), new Argument("port", ArgumentKind.AddressPort, "ADDRESS:PORT", "Egress address and a port of the slice")],
            [], $"{help} one slice",
            a => new Drain(DrainScope.Slice, a.Get<AddressWithPort>("port").Address, a.Get<AddressWithPort>("port").Port, undo));
        yield return new CommandSyntax(
            [word, new Word("address", "Every slice here of one address"), new Argument("address", ArgumentKind.Address, "ADDRESS", "Egress address")],
            [], $"{help} every slice here of one address",
            a => new Drain(DrainScope.Address, a.Get<IpAddress>("address"), null, undo));
        yield return new CommandSyntax([word, new Word("server", "Every slice here")], [], $"{help} every slice here",
            _ => new Drain(DrainScope.Server, null, null, undo));
    }

    private static SliceChoice ChoiceOf(Arguments a) =>
        a.Has("tags") ? SliceChoice.Tagged(a.Get<ImmutableArray<Tag>>("tags")) : SliceChoice.OfPool(a.Get<string>("pool"));

    private static Enroll BuildEnroll(Arguments a) => new((ulong)a.Get<long>("cgroup"), ChoiceOf(a), a.Get<string?>("path", null));

    private static Lease BuildLease(Arguments a) =>
        new(ChoiceOf(a), a.Get("kind", "range") == "explicit" ? LeaseKind.Explicit : LeaseKind.Range);

    private static Who BuildWho(Arguments a) =>
        new(a.Get<AddressWithPort>("port").Address, a.Get<AddressWithPort>("port").Port!.Value, a.GetOrNull<DateTimeOffset>("time"));

    private static TracePacket BuildTrace(Arguments a)
    {
        var protocol = Protocol(a.Get<string>("protocol"));
        var from = a.Get<AddressWithPort>("from");
        var to = a.Get<AddressWithPort>("to");
        a.Require(from.Address.IsIPv6 == to.Address.IsIPv6, "to", "both addresses must be IPv4, or both IPv6");
        a.Require(!a.Has("syn") || protocol is TraceProtocol.Tcp or TraceProtocol.Sctp, "syn", "only TCP and SCTP open connections");
        a.Require(!a.Has("type") || protocol == TraceProtocol.IcmpError, "type", "only an icmp-error has a type to choose");
        a.Require(!a.Has("quoting") || protocol == TraceProtocol.IcmpError, "quoting", "only an icmp-error quotes another packet");
        a.Require(!a.Has("key") || a.Get("through", "") == "gre", "key", "a key goes with 'through gre'");
        a.Require(!(a.Has("fragment") || a.Has("more-fragments")) || !to.Address.IsIPv6, a.Has("fragment") ? "fragment" : "more-fragments",
            "fragments are made of IPv4 packets only");
        a.Require(a.Get("fragment", 0L) % 8 == 0, "fragment", "a fragment's offset is a multiple of 8");
        var sketch = new PacketSketch(protocol, from.Address, from.Port ?? DefaultPort(protocol), to.Address, to.Port!.Value)
        {
            Syn = a.Has("syn"),
            LengthBytes = (int?)a.GetOrNull<long>("length"),
            Ttl = (byte)a.Get("ttl", 64L),
            Tos = (byte)a.Get("tos", 0L),
            FragmentOffsetBytes = (int)a.Get("fragment", 0L),
            MoreFragments = a.Has("more-fragments"),
            VlanId = (ushort?)a.GetOrNull<long>("vlan"),
            IcmpType = (byte?)a.GetOrNull<long>("type"),
            Quoted = Protocol(a.Get("quoting", "tcp")),
            Tunnel = Tunnel(a),
        };
        var shortest = PacketBuilder.ShortestBytes(sketch);
        a.Require(sketch.LengthBytes is null || sketch.LengthBytes >= shortest, "length", $"such a packet has at least {shortest} bytes");
        a.Require(sketch.Tunnel is null || sketch.LengthBytes is null or <= 65000, "length", "inside a tunnel a packet has at most 65000 bytes");
        return new TracePacket(sketch, a.Get<string?>("on", null));
    }

    private static TunnelSketch? Tunnel(Arguments a)
    {
        if (!a.Has("through"))
        {
            return null;
        }

        var encapsulation = a.Get<string>("through") switch
        {
            "gue" => new Encapsulation(EncapsulationKind.Gue),
            "gre" => new Encapsulation(EncapsulationKind.Gre, (uint?)a.GetOrNull<long>("key")),
            _ => new Encapsulation(EncapsulationKind.Ipip),
        };
        var tunnel = new TunnelSketch(encapsulation, a.Get<IpAddress>("peer"), a.Get<IpAddress>("endpoint"));
        a.Require(tunnel.Peer.IsIPv6 == tunnel.Endpoint.IsIPv6, "endpoint", "both ends of a tunnel must be IPv4, or both IPv6");
        return tunnel;
    }

    private static TraceProtocol Protocol(string word) => word switch
    {
        "tcp" => TraceProtocol.Tcp,
        "udp" => TraceProtocol.Udp,
        "sctp" => TraceProtocol.Sctp,
        "echo-request" => TraceProtocol.EchoRequest,
        "echo-reply" => TraceProtocol.EchoReply,
        _ => TraceProtocol.IcmpError,
    };

    // An answer comes from a service's port: 443 stands for it where none is given.
    private static ushort DefaultPort(TraceProtocol protocol) =>
        protocol is TraceProtocol.EchoRequest or TraceProtocol.EchoReply ? (ushort)0 : (ushort)443;
}
