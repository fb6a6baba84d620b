using System.Collections.Immutable;

namespace SoftUnicast.Config;

/// <summary>The keys of <c>softunicast.yaml</c>.</summary>
internal static class ServerKeys
{
    public static KeySet Root { get; } = new("softunicast.yaml", "", ["server", "fleet", "assignment", "interfaces", "gobgpd", "bgp", "log", "sockets", "pins", "egress", "dispatch", "naming"]);

    public static KeySet Interface { get; } = new("softunicast.yaml", "interfaces", ["role", "mode"]);

    public static KeySet Gobgpd { get; } = new("softunicast.yaml", "gobgpd", ["socket", "listen-port"]);

    public static KeySet Bgp { get; } = new("softunicast.yaml", "bgp", ["router-id", "neighbours"]);

    public static KeySet Neighbour { get; } = new("softunicast.yaml", "neighbours",
    [
        "address", "as", "scopes", "local-address", "hold-time", "password-file", "multihop", "ttl-security", "passive",
    ]);

    public static KeySet Log { get; } = new("softunicast.yaml", "log", ["level", "file"]);

    public static KeySet Sockets { get; } = new("softunicast.yaml", "sockets", ["control", "show", "register"]);

    public static KeySet Egress { get; } = new("softunicast.yaml", "egress", ["attribution", "quarantine", "set-kernel", "nat"]);

    public static KeySet Nat { get; } = new("softunicast.yaml", "nat", ["sources", "slices"]);

    public static KeySet Dispatch { get; } = new("softunicast.yaml", "dispatch", ["pools", "labels", "bindings", "state", "set-kernel"]);

    public static KeySet Pool { get; } = new("softunicast.yaml", "pools", ["prefixes", "announce"]);

    public static KeySet Label { get; } = new("softunicast.yaml", "labels", ["users", "groups"]);

    public static KeySet Binding { get; } = new("softunicast.yaml", "bindings", ["label", "protocol", "prefix", "ports"]);

    public static KeySet Naming { get; } = new("softunicast.yaml", "naming", ["file", "dnsdist", "pdns", "pdns-group", "state", "also-announced"]);

    public static ImmutableArray<KeySet> All => [Root, Interface, Gobgpd, Bgp, Neighbour, Log, Sockets, Egress, Nat, Dispatch, Pool, Label, Binding, Naming];
}
