using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads <c>softunicast.yaml</c>, the file about this server. See docs/configuration.md.</summary>
public static class ServerYaml
{
    public const string DefaultPath = "/etc/softunicast/softunicast.yaml";
    public const string DefaultFleetPath = "/etc/softunicast/fleet.yaml";
    public const string DefaultAssignmentPath = "/etc/softunicast/assignment.yaml";
    public const string DefaultGobgpdSocket = "/run/gobgpd/gobgpd.sock";
    public const string DefaultControlSocket = "/run/softunicast/control.sock";
    public const string DefaultShowSocket = "/run/softunicast/show.sock";
    public const string DefaultRegisterSocket = "/run/softunicast/register.sock";
    public const string DefaultDnsdistFolder = "/run/softunicast";
    public const string DefaultBindings = "/var/lib/softunicast/bindings";
    public const string DefaultNamingState = "/var/lib/softunicast/naming.json";
    public const string DefaultPins = "/sys/fs/bpf/softunicast";
    public const string DefaultAttribution = "/var/lib/softunicast/attribution";
    public const ushort DefaultListenPort = 179;
    public static readonly TimeSpan DefaultHoldTime = TimeSpan.FromSeconds(9);
    public static readonly TimeSpan DefaultQuarantine = TimeSpan.FromSeconds(120);

    /// <param name="fileName">Stands in the diagnostics, and its folder is where relative paths start; nothing is opened.</param>
    /// <param name="fleet">If given, what the file says is checked against it too.</param>
    public static ConfigResult<ServerConfig> Read(string fileName, string text, Fleet? fleet = null) =>
        ConfigText.Read(fileName, text, ConfigText.ConfigMaxBytes, (root, bag) => Understand(root, bag, fileName, fleet));

    /// <inheritdoc cref="Read(string, string, Fleet?)"/>
    public static ConfigResult<ServerConfig> Read(string fileName, ReadOnlySpan<byte> utf8, Fleet? fleet = null) =>
        ConfigText.Read(fileName, utf8, ConfigText.ConfigMaxBytes, (root, bag) => Understand(root, bag, fileName, fleet));

    private static ServerConfig? Understand(YamlNode root, DiagnosticBag bag, string fileName, Fleet? fleet)
    {
        var places = new ServerPlaces();
        var config = new ServerReader(bag, fileName, places).Read(root);
        if (fleet is not null)
        {
            ServerRules.CheckAgainst(bag, places, fleet);
        }

        return config;
    }
}
