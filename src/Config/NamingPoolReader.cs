using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads the pools that names resolve to.</summary>
internal sealed class NamingPoolReader(DiagnosticBag bag)
{
    private readonly PoolPrefixReader prefixReader = new(bag);
    private readonly Values values = new(bag);

    public List<NamingPool> Pools { get; } = [];

    /// <summary>Every name in the file, also of pools with errors.</summary>
    public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

    public void Read(YamlEntry entry)
    {
        var name = entry.Key.Text;
        Names.Add(name);
        var named = values.Name(entry.Key, "pool");
        var owner = $"pool '{Quoted.Short(name)}'";
        if (Section.Open(bag, entry.Value, entry.Key.Place, owner, NamingKeys.Pool) is not { } section)
        {
            return;
        }

        var prefixes = prefixReader.ReadAll(section, owner);
        var drained = values.Truth(section.Optional("drained"), "'drained'") ?? false;
        if (named && prefixes.Length > 0)
        {
            Pools.Add(new NamingPool(name, prefixes, drained));
        }
    }
}
