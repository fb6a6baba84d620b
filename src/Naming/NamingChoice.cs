using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>What a query that a policy matches is answered with.</summary>
public enum ChoiceKind
{
    /// <summary>One of the addresses of the choice's prefixes.</summary>
    Addresses = 0,

    /// <summary>Whatever the authoritative server's zone holds.</summary>
    Authoritative = 1,

    /// <summary>SERVFAIL, so that the resolver asks another name server: nothing is left, and an empty answer would be believed.</summary>
    Nothing = 2,
}

/// <summary>A prefix that a choice may draw from.</summary>
/// <param name="Until">The share of it and of all before it, 0 to 1; the last one's is 1.</param>
/// <param name="IsUp">False: a name whose hash falls on it is hashed again. Only choices by hash have such.</param>
public readonly record struct ChoicePrefix(IpPrefix Prefix, string Pool, double Until, bool IsUp);

/// <summary>What is left of a policy and its defaults in a state, for one address type: which addresses, drawn how, for how long.</summary>
/// <param name="Policy">Whose addresses they are: the policy asked, or one of its defaults.</param>
/// <param name="Prefixes">At least one is up if the kind is <see cref="ChoiceKind.Addresses"/>, else none.</param>
public sealed record NamingChoice(ChoiceKind Kind, string Policy, NamingStrategy Strategy, int TtlSeconds, ImmutableArray<ChoicePrefix> Prefixes)
{
    // Hashed again this often at most; then the first that is up takes the name.
    internal const int HashAttempts = 16;

    // A pool of one address has no second one to draw.
    internal const int SecondDraws = 4;

    internal static NamingChoice Of(NamingRules rules, NamingState state, NamingPolicy policy, AddressTypes type)
    {
        // Defaults never lead back to a policy (the reader holds them to it); the count ends it should a caller build such rules.
        var asked = policy;
        for (var hops = 0; hops <= rules.Policies.Length; hops++)
        {
            var prefixes = PrefixesOf(rules, state, policy, type);
            if (prefixes.Any(p => p.IsUp))
            {
                return new NamingChoice(ChoiceKind.Addresses, policy.Name, policy.Strategy, policy.TtlSeconds, prefixes);
            }

            if (policy.DefaultIsAuthoritative)
            {
                return new NamingChoice(ChoiceKind.Authoritative, policy.Name, policy.Strategy, policy.TtlSeconds, []);
            }

            if (policy.Default is null || rules.Policy(policy.Default) is not { } next)
            {
                break;
            }

            policy = next;
        }

        return new NamingChoice(ChoiceKind.Nothing, asked.Name, asked.Strategy, asked.TtlSeconds, []);
    }

    private static ImmutableArray<ChoicePrefix> PrefixesOf(NamingRules rules, NamingState state, NamingPolicy policy, AddressTypes type)
    {
        var pools = state.Moves.TryGetValue(policy.Name, out var moved) ? [new WeightedPool(moved, 1)] : policy.Pools;
        var drawn = new List<(IpPrefix Prefix, string Pool, double Share, bool IsUp)>();
        foreach (var (name, weight) in pools)
        {
            if (rules.Pool(name) is not { } pool)
            {
                continue;
            }

            var prefixes = pool.Prefixes.Where(p => p.IsIPv6 == (type == AddressTypes.Aaaa)).ToArray();
            var up = prefixes.Select(p => !pool.Drained && !state.Drained.Contains(name) && state.IsAnnounced(p)).ToArray();

            // Whoever draws anew forgets what is down; whoever hashes keeps its share, so that no other name moves.
            var counted = prefixes.Where((_, i) => policy.Strategy == NamingStrategy.Hash || up[i]).Sum(Size);
            for (var i = 0; i < prefixes.Length; i++)
            {
                if (policy.Strategy == NamingStrategy.Hash || up[i])
                {
                    drawn.Add((prefixes[i], name, weight * Size(prefixes[i]) / counted, up[i]));
                }
            }
        }

        var all = drawn.Sum(d => d.Share);
        var result = ImmutableArray.CreateBuilder<ChoicePrefix>(drawn.Count);
        var sum = 0.0;
        foreach (var (prefix, pool, share, isUp) in drawn)
        {
            sum += share;
            result.Add(new ChoicePrefix(prefix, pool, result.Count == drawn.Count - 1 ? 1.0 : sum / all, isUp));
        }

        return result.DrainToImmutable();
    }

    private static double Size(IpPrefix prefix) => Math.ScaleB(1.0, prefix.Network.BitCount - prefix.Length);

    /// <summary>Draws an address. Only for <see cref="ChoiceKind.Addresses"/>.</summary>
    /// <param name="name">Wire form, lower case.</param>
    internal (IpAddress Address, string Pool) Draw(ReadOnlySpan<byte> name, IReadOnlyDictionary<IpAddress, long> loads, Random random)
    {
        switch (Strategy)
        {
            case NamingStrategy.Hash:
                return Hashed(name);
            case NamingStrategy.One:
                var first = Prefixes[FirstUp()];
                return (first.Prefix.Network, first.Pool);
            case NamingStrategy.LeastLoaded:
                var one = AtRandom(random);
                var other = AtRandom(random);
                for (var i = 0; i < SecondDraws && other.Address == one.Address; i++)
                {
                    other = AtRandom(random);
                }

                return loads.GetValueOrDefault(other.Address) < loads.GetValueOrDefault(one.Address) ? other : one;
            default:
                return AtRandom(random);
        }
    }

    private (IpAddress Address, string Pool) AtRandom(Random random)
    {
        var chosen = Prefixes[Prefixes.Length == 1 ? 0 : At(random.NextDouble())];
        var hostBits = chosen.Prefix.Network.BitCount - chosen.Prefix.Length;
        var draw = hostBits <= 32
            ? (ulong)random.NextInt64(1L << hostBits)
            : new UInt128((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64(long.MinValue, long.MaxValue));
        return (chosen.Prefix.Network.Add(draw & HostMask(hostBits)), chosen.Pool);
    }

    private (IpAddress Address, string Pool) Hashed(ReadOnlySpan<byte> name)
    {
        var index = -1;
        for (uint seed = 0; seed < HashAttempts && index < 0; seed++)
        {
            var hit = At(NameHash.Of(name, seed) / 4294967296.0);
            index = Prefixes[hit].IsUp ? hit : -1;
        }

        var chosen = Prefixes[index < 0 ? FirstUp() : index];
        var hostBits = chosen.Prefix.Network.BitCount - chosen.Prefix.Length;

        // Words from the left, as they stand in the address: an IPv4 address takes the first alone.
        var value = (UInt128)NameHash.Of(name, NameHash.HostSeed);
        for (uint word = 1; word < 4 && chosen.Prefix.IsIPv6; word++)
        {
            value = (value << 32) | NameHash.Of(name, NameHash.HostSeed + word);
        }

        return (chosen.Prefix.Network.Add(value & HostMask(hostBits)), chosen.Pool);
    }

    private int At(double share)
    {
        var index = 0;
        while (share >= Prefixes[index].Until && index < Prefixes.Length - 1)
        {
            index++;
        }

        return index;
    }

    private int FirstUp()
    {
        var index = 0;
        while (!Prefixes[index].IsUp)
        {
            index++;
        }

        return index;
    }

    private static UInt128 HostMask(int hostBits) => hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
}
