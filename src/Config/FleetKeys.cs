using System.Collections.Immutable;

namespace SoftUnicast.Config;

/// <summary>The keys of <c>fleet.yaml</c>.</summary>
internal static class FleetKeys
{
    public static KeySet Root { get; } = new("fleet.yaml", "", ["fleet", "datacenters", "servers", "pools"]);

    public static KeySet Fleet { get; } = new("fleet.yaml", "fleet", ["as"]);

    public static KeySet Datacenter { get; } = new("fleet.yaml", "datacenters", ["endpoint", "as"]);

    public static KeySet Endpoint { get; } = new("fleet.yaml", "endpoint", ["address", "encapsulation", "key"]);

    public static KeySet Server { get; } = new("fleet.yaml", "servers", ["datacenter", "endpoint", "router-id"]);

    public static KeySet Pool { get; } = new("fleet.yaml", "pools",
    [
        "prefix", "addresses", "tags", "slice-size", "reserved-slices", "slices-per-server", "encapsulation", "datacenters", "unsolicited",
    ]);

    public static KeySet Encapsulation { get; } = new("fleet.yaml", "encapsulation", ["kind", "key"]);

    public static KeySet Unsolicited { get; } = new("fleet.yaml", "unsolicited", ["connections", "echo"]);

    public static ImmutableArray<KeySet> All => [Root, Fleet, Datacenter, Endpoint, Server, Pool, Encapsulation, Unsolicited];
}
