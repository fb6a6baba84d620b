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
        new(
            [new Word("down", "Withdraw, drain, take the packet path away, end")],
            [new Option([new Word("now", "Without draining")])],
            "Withdraw the announcements, drain, take the packet path away, end",
            a => new Down(a.Has("now"))),
        new([new Word("plan", "Write the next assignment (offline)")], [Rest()], "Write the next assignment from fleet and assignment; offline",
            _ => new LocalCommand("plan")) { Local = true },
        new([new Word("check", "Check configuration files (offline)")], [Rest()], "Check configuration files; offline",
            _ => new LocalCommand("check")) { Local = true },
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
