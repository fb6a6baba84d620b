using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads the tree of an assignment file.</summary>
internal sealed class AssignmentReader(DiagnosticBag bag, Fleet? fleet)
{
    private readonly Values values = new(bag);
    private readonly Dictionary<IpAddress, (string Pool, int Line)> addressLines = [];

    /// <returns>Null, or an assignment that means something only if the bag holds no error.</returns>
    public Assignment? Read(YamlNode root)
    {
        if (Section.Open(bag, root, Place.Start, "the assignment file", AssignmentKeys.Root) is not { } file)
        {
            return null;
        }

        long? generation = null;
        if (file.Required("assignment") is { } head
            && Section.Open(bag, head, file.KeyPlace("assignment"), "'assignment'", AssignmentKeys.Assignment) is { } section)
        {
            generation = values.Number(section.Required("generation"), "'generation'", 0, 999_999_999_999_999_999);
        }

        var pools = new List<PoolAssignment>();
        foreach (var entry in values.Named(file.Required("pools"), "'pools'"))
        {
            if (ReadPool(entry) is { } pool)
            {
                pools.Add(pool);
            }
        }

        return new Assignment(generation ?? 0, [.. pools.OrderBy(p => p.Pool, StringComparer.Ordinal)]);
    }

    private PoolAssignment? ReadPool(YamlEntry entry)
    {
        var name = entry.Key.Text;
        values.Name(entry.Key, "pool");
        var owner = $"pool '{Quoted.Short(name)}'";
        if (Section.Open(bag, entry.Value, entry.Key.Place, owner, AssignmentKeys.Pool) is not { } section)
        {
            return null;
        }

        var sizeNode = section.Required("slice-size");
        var size = SliceSizeReader.Read(values, bag, sizeNode);
        var grants = new FleetGrants(bag, fleet, entry.Key, sizeNode, size, hasOwners: section.Optional("addresses") is YamlMap { Entries.Count: > 0 });
        var owned = new OwnershipReader(bag, size, grants);
        foreach (var address in values.Named(section.Optional("addresses"), "'addresses'"))
        {
            ReadAddress(address, name, owned);
        }

        var quarantined = new QuarantineReader(bag).Read(section.Optional("quarantined"));
        OverlapRules.Check(bag, owned, quarantined);
        return grants.UnknownPool || size is not { } known
            ? null
            : new PoolAssignment(
                name,
                known,
                [.. owned.Blocks.Where(b => b.Granted).Select(b => b.Value).OrderBy(b => b.Block)],
                [.. owned.Slices.Where(s => s.Granted).Select(s => s.Value).OrderBy(s => s.Slice)],
                [.. quarantined.Select(q => q.Value).OrderBy(q => q.Slice)]);
    }

    private void ReadAddress(YamlEntry entry, string pool, OwnershipReader owned)
    {
        if (values.UnicastAddress(entry.Key, "a key of 'addresses'") is not { } address)
        {
            return;
        }

        if (!addressLines.TryAdd(address, (pool, entry.Key.Place.Line)))
        {
            var (otherPool, line) = addressLines[address];
            bag.Error(entry.Key.Place, FormattableString.Invariant($"{address} is in line {line} already, in pool '{otherPool}'"));
            return;
        }

        owned.ReadAddress(entry, address);
    }
}
