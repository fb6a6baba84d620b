using SoftUnicast.Model;

namespace SoftUnicast.Egress.Nat;

/// <summary>What a plan cannot mean, or nft could not read.</summary>
internal static class NatProblems
{
    public static IEnumerable<string> Of(NatPlan plan)
    {
        if (!NatPlan.IsTable(plan.Table))
        {
            yield return $"'{plan.Table}' is no name for our table: {NatPlan.TablePrefix}, or {NatPlan.TablePrefix}-NAME in lower-case letters, digits and '-'";
        }

        foreach (var prefix in plan.EgressPrefixes.Concat(plan.Untouched).Concat(plan.Pools.SelectMany(p => p.Sources)).Where(p => p.IsIPv6))
        {
            yield return $"{prefix} is IPv6, and only IPv4 is translated";
        }

        foreach (var name in plan.OutInterfaces.Concat(plan.Pools.SelectMany(p => p.InInterfaces)).Where(n => !NatNames.IsInterface(n)))
        {
            yield return $"'{name}' is no interface name that a rule could hold";
        }

        foreach (var pool in plan.Pools)
        {
            if (!NatNames.IsName(pool.Name) || pool.Name.Length > 63)
            {
                yield return $"'{pool.Name}' is no name of a pool";
            }

            foreach (var problem in OfSlices(plan, $"pool {pool.Name}", pool.Slices))
            {
                yield return problem;
            }
        }

        foreach (var cgroup in plan.Cgroups)
        {
            if (!NatNames.IsCgroup(cgroup.Path))
            {
                yield return $"'{cgroup.Path}' is no path of a cgroup that a rule could hold";
            }

            foreach (var problem in OfSlices(plan, $"cgroup {cgroup.Path}", cgroup.Slices))
            {
                yield return problem;
            }
        }

        foreach (var problem in OfSlices(plan, "draining", plan.Draining).Concat(Twice(plan)))
        {
            yield return problem;
        }
    }

    private static IEnumerable<string> OfSlices(NatPlan plan, string whose, IReadOnlyList<AddressPorts> slices)
    {
        for (var i = 0; i < slices.Count; i++)
        {
            if (slices[i].Ports.First == 0)
            {
                yield return $"{whose}: {slices[i]} holds port 0";
            }

            if (!plan.EgressPrefixes.Any(p => p.Contains(slices[i].Address)))
            {
                yield return $"{whose}: {slices[i]} lies in no egress prefix";
            }

            for (var j = 0; j < i; j++)
            {
                if (slices[i].Overlaps(slices[j]))
                {
                    yield return $"{whose}: {slices[j]} and {slices[i]} overlap";
                }
            }
        }
    }

    // Traffic that two pools ask for would go to one of them by the order of rules alone.
    private static IEnumerable<string> Twice(NatPlan plan)
    {
        for (var i = 0; i < plan.Pools.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (first, second) = (plan.Pools[j], plan.Pools[i]);
                if (first.Name == second.Name)
                {
                    yield return $"pool {first.Name} is there twice";
                }

                foreach (var source in first.Sources.Where(s => second.Sources.Any(s.Overlaps)))
                {
                    yield return $"pools {first.Name} and {second.Name} both ask for traffic from {source}";
                }

                foreach (var name in first.InInterfaces.Intersect(second.InInterfaces, StringComparer.Ordinal))
                {
                    yield return $"pools {first.Name} and {second.Name} both ask for traffic that comes in by {name}";
                }
            }
        }

        foreach (var twice in plan.Cgroups.GroupBy(c => c.Path, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            yield return $"cgroup {twice.Key} is there twice";
        }
    }
}
