using System.Collections.Immutable;

namespace SoftUnicast.Config;

/// <summary>The keys that one kind of map may have, and what to call it in a message.</summary>
internal sealed record KeySet(string File, string Section, ImmutableArray<string> Keys)
{
    /// <summary>Every key that the readers know, for the tests that hold the documents to it.</summary>
    public static ImmutableArray<KeySet> All =>
    [
        .. FleetKeys.All,
        .. ServerKeys.All,
        .. AssignmentKeys.All,
        .. NamingKeys.All,
    ];
}
