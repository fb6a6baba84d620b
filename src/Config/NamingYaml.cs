using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads <c>naming.yaml</c>: which addresses names resolve to. See docs/configuration.md and docs/naming.md.</summary>
public static class NamingYaml
{
    public const string DefaultPath = "/etc/softunicast/naming.yaml";
    public const int DefaultTtlSeconds = 30;

    /// <summary>The word for a default that is no policy: the authoritative server answers what its zone holds.</summary>
    public const string Authoritative = "authoritative";

    /// <param name="fileName">Stands in the diagnostics; nothing is opened.</param>
    /// <param name="fleet">Knows the datacenters; null: any name will do for one.</param>
    public static ConfigResult<NamingRules> Read(string fileName, string text, Fleet? fleet = null) =>
        ConfigText.Read(fileName, text, ConfigText.ConfigMaxBytes, (root, bag) => Understand(root, bag, fleet));

    /// <inheritdoc cref="Read(string, string, Fleet?)"/>
    public static ConfigResult<NamingRules> Read(string fileName, ReadOnlySpan<byte> utf8, Fleet? fleet = null) =>
        ConfigText.Read(fileName, utf8, ConfigText.ConfigMaxBytes, (root, bag) => Understand(root, bag, fleet));

    private static NamingRules? Understand(YamlNode root, DiagnosticBag bag, Fleet? fleet) => new NamingReader(bag, fleet).Read(root);
}
