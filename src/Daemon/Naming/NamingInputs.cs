using System.Collections.Immutable;
using SoftUnicast.Config;
using SoftUnicast.Daemon.State;
using SoftUnicast.Model;
using SoftUnicast.Naming;

namespace SoftUnicast.Daemon.Naming;

/// <summary>What a pass of <see cref="NamingService"/> works on.</summary>
/// <param name="Configuration">With its section <c>naming</c> and the rules.</param>
/// <param name="Announced">Prefixes that this daemon announces on the Internet now.</param>
/// <param name="Counters">
/// Connections opened and UDP packets handed over by dispatch, by address, of the addresses that it counts; never less than before
/// while an address is counted. Null: this server dispatches nothing. Asked only while
/// <see cref="NamingService.WantsAddressCounts"/>, every 2 s at most.
/// </param>
internal sealed record NamingInputs(
    DaemonConfiguration Configuration, ImmutableArray<IpPrefix> Announced, Func<IReadOnlyDictionary<IpAddress, ulong>>? Counters)
{
    public NamingConfig Naming => Configuration.Server.Naming!;

    public NamingRules Rules => Configuration.Naming!;

    /// <summary>
    /// What counts as announced: what this daemon announces, and what the configuration says that others do. Null, nobody looks,
    /// if the server dispatches nothing and the configuration says nothing: it answers names for addresses of other machines.
    /// </summary>
    public ImmutableArray<IpPrefix>? AnnouncedHere => Configuration.Server.Dispatch is null && Naming.AlsoAnnounced.IsEmpty
        ? null
        : [.. Announced.Concat(Naming.AlsoAnnounced).Distinct().Order()];

    /// <summary>The state that answers depend on, with what of the moves and drains the rules know.</summary>
    public NamingState State(AgilityState agility, IReadOnlyDictionary<IpAddress, long> loads) => new(Configuration.Self.Datacenter)
    {
        Announced = AnnouncedHere,
        Drained = [.. agility.Drains.Where(d => NotApplied(d) is null).Select(d => d.Pool)],
        Moves = agility.Moves.Where(m => NotApplied(m) is null).ToImmutableDictionary(m => m.Policy, m => m.To),
        Loads = loads,
    };

    /// <summary>Why a move is not in force; null: it is.</summary>
    public string? NotApplied(PolicyMove move) => Rules.Policy(move.Policy) is null ? $"{Naming.FilePath} has no policy '{move.Policy}'"
        : Rules.Pool(move.To) is null ? $"{Naming.FilePath} has no pool '{move.To}'" : null;

    /// <summary>Why a drain is not in force; null: it is.</summary>
    public string? NotApplied(PoolDrain drain) => Rules.Pool(drain.Pool) is null ? $"{Naming.FilePath} has no pool '{drain.Pool}'" : null;
}
