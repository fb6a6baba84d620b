using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads <c>fleet.yaml</c>, the file that is the same on every server. See docs/configuration.md.</summary>
public static class FleetYaml
{
    /// <param name="fileName">Stands in the diagnostics; nothing is opened.</param>
    public static ConfigResult<Fleet> Read(string fileName, string text) =>
        ConfigText.Read(fileName, text, ConfigText.ConfigMaxBytes, Understand);

    /// <inheritdoc cref="Read(string, string)"/>
    public static ConfigResult<Fleet> Read(string fileName, ReadOnlySpan<byte> utf8) =>
        ConfigText.Read(fileName, utf8, ConfigText.ConfigMaxBytes, Understand);

    private static Fleet? Understand(YamlNode root, DiagnosticBag bag) => new FleetReader(bag).Read(root);
}
