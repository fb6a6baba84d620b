using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>A policy and where its parts stand, for the checks between policies.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Types">The types it answers, or its name if it says none.</param>
/// <param name="Default">Where its default stands, or its name if it has none.</param>
internal sealed record PlacedPolicy(NamingPolicy Value, Place Key, Place Types, Place Default);

/// <summary>A place in the tree of names that a policy answers for.</summary>
internal readonly record struct PlacedName(string Name, bool IsSuffix, PlacedPolicy Policy, Place Place);

/// <summary>Reads one policy after another.</summary>
internal sealed class NamingPolicyReader(DiagnosticBag bag, Fleet? fleet, HashSet<string> pools, HashSet<string> attributes)
{
    public const int MaxTtlSeconds = 604800;
    private const int MaxWeight = 1_000_000;
    private readonly Values values = new(bag);
    private readonly HashSet<string> datacenters = fleet?.Datacenters.Keys.ToHashSet(StringComparer.Ordinal) ?? [];

    public List<PlacedPolicy> Policies { get; } = [];

    /// <summary>Every name in the file, also of policies with errors.</summary>
    public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

    public List<PlacedName> Places { get; } = [];

    public List<PlacedName> Exceptions { get; } = [];

    public void Read(YamlEntry entry)
    {
        var name = entry.Key.Text;
        Names.Add(name);
        values.Name(entry.Key, "policy");
        if (name == NamingYaml.Authoritative)
        {
            bag.Error(entry.Key.Place, $"no policy is called '{name}': as a default, the word means the authoritative server");
        }

        var owner = $"policy '{Quoted.Short(name)}'";
        if (Section.Open(bag, entry.Value, entry.Key.Place, owner, NamingKeys.Policy) is not { } section)
        {
            return;
        }

        var (suffixes, names, exceptions) = (new List<(string, Place)>(), new List<(string, Place)>(), new List<(string, Place)>());
        var typesPlace = entry.Key.Place;
        var match = section.Optional("match") is { } node
            ? ReadMatch(node, section.KeyPlace("match"), owner, suffixes, names, exceptions, ref typesPlace)
            : null;
        var weights = ReadPools(section, owner);
        var strategy = values.Word(
            section.Optional("strategy"), "'strategy'", ("random", NamingStrategy.Random), ("hash", NamingStrategy.Hash), ("one", NamingStrategy.One), ("least-loaded", NamingStrategy.LeastLoaded));
        var ttl = section.Has("ttl") ? values.Number(section.Optional("ttl"), "'ttl'", 0, MaxTtlSeconds) : NamingYaml.DefaultTtlSeconds;

        // A policy that answers nothing but for others may be the last resort; one that names rely on says what comes after it.
        var defaultNode = match is null ? section.Optional("default") : section.Required("default", "name a policy, or write authoritative: what the zone holds");
        var otherwise = values.Text(defaultNode, "'default'");
        var authoritative = otherwise == NamingYaml.Authoritative;
        var policy = new PlacedPolicy(
            new NamingPolicy(name, match, weights, strategy ?? NamingStrategy.Random, (int)(ttl ?? 0), authoritative ? null : otherwise, authoritative),
            entry.Key.Place, typesPlace, defaultNode?.Place ?? entry.Key.Place);
        Policies.Add(policy);
        Places.AddRange(suffixes.Select(s => new PlacedName(s.Item1, true, policy, s.Item2)));
        Places.AddRange(names.Select(n => new PlacedName(n.Item1, false, policy, n.Item2)));
        Exceptions.AddRange(exceptions.Select(e => new PlacedName(e.Item1, true, policy, e.Item2)));
    }

    private NamingMatch? ReadMatch(
        YamlNode node, Place key, string owner, List<(string, Place)> suffixes, List<(string, Place)> names, List<(string, Place)> exceptions, ref Place typesPlace)
    {
        if (Section.Open(bag, node, key, $"'match' of {owner}", NamingKeys.Match) is not { } match)
        {
            return null;
        }

        ReadNames(match, "suffixes", suffixes);
        ReadNames(match, "names", names);
        ReadNames(match, "except", exceptions);
        if (!match.Has("suffixes") && !match.Has("names"))
        {
            bag.Error(key, $"'match' of {owner} says no name", "write suffixes: and the names that it answers for with all below them, or names:");
        }

        typesPlace = match.Has("types") ? match.KeyPlace("types") : typesPlace;
        return new NamingMatch(
            [.. suffixes.Select(s => s.Item1)], [.. names.Select(n => n.Item1)], [.. exceptions.Select(e => e.Item1)],
            ReadTypes(match), ReadDatacenters(match), ReadTags(match));
    }

    private void ReadNames(Section match, string key, List<(string, Place)> into)
    {
        if (!match.Has(key) || values.List(match.Optional(key), $"'{key}'") is not { } items)
        {
            return;
        }

        if (items.Count == 0)
        {
            bag.Error(match.KeyPlace(key), $"'{key}' is empty", "leave it away if it says nothing");
        }

        foreach (var item in items)
        {
            if (DomainNames.Read(bag, values, item) is { } name)
            {
                into.Add((name, item.Place));
            }
        }
    }

    private AddressTypes ReadTypes(Section match)
    {
        if (!match.Has("types"))
        {
            return AddressTypes.Both;
        }

        var types = AddressTypes.None;
        foreach (var item in values.List(match.Optional("types"), "'types'") ?? [])
        {
            types |= values.Word(item, "a type", ("A", AddressTypes.A), ("AAAA", AddressTypes.Aaaa)) ?? AddressTypes.None;
        }

        return types;
    }

    private ImmutableArray<string> ReadDatacenters(Section match)
    {
        var read = ImmutableArray.CreateBuilder<string>();
        foreach (var item in (match.Has("datacenters") ? values.List(match.Optional("datacenters"), "'datacenters'") : null) ?? [])
        {
            if (values.Text(item, "a datacenter") is { } name)
            {
                FleetRules.CheckDatacenterName(bag, item.Place, name, datacenters);
                read.Add(name);
            }
        }

        return read.DrainToImmutable();
    }

    private ImmutableSortedDictionary<string, ImmutableArray<string>> ReadTags(Section match)
    {
        var tags = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<string>>(StringComparer.Ordinal);
        foreach (var entry in match.Has("tags") ? values.Named(match.Optional("tags"), "'tags'") : [])
        {
            if (!attributes.Contains(entry.Key.Text))
            {
                bag.Error(
                    entry.Key.Place,
                    $"no name has an attribute '{Quoted.Short(entry.Key.Text)}': no rule under 'attributes' reads it",
                    bag.Nearest.Hint(entry.Key.Text, attributes));
            }

            var texts = ImmutableArray.CreateBuilder<string>();
            foreach (var item in entry.Value is YamlList list ? list.Items : [entry.Value])
            {
                if (values.Text(item, $"tag '{Quoted.Short(entry.Key.Text)}'") is not { } value)
                {
                    continue;
                }

                if (!NamingAttributeReader.IsTag(value))
                {
                    bag.Error(item.Place, NamingAttributeReader.NotATag(value));
                }

                texts.Add(value);
            }

            tags[entry.Key.Text] = texts.DrainToImmutable();
        }

        return tags.ToImmutable();
    }

    private ImmutableArray<WeightedPool> ReadPools(Section section, string owner)
    {
        var read = ImmutableArray.CreateBuilder<WeightedPool>();
        var node = section.Required("pools");
        switch (node)
        {
            case null or YamlBroken:
                return [];
            case YamlMap map:
                foreach (var entry in map.Entries)
                {
                    CheckPool(entry.Key.Text, entry.Key.Place);
                    if (values.Number(entry.Value, "a weight", 1, MaxWeight) is { } weight)
                    {
                        read.Add(new WeightedPool(entry.Key.Text, (int)weight));
                    }
                }

                break;
            case YamlList list:
                foreach (var item in list.Items)
                {
                    if (values.Text(item, "a pool") is not { } name)
                    {
                        continue;
                    }

                    CheckPool(name, item.Place);
                    if (read.Any(p => p.Pool == name))
                    {
                        bag.Error(item.Place, $"pool '{Quoted.Short(name)}' is listed twice");
                    }

                    read.Add(new WeightedPool(name, 1));
                }

                break;
            default:
                bag.Error(node.Place, $"'pools' is a list of names or a map of names and weights, not {Values.Kind(node)}");
                return [];
        }

        if (node is YamlMap { Entries.Count: 0 } or YamlList { Items.Count: 0 })
        {
            bag.Error(section.KeyPlace("pools"), $"{owner} has no pool to answer from");
        }

        return read.DrainToImmutable();
    }

    private void CheckPool(string name, Place place)
    {
        if (!pools.Contains(name))
        {
            bag.Error(place, $"there is no pool '{Quoted.Short(name)}'", bag.Nearest.Hint(name, pools) ?? (pools.Count is > 0 and <= 12 ? $"known here: {string.Join(", ", pools)}" : null));
        }
    }
}
