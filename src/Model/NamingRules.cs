using System.Collections.Immutable;

namespace SoftUnicast.Model;

/// <summary>How a policy picks one address among all those of its pools.</summary>
public enum NamingStrategy
{
    /// <summary>A new draw for each query, every address alike.</summary>
    Random = 0,

    /// <summary>The same address for one name, on every server and after every restart.</summary>
    Hash = 1,

    /// <summary>The first address that may be answered.</summary>
    One = 2,

    /// <summary>Of two draws, the address with the lesser measured load.</summary>
    LeastLoaded = 3,
}

/// <summary>The address types that a query asks for.</summary>
[Flags]
public enum AddressTypes
{
    None = 0,
    A = 1,
    Aaaa = 2,
    Both = A | Aaaa,
}

/// <summary>Addresses that names may resolve to: every address of every prefix.</summary>
/// <param name="Drained">True: nothing of it is answered.</param>
public sealed record NamingPool(string Name, ImmutableArray<IpPrefix> Prefixes, bool Drained = false)
{
    public AddressTypes Types => Prefixes.Aggregate(AddressTypes.None, (types, p) => types | (p.IsIPv6 ? AddressTypes.Aaaa : AddressTypes.A));
}

/// <summary>A share of a policy's answers.</summary>
/// <param name="Weight">From 1; its share is that of all weights.</param>
public readonly record struct WeightedPool(string Pool, int Weight);

/// <summary>One label of a name's pattern.</summary>
/// <param name="Attribute">What is read between <paramref name="Before"/> and <paramref name="After"/>; null: nothing is.</param>
/// <param name="Before">Lower case. With no attribute and not <paramref name="IsAny"/>: the whole label.</param>
/// <param name="IsAny">Any label will do, and nothing is read.</param>
public sealed record PatternLabel(string? Attribute, string Before, string After, bool IsAny);

/// <summary>What a value of an attribute, or a range of numbers, says further about its names.</summary>
/// <param name="First">Lowest number; null: <paramref name="Value"/> is one text.</param>
public sealed record AttributeRow(string? Value, ulong? First, ulong? Last, ImmutableSortedDictionary<string, string> Tags);

/// <summary>Reads the attributes of a name out of the name, so that no name needs a record.</summary>
/// <param name="Labels">The leading labels, from the left; a name matches only with exactly these before the suffix.</param>
/// <param name="Suffix">The labels that follow, lower case, without a dot at its end.</param>
/// <param name="Key">The attribute that the rows are about; null: there are no rows.</param>
/// <param name="Rows">Distinct values and ranges that do not overlap.</param>
public sealed record AttributeRule(
    string Name, ImmutableArray<PatternLabel> Labels, string Suffix, string? Key, ImmutableArray<AttributeRow> Rows);

/// <summary>Which queries a policy answers; everything that is given has to hold.</summary>
/// <param name="Suffixes">Names that it answers for with all below them; lower case, no dot at the end.</param>
/// <param name="Names">Names that it answers for alone.</param>
/// <param name="Except">Names that it leaves to the authoritative server, with all below them.</param>
/// <param name="Datacenters">Empty: in all of them.</param>
/// <param name="Tags">Attributes of the name and the values that will do; empty: whatever they are.</param>
public sealed record NamingMatch(
    ImmutableArray<string> Suffixes,
    ImmutableArray<string> Names,
    ImmutableArray<string> Except,
    AddressTypes Types,
    ImmutableArray<string> Datacenters,
    ImmutableSortedDictionary<string, ImmutableArray<string>> Tags);

/// <summary>What queries for addresses are answered with.</summary>
/// <param name="Match">Null: it answers only as the default of others.</param>
/// <param name="Pools">At least one, distinct.</param>
/// <param name="TtlSeconds">Of its answers, 0 to 604800.</param>
/// <param name="Default">
/// The policy that answers when nothing of this one's pools may be; null: there is none. Defaults never lead back to a policy.
/// </param>
/// <param name="DefaultIsAuthoritative">When nothing may be answered, the authoritative server answers what its zone holds.</param>
public sealed record NamingPolicy(
    string Name,
    NamingMatch? Match,
    ImmutableArray<WeightedPool> Pools,
    NamingStrategy Strategy,
    int TtlSeconds,
    string? Default,
    bool DefaultIsAuthoritative);

/// <summary>What the naming file says, after its checks: every name in it leads somewhere, and no two policies answer one query.</summary>
public sealed class NamingRules
{
    private readonly Dictionary<string, NamingPool> poolsByName;
    private readonly Dictionary<string, NamingPolicy> policiesByName;

    public NamingRules(IEnumerable<NamingPool> pools, IEnumerable<AttributeRule> attributes, IEnumerable<NamingPolicy> policies)
    {
        Pools = [.. pools];
        Attributes = [.. attributes];
        Policies = [.. policies];
        poolsByName = Pools.ToDictionary(p => p.Name, StringComparer.Ordinal);
        policiesByName = Policies.ToDictionary(p => p.Name, StringComparer.Ordinal);
    }

    /// <summary>In the order of the file, as all of these.</summary>
    public ImmutableArray<NamingPool> Pools { get; }

    public ImmutableArray<AttributeRule> Attributes { get; }

    public ImmutableArray<NamingPolicy> Policies { get; }

    public NamingPool? Pool(string name) => poolsByName.GetValueOrDefault(name);

    public NamingPolicy? Policy(string name) => policiesByName.GetValueOrDefault(name);
}
