using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>
/// Reads and writes <c>assignment.yaml</c>: who owns what. What is written reads back as the same value, and writing that
/// again gives the same text. See docs/configuration.md.
/// </summary>
public static class AssignmentYaml
{
    /// <param name="fileName">Stands in the diagnostics; nothing is opened.</param>
    /// <param name="fleet">
    /// If given, entries that this fleet knows no pool, datacenter or server for, or does not allow, are left out with a
    /// warning: the two files reach a server one after the other. Who makes the next plan gives none, and keeps everything,
    /// because what the fleet no longer allows has to be quarantined.
    /// </param>
    public static ConfigResult<Assignment> Read(string fileName, string text, Fleet? fleet = null) =>
        ConfigText.Read(fileName, text, ConfigText.AssignmentMaxBytes, (root, bag) => new AssignmentReader(bag, fleet).Read(root));

    /// <inheritdoc cref="Read(string, string, Fleet?)"/>
    public static ConfigResult<Assignment> Read(string fileName, ReadOnlySpan<byte> utf8, Fleet? fleet = null) =>
        ConfigText.Read(fileName, utf8, ConfigText.AssignmentMaxBytes, (root, bag) => new AssignmentReader(bag, fleet).Read(root));

    /// <summary>One server a line, so that a diff of two assignments reads as what changes.</summary>
    /// <param name="fleet">If given, each pool's prefix and tags stand beside it as a comment.</param>
    /// <exception cref="ArgumentException">A slice lies in no block, or a list is not in order: no valid assignment.</exception>
    public static string Write(Assignment assignment, Fleet? fleet = null)
    {
        ArgumentNullException.ThrowIfNull(assignment);
        return new AssignmentWriter(fleet).Write(assignment);
    }
}
