using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>What holds at this moment on this server, beside the rules: what an answer depends on and the naming file does not say.</summary>
/// <param name="Datacenter">Where this server is.</param>
public sealed record NamingState(string Datacenter)
{
    /// <summary>Pools of which nothing is answered, beside those that the rules call drained.</summary>
    public ImmutableHashSet<string> Drained { get; init; } = [];

    /// <summary>What is announced here: a pool's prefix counts only inside one of these. Null: nobody looks.</summary>
    public ImmutableArray<IpPrefix>? Announced { get; init; }

    /// <summary>Policies that answer from another pool than the rules say, by <c>agility move</c>: policy to pool.</summary>
    public ImmutableDictionary<string, string> Moves { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Measured load by address, in whatever unit the measurement has; an address that is not in it has none.</summary>
    public IReadOnlyDictionary<IpAddress, long> Loads { get; init; } = ImmutableDictionary<IpAddress, long>.Empty;

    public bool IsAnnounced(IpPrefix prefix)
    {
        if (Announced is not { } announced)
        {
            return true;
        }

        foreach (var known in announced)
        {
            if (known.Contains(prefix))
            {
                return true;
            }
        }

        return false;
    }
}
