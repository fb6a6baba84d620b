using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>What must hold between the policies of a naming file: one answer to each query, and never none.</summary>
internal static class NamingRulesCheck
{
    /// <summary>Defaults exist and lead to an end; and a policy without names of its own is somebody's default.</summary>
    public static void CheckDefaults(DiagnosticBag bag, List<PlacedPolicy> policies, HashSet<string> names)
    {
        var byName = new Dictionary<string, PlacedPolicy>(StringComparer.Ordinal);
        foreach (var policy in policies)
        {
            byName[policy.Value.Name] = policy;
        }

        var inLoops = new HashSet<string>(StringComparer.Ordinal);
        foreach (var policy in policies)
        {
            if (policy.Value.Default is not { } next)
            {
                continue;
            }

            if (!names.Contains(next))
            {
                bag.Error(policy.Default, $"there is no policy '{Quoted.Short(next)}'", bag.Nearest.Hint(next, names.Append(NamingYaml.Authoritative)));
                continue;
            }

            var way = new List<string> { policy.Value.Name };
            while (next is not null && !way.Contains(next))
            {
                way.Add(next);
                next = byName.GetValueOrDefault(next)?.Value.Default;
            }

            // A loop is reported once, at the first of its policies in the file.
            if (next == policy.Value.Name && !inLoops.Contains(next))
            {
                inLoops.UnionWith(way);
                bag.Error(policy.Default, $"the default of policy '{Quoted.Short(next)}' leads back to it: {string.Join(" -> ", way.Append(next).Select(Quoted.Short))}");
            }
        }

        var used = policies.Select(p => p.Value.Default).ToHashSet(StringComparer.Ordinal);
        foreach (var policy in policies.Where(p => p.Value.Match is null && !used.Contains(p.Value.Name) && !bag.HasErrors))
        {
            bag.Warning(policy.Key, $"policy '{policy.Value.Name}' answers nothing: it matches no name and is no policy's default");
        }
    }

    /// <summary>No two policies of one place and equal rank answer one query.</summary>
    public static void CheckOverlaps(DiagnosticBag bag, List<PlacedName> places)
    {
        foreach (var same in places.GroupBy(p => (p.Name, p.IsSuffix)).Where(g => g.Count() > 1))
        {
            var earlier = new List<PlacedName>();
            foreach (var place in same)
            {
                if (earlier.FirstOrDefault(e => Overlap(e.Policy.Value, place.Policy.Value)) is { Policy: { } other } first)
                {
                    bag.Error(
                        place.Place,
                        FormattableString.Invariant($"policy '{Quoted.Short(place.Policy.Value.Name)}' overlaps policy '{Quoted.Short(other.Value.Name)}' in line {first.Place.Line}: both answer for {place.Name}"),
                        "tell them apart by types, datacenters or tags; of two, the one with more tags comes first, then the one that names datacenters");
                }

                earlier.Add(place);
            }
        }
    }

    /// <summary>What a policy leaves alone lies below what it answers for, and is no policy's place.</summary>
    public static void CheckExceptions(DiagnosticBag bag, List<PlacedName> places, List<PlacedName> exceptions)
    {
        var bySuffix = places.ToLookup(p => p.Name, StringComparer.Ordinal);
        foreach (var exception in exceptions)
        {
            if (!exception.Policy.Value.Match!.Suffixes.Any(s => DomainNames.IsBelow(exception.Name, s)))
            {
                bag.Error(exception.Place, $"{exception.Name} lies below none of the policy's suffixes: there is nothing to leave out");
            }
            else if (bySuffix[exception.Name].FirstOrDefault() is { Policy: { } other } place)
            {
                bag.Error(exception.Place, FormattableString.Invariant($"{exception.Name} is left out here, and policy '{Quoted.Short(other.Value.Name)}' answers for it in line {place.Place.Line}"));
            }
        }
    }

    /// <summary>A policy that answers a type has an address of it, and so has each of its defaults: nobody gets an empty answer.</summary>
    public static void CheckTypes(DiagnosticBag bag, Dictionary<string, PlacedPolicy> policies, Dictionary<string, NamingPool> pools)
    {
        AddressTypes Has(NamingPolicy policy) => policy.Pools.Aggregate(AddressTypes.None, (types, p) => types | pools[p.Pool].Types);
        var reported = new HashSet<(string, AddressTypes)>();
        foreach (var policy in policies.Values.Where(p => p.Value.Match is not null))
        {
            foreach (var type in new[] { AddressTypes.A, AddressTypes.Aaaa }.Where(t => policy.Value.Match!.Types.HasFlag(t)))
            {
                var (text, family) = type == AddressTypes.A ? ("A", "IPv4") : ("AAAA", "IPv6");
                if (!Has(policy.Value).HasFlag(type))
                {
                    bag.Error(policy.Types, $"policy '{policy.Value.Name}' answers {text}, and its pools have no {family} address", type == AddressTypes.A ? "write types: [AAAA]" : "write types: [A]");
                    continue;
                }

                for (var at = policy; at.Value.Default is { } next && policies.TryGetValue(next, out var after); at = after)
                {
                    if (!Has(after.Value).HasFlag(type) && reported.Add((at.Value.Name, type)))
                    {
                        bag.Error(at.Default, $"default '{next}' has no {family} address, and policy '{policy.Value.Name}' answers {text}");
                    }
                }
            }
        }
    }

    private static bool Overlap(NamingPolicy one, NamingPolicy other)
    {
        var (a, b) = (one.Match!, other.Match!);
        return (a.Types & b.Types) != AddressTypes.None
            && a.Tags.Count == b.Tags.Count
            && a.Datacenters.IsEmpty == b.Datacenters.IsEmpty
            && (a.Datacenters.IsEmpty || a.Datacenters.Intersect(b.Datacenters, StringComparer.Ordinal).Any())
            && a.Tags.All(t => !b.Tags.TryGetValue(t.Key, out var values) || t.Value.Intersect(values, StringComparer.Ordinal).Any());
    }
}
