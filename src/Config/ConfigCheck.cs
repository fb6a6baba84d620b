using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>A file's bytes, or why they could not be read (as in <c>Permission denied</c>).</summary>
public readonly record struct FileContent
{
    public FileContent(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    public FileContent(string error) => Error = error;

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Null if there are bytes.</summary>
    public string? Error { get; }
}

/// <summary>Everything that a server's files say, and everything that is wrong with them.</summary>
/// <param name="Server">Null if it could not be read or has an error.</param>
/// <param name="Fleet">Likewise.</param>
/// <param name="Assignment">Likewise; without what <see cref="Fleet"/> does not allow.</param>
/// <param name="Naming">Likewise; null too if no name is answered on this server.</param>
/// <param name="Diagnostics">By file (server, fleet, assignment, naming), then line and column.</param>
public sealed record ConfigCheckResult(
    ServerConfig? Server, Fleet? Fleet, Assignment? Assignment, NamingRules? Naming, ImmutableArray<Diagnostic> Diagnostics)
{
    public bool HasErrors => Diagnostics.Any(d => d.Severity == Severity.Error);
}

/// <summary>Loads a server's files and checks them against each other, for the daemon's start and for <c>--check</c>.</summary>
public static class ConfigCheck
{
    /// <param name="serverPath">The path of <c>softunicast.yaml</c>.</param>
    /// <param name="readFile">Opens what it is asked for: pure code does not.</param>
    public static ConfigCheckResult Load(string serverPath, Func<string, FileContent> readFile)
    {
        ArgumentNullException.ThrowIfNull(serverPath);
        ArgumentNullException.ThrowIfNull(readFile);
        var serverFile = readFile(serverPath);
        if (serverFile.Error is { } error)
        {
            return new ConfigCheckResult(null, null, null, null, [Unreadable(serverPath, error, null)]);
        }

        // Where the other files are is known only after this one is read; then it is read again with the fleet at hand.
        var server = ServerYaml.Read(serverPath, serverFile.Bytes.Span);
        if (server.Value is not { } config)
        {
            return new ConfigCheckResult(null, null, null, null, server.Diagnostics);
        }

        var fleet = ReadOther(readFile, config.FleetPath, "the same file goes to every server", bytes => FleetYaml.Read(config.FleetPath, bytes.Span));
        if (fleet.Value is not null)
        {
            server = ServerYaml.Read(serverPath, serverFile.Bytes.Span, fleet.Value);
        }

        var assignment = ReadOther(
            readFile,
            config.AssignmentPath,
            "'softunicastc plan' makes it",
            bytes => AssignmentYaml.Read(config.AssignmentPath, bytes.Span, fleet.Value));
        var naming = config.Naming is not { FilePath: var namingPath } ? new ConfigResult<NamingRules>(null, []) : ReadOther(
            readFile,
            namingPath,
            "docs/naming.md tells what it says; without the section 'naming' no name is answered here",
            bytes => NamingYaml.Read(namingPath, bytes.Span, fleet.Value));
        var diagnostics = server.Diagnostics.AddRange(fleet.Diagnostics).AddRange(assignment.Diagnostics).AddRange(naming.Diagnostics);
        if (server.Value is not null && fleet.Value is not null && assignment.Value is not null)
        {
            diagnostics = diagnostics.AddRange(WithoutSlices(config, fleet.Value, assignment.Value));
        }

        return new ConfigCheckResult(server.Value, fleet.Value, assignment.Value, naming.Value, diagnostics);
    }

    private static ConfigResult<T> ReadOther<T>(Func<string, FileContent> readFile, string path, string hint, Func<ReadOnlyMemory<byte>, ConfigResult<T>> read)
        where T : class
    {
        var file = readFile(path);
        return file.Error is { } error ? new ConfigResult<T>(null, [Unreadable(path, error, hint)]) : read(file.Bytes);
    }

    private static IEnumerable<Diagnostic> WithoutSlices(ServerConfig config, Fleet fleet, Assignment assignment)
    {
        var datacenter = fleet.Servers[config.Server].Datacenter;
        return fleet.Pools
            .Where(p => p.Weights.ContainsKey(datacenter) && assignment.Pool(p.Name)?.Slices.Any(s => s.Server == config.Server) != true)
            .Select(p => new Diagnostic(
                Severity.Warning, config.AssignmentPath, 0, 0, 0,
                $"server '{config.Server}' owns no slice of pool '{p.Name}', which its datacenter serves",
                "plan again"));
    }

    private static Diagnostic Unreadable(string path, string error, string? hint) =>
        new(Severity.Error, path, 0, 0, 0, $"cannot be read: {error}", hint);
}
