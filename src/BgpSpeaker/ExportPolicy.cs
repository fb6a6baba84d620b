using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>Which neighbours get one scope.</summary>
internal sealed record ScopeRule(Scope Scope, ImmutableArray<IpAddress> Neighbours);

/// <summary>
/// What the daemon's global policies must say. Export: a route goes to a neighbour only if it was made here and carries the community of
/// one of the neighbour's scopes; by default nothing goes out. Import: local routes and FlowSpec come in, unicast from neighbours does not.
/// </summary>
/// <remarks>
/// Policies are never edited in place. Their names end in a digest of what they say, so a policy with the right name is the right
/// policy, and another one is made whole beside the old before one call puts it in force. No set is ever empty: the daemon takes an
/// empty neighbour set for "everybody".
/// </remarks>
internal sealed class ExportPolicy
{
    private const string Prefix = "softunicast-";

    /// <summary>Raised whenever the shape of the statements changes: it goes into the digest.</summary>
    private const string Shape = "1";

    public ExportPolicy(uint fleetAsn, IEnumerable<NeighbourOptions> neighbours)
    {
        FleetAsn = fleetAsn;
        Rules = [.. Scopes.All
            .Select(scope => new ScopeRule(scope, [.. neighbours.Where(n => n.Scopes.Contains(scope)).Select(n => n.Address).Order()]))
            .Where(rule => !rule.Neighbours.IsEmpty)];
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{Shape} {fleetAsn} {string.Join(';', Rules.Select(r => $"{(int)r.Scope}={string.Join(',', r.Neighbours)}"))}");
        Digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 6));
    }

    public uint FleetAsn { get; }

    public ImmutableArray<ScopeRule> Rules { get; }

    public string Digest { get; }

    public string ExportName => $"{Prefix}export-{Digest}";

    public string ImportName => $"{Prefix}import-{Digest}";

    public string StatementName(Scope scope) => $"{Prefix}export-{scope.Word()}-{Digest}";

    public string ImportStatementName(string what) => $"{Prefix}import-{what}-{Digest}";

    public string NeighbourSetName(Scope scope) => $"{Prefix}to-{scope.Word()}-{Digest}";

    public string CommunitySetName(Scope scope) => $"{Prefix}scope-{scope.Word()}-{Digest}";

    public string Community(Scope scope) => string.Create(CultureInfo.InvariantCulture, $"{FleetAsn}:{Scheme.ScopeFunction}:{(int)scope}");

    /// <summary>True for a name that some version of this program gave.</summary>
    public static bool IsOurs(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>True for a name that is ours, but of another digest.</summary>
    public bool IsStale(string name) => IsOurs(name) && !name.EndsWith(Digest, StringComparison.Ordinal);
}
