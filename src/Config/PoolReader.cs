using System.Buffers;
using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads one pool after another.</summary>
internal sealed class PoolReader(DiagnosticBag bag, EncapsulationReader encapsulations, HashSet<string> datacenterNames)
{
    public const int MaxWeight = 1_000_000;
    public const int MaxSlicesPerServer = 1024;
    private static readonly SearchValues<char> TagCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    private readonly Values values = new(bag);
    private readonly PoolAddressReader addresses = new(bag);

    public List<EgressPool> Pools { get; } = [];

    /// <summary>Of the pools whose prefix could be read, also if something else in them could not.</summary>
    public List<(IpPrefix Prefix, string Pool, Place Place)> Prefixes { get; } = [];

    public void Read(YamlEntry entry)
    {
        var name = entry.Key.Text;
        var named = values.Name(entry.Key, "pool");
        var owner = $"pool '{Quoted.Short(name)}'";
        if (Section.Open(bag, entry.Value, entry.Key.Place, owner, FleetKeys.Pool) is not { } section)
        {
            return;
        }

        var prefixNode = section.Required("prefix");
        var prefix = addresses.ReadPrefix(prefixNode);
        if (prefix is { } known)
        {
            Prefixes.Add((known, name, prefixNode!.Place));
        }

        var range = addresses.ReadRange(section, owner, prefix);
        var tags = ReadTags(section);
        var size = ReadSliceSize(section);
        var reserved = ReadReserved(section, size, owner);
        var perServer = section.Has("slices-per-server")
            ? values.Number(section.Optional("slices-per-server"), "'slices-per-server'", 1, MaxSlicesPerServer)
            : 1;
        var encapsulation = section.Optional("encapsulation") is { } node
            ? encapsulations.Read(node, section.KeyPlace("encapsulation"), owner)
            : default(Encapsulation);
        var weights = ReadWeights(section, owner);
        var (connections, echo) = ReadUnsolicited(section, owner);
        if (named && prefix is { } poolPrefix && range is var (first, last) && perServer is { } slices && !bag.HasErrors)
        {
            Pools.Add(new EgressPool(
                name, poolPrefix, first, last, tags, size ?? default, reserved, (int)slices, encapsulation ?? default, weights, connections, echo));
        }
    }

    private ImmutableSortedDictionary<string, string> ReadTags(Section section)
    {
        var tags = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (!section.Has("tags"))
        {
            return tags.ToImmutable();
        }

        foreach (var entry in values.Named(section.Optional("tags"), "'tags'"))
        {
            if (!IsTag(entry.Key.Text))
            {
                bag.Error(entry.Key.Place, $"'{Quoted.Short(entry.Key.Text)}' is no tag: 1 to 63 letters, digits, '.', '_' and '-'");
            }

            if (values.Text(entry.Value, $"tag '{Quoted.Short(entry.Key.Text)}'") is not { } value)
            {
                continue;
            }

            if (!IsTag(value))
            {
                bag.Error(entry.Value.Place, $"'{Quoted.Short(value)}' is no tag value: 1 to 63 letters, digits, '.', '_' and '-'");
            }

            tags[entry.Key.Text] = value;
        }

        return tags.ToImmutable();
    }

    private static bool IsTag(string text) => text.Length is > 0 and <= 63
        && !text.AsSpan().ContainsAnyExcept(TagCharacters);

    /// <summary>Null if what is written there is wrong; that is reported.</summary>
    private SliceSize? ReadSliceSize(Section section) => section.Optional("slice-size") is { } node
        ? SliceSizeReader.Read(values, bag, node)
        : default(SliceSize);

    private ImmutableArray<int> ReadReserved(Section section, SliceSize? size, string owner)
    {
        if (!section.Has("reserved-slices"))
        {
            return [0];
        }

        if (values.List(section.Optional("reserved-slices"), "'reserved-slices'") is not { } items)
        {
            return [];
        }

        var most = (size?.SlicesPerAddress ?? 256) - 1;
        var reserved = new SortedSet<int>();
        foreach (var item in items)
        {
            if (values.Number(item, "a reserved slice", 0, most) is { } index && !reserved.Add((int)index))
            {
                bag.Error(item.Place, FormattableString.Invariant($"slice {index} is reserved twice"));
            }
        }

        if (size is not null && reserved.Count > most)
        {
            bag.Error(section.KeyPlace("reserved-slices"), FormattableString.Invariant($"{owner} reserves all of its {most + 1} slices: none is left to assign"));
        }

        return [.. reserved];
    }

    private ImmutableSortedDictionary<string, int> ReadWeights(Section section, string owner)
    {
        var weights = ImmutableSortedDictionary.CreateBuilder<string, int>(StringComparer.Ordinal);
        var node = section.Required("datacenters", "say which datacenters it serves");
        switch (node)
        {
            case null or YamlBroken:
                return weights.ToImmutable();
            case YamlMap map:
                foreach (var entry in map.Entries)
                {
                    FleetRules.CheckDatacenterName(bag, entry.Key.Place, entry.Key.Text, datacenterNames);
                    if (values.Number(entry.Value, "a weight", 1, MaxWeight) is { } weight)
                    {
                        weights[entry.Key.Text] = (int)weight;
                    }
                }

                break;
            case YamlList list:
                ReadUnweighted(list, weights);
                break;
            default:
                bag.Error(node.Place, $"'datacenters' is a map of names and weights or a list of names, not {Values.Kind(node)}");
                return weights.ToImmutable();
        }

        if (node is YamlMap { Entries.Count: 0 } or YamlList { Items.Count: 0 })
        {
            bag.Error(section.KeyPlace("datacenters"), $"{owner} serves no datacenter");
        }

        return weights.ToImmutable();
    }

    private void ReadUnweighted(YamlList list, ImmutableSortedDictionary<string, int>.Builder weights)
    {
        foreach (var item in list.Items)
        {
            if (values.Text(item, "a datacenter") is not { } name)
            {
                continue;
            }

            FleetRules.CheckDatacenterName(bag, item.Place, name, datacenterNames);
            if (weights.ContainsKey(name))
            {
                bag.Error(item.Place, $"datacenter '{Quoted.Short(name)}' is listed twice");
            }

            weights[name] = 1;
        }
    }

    private (bool LetConnectionsIn, EchoPolicy Echo) ReadUnsolicited(Section section, string owner)
    {
        if (section.Optional("unsolicited") is not { } node
            || Section.Open(bag, node, section.KeyPlace("unsolicited"), $"'unsolicited' of {owner}", FleetKeys.Unsolicited) is not { } rules)
        {
            return (false, EchoPolicy.Drop);
        }

        var connections = values.Word(rules.Optional("connections"), "'connections'", ("drop", false), ("owner", true));
        var echo = values.Word(rules.Optional("echo"), "'echo'", ("drop", EchoPolicy.Drop), ("owner", EchoPolicy.Owner), ("answer", EchoPolicy.Answer));
        return (connections ?? false, echo ?? EchoPolicy.Drop);
    }
}
