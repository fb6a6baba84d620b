using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Naming.Tests;

/// <summary>Rules in few words.</summary>
internal static class Rules
{
    /// <summary><c>a{account}.cdn.example.com</c>: up to 99 free, to 199 pro, vip gold.</summary>
    public static AttributeRule Accounts { get; } = new(
        "accounts", [new PatternLabel("account", "a", "", false), new PatternLabel(null, "cdn", "", false)], "example.com", "account",
        [new AttributeRow(null, 1, 99, Tags("plan", "free")), new AttributeRow(null, 100, 199, Tags("plan", "pro")), new AttributeRow("vip", null, null, Tags("plan", "gold"))]);

    public static NamingRules Of(IEnumerable<NamingPool> pools, IEnumerable<AttributeRule> attributes, params NamingPolicy[] policies) => new(pools, attributes, policies);

    public static NamingPool Pool(string name, params string[] prefixes) => new(name, [.. prefixes.Select(p => IpPrefix.Parse(p))]);

    public static ImmutableSortedDictionary<string, string> Tags(string tag, string value) =>
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create(tag, value)]);

    /// <param name="suffixes">Null: the policy is only a default.</param>
    public static NamingPolicy Policy(
        string name, string[]? suffixes, string[] pools, NamingStrategy strategy = NamingStrategy.Random, string[]? names = null, string? otherwise = null,
        string[]? except = null, AddressTypes types = AddressTypes.Both, string[]? datacenters = null, (string Tag, string[] Values)? tags = null, int ttl = 30) => new(
        name,
        suffixes is null ? null : new NamingMatch(
            [.. suffixes], [.. names ?? []], [.. except ?? []], types, [.. datacenters ?? []],
            tags is { } t
                ? ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create(t.Tag, t.Values.ToImmutableArray())])
                : ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty),
        [.. pools.Select(p => new WeightedPool(p, 1))], strategy, ttl, otherwise == "authoritative" ? null : otherwise, otherwise == "authoritative");

    public static NamingPolicy Weighted(string name, string suffix, NamingStrategy strategy, params (string Pool, int Weight)[] pools) =>
        Policy(name, [suffix], [], strategy, types: AddressTypes.A) with { Pools = [.. pools.Select(p => new WeightedPool(p.Pool, p.Weight))] };
}
