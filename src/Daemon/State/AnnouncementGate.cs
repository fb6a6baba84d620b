using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.State;

/// <summary>What the gate looks at.</summary>
/// <param name="IsAttached">The program is on every configured interface.</param>
/// <param name="IsWritten">The table in the kernel is the one that is meant.</param>
/// <param name="KnowsOwners">What others own has been learned, or kept from before; else their answers would be dropped here.</param>
/// <param name="OwnersAwaitedFor">How long it has been waited for.</param>
/// <param name="IsGoingDown">The operator takes this server out.</param>
internal readonly record struct GateInputs(bool IsAttached, bool IsWritten, bool KnowsOwners, TimeSpan OwnersAwaitedFor, bool IsGoingDown);

/// <summary>Whether a scope may be announced; if not, why.</summary>
internal readonly record struct GateDecision(bool Open, string? Reason)
{
    public static GateDecision Yes { get; } = new(true, null);

    public static GateDecision No(string reason) => new(false, reason);
}

/// <summary>
/// Holds announcements back until the packet path can carry what they attract: first ownership, inside the network; then,
/// when the owners of the rest are known, the prefixes, on the Internet.
/// </summary>
internal static class AnnouncementGate
{
    /// <summary>After this long without routes from the others, the prefixes are announced all the same: their servers may be dead.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    public static GateDecision Ownership(GateInputs inputs)
    {
        if (inputs.IsGoingDown)
        {
            return GateDecision.No("going down");
        }

        if (!inputs.IsAttached)
        {
            return GateDecision.No("the packet path is not attached to every interface");
        }

        return inputs.IsWritten ? GateDecision.Yes : GateDecision.No("the steering table is not written");
    }

    public static GateDecision Prefixes(GateInputs inputs)
    {
        var ownership = Ownership(inputs);
        return !ownership.Open || inputs.KnowsOwners || inputs.OwnersAwaitedFor >= LongestWait
            ? ownership
            : GateDecision.No("the owners of other servers' slices are not learned yet");
    }

    /// <summary>The prefixes that pools of this datacenter are announced as, and why one may never be.</summary>
    public static ImmutableArray<(IpPrefix Prefix, EgressPool Pool, string? Never)> Candidates(Fleet fleet, Server self) =>
    [
        .. from pool in fleet.Pools
           where pool.Weights.ContainsKey(self.Datacenter)
           from prefix in pool.AnnouncedPrefixes()
           select (prefix, pool, pool.Prefix.IsIPv6 ? "the packet path does not carry IPv6 yet" : null),
    ];
}
