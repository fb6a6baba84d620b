using SoftUnicast.Config;
using SoftUnicast.Dispatch;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Dispatch;

/// <summary>Whether a pool may be announced: whoever is attracted by it must be served here.</summary>
internal sealed class ServedPools(TimeProvider time)
{
    /// <summary>A service that is started again at once does not make its prefixes flap.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, long> lastServed = new(StringComparer.Ordinal);

    /// <param name="bindings">All that are in force.</param>
    /// <param name="isLive">Whether a binding leads to a live socket.</param>
    /// <returns>Null: it may be announced.</returns>
    public string? WhyNot(DispatchPool pool, IReadOnlyList<Binding> bindings, Func<Binding, bool> isLive)
    {
        if (pool.Announce != AnnounceWhen.Served)
        {
            return pool.Announce == AnnounceWhen.Always ? null : "the configuration says never";
        }

        var unserved = Unserved(pool, bindings, isLive);
        if (unserved is null)
        {
            lastServed[pool.Name] = time.GetTimestamp();
            return null;
        }

        return lastServed.TryGetValue(pool.Name, out var last) && time.GetElapsedTime(last) < Grace ? null : unserved;
    }

    private static string? Unserved(DispatchPool pool, IReadOnlyList<Binding> bindings, Func<Binding, bool> isLive)
    {
        var within = bindings.Where(b => pool.Prefixes.Any(p => p.Contains(b.Prefix))).ToList();
        return within.Count == 0
            ? "nothing is bound in it"
            : within.Find(b => !isLive(b)) is { } binding
            ? $"label {binding.Label} has no live {binding.Protocol.Name().ToUpperInvariant()} socket for {(binding.Prefix.IsIPv6 ? "IPv6" : "IPv4")}"
            : null;
    }
}
