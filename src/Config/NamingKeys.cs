using System.Collections.Immutable;

namespace SoftUnicast.Config;

/// <summary>The keys of <c>naming.yaml</c>.</summary>
internal static class NamingKeys
{
    public static KeySet Root { get; } = new("naming.yaml", "", ["pools", "attributes", "policies"]);

    public static KeySet Pool { get; } = new("naming.yaml", "pools", ["prefixes", "drained"]);

    public static KeySet Attribute { get; } = new("naming.yaml", "attributes", ["pattern", "by", "rows"]);

    public static KeySet Row { get; } = new("naming.yaml", "rows", ["is", "tags"]);

    public static KeySet Policy { get; } = new("naming.yaml", "policies", ["match", "pools", "strategy", "ttl", "default"]);

    public static KeySet Match { get; } = new("naming.yaml", "match", ["suffixes", "names", "except", "types", "datacenters", "tags"]);

    public static ImmutableArray<KeySet> All => [Root, Pool, Attribute, Row, Policy, Match];
}
