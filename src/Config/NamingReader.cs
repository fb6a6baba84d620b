using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads a naming file's tree: pools, attributes, policies, each by its own reader, then what must hold between them.</summary>
internal sealed class NamingReader(DiagnosticBag bag, Fleet? fleet)
{
    private readonly Values values = new(bag);

    /// <returns>Null, or rules that mean something only if the bag holds no error.</returns>
    public NamingRules? Read(YamlNode root)
    {
        if (Section.Open(bag, root, Place.Start, "the naming file", NamingKeys.Root) is not { } file)
        {
            return null;
        }

        var pools = new NamingPoolReader(bag);
        foreach (var entry in values.Named(file.Required("pools"), "'pools'"))
        {
            pools.Read(entry);
        }

        var attributes = new NamingAttributeReader(bag);
        foreach (var entry in values.Named(file.Optional("attributes"), "'attributes'"))
        {
            attributes.Read(entry);
        }

        var policies = new NamingPolicyReader(bag, fleet, pools.Names, attributes.Known);
        foreach (var entry in values.Named(file.Required("policies"), "'policies'"))
        {
            policies.Read(entry);
        }

        NamingRulesCheck.CheckDefaults(bag, policies.Policies, policies.Names);
        NamingRulesCheck.CheckOverlaps(bag, policies.Places);
        NamingRulesCheck.CheckExceptions(bag, policies.Places, policies.Exceptions);
        if (!bag.HasErrors)
        {
            var byName = policies.Policies.ToDictionary(p => p.Value.Name, p => p, StringComparer.Ordinal);
            NamingRulesCheck.CheckTypes(bag, byName, pools.Pools.ToDictionary(p => p.Name, StringComparer.Ordinal));
        }

        return bag.HasErrors ? null : new NamingRules(pools.Pools, attributes.Rules, policies.Policies.Select(p => p.Value));
    }
}
