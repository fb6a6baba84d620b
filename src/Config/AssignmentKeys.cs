using System.Collections.Immutable;

namespace SoftUnicast.Config;

/// <summary>The keys of <c>assignment.yaml</c>.</summary>
internal static class AssignmentKeys
{
    public static KeySet Root { get; } = new("assignment.yaml", "", ["assignment", "pools"]);

    public static KeySet Assignment { get; } = new("assignment.yaml", "assignment", ["generation"]);

    public static KeySet Pool { get; } = new("assignment.yaml", "pools", ["slice-size", "addresses", "quarantined"]);

    public static KeySet Block { get; } = new("assignment.yaml", "addresses", ["ports", "servers"]);

    public static KeySet Quarantined { get; } = new("assignment.yaml", "quarantined", ["slice", "server", "until"]);

    public static ImmutableArray<KeySet> All => [Root, Assignment, Pool, Block, Quarantined];
}
