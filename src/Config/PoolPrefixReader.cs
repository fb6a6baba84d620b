using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads the prefixes of pools for what comes in: any unicast ones.</summary>
internal sealed class PoolPrefixReader(DiagnosticBag bag)
{
    // Anything shorter is a slip of the finger.
    private const int ShortestIPv4 = 8;
    private const int ShortestIPv6 = 32;
    private readonly Values values = new(bag);

    /// <summary>What stands under <c>prefixes</c>: at least one, none twice.</summary>
    public ImmutableArray<IpPrefix> ReadAll(Section section, string owner)
    {
        if (values.List(section.Required("prefixes"), "'prefixes'") is not { } items)
        {
            return [];
        }

        if (items.Count == 0)
        {
            bag.Error(section.KeyPlace("prefixes"), $"{owner} has no address: 'prefixes' is empty");
        }

        var prefixes = ImmutableArray.CreateBuilder<IpPrefix>();
        foreach (var item in items)
        {
            if (Read(item) is not { } prefix)
            {
                continue;
            }

            if (prefixes.Where(p => p.Overlaps(prefix)).Select(p => (IpPrefix?)p).FirstOrDefault() is { } other)
            {
                bag.Error(item.Place, $"{prefix} overlaps {other} of the same pool");
            }

            prefixes.Add(prefix);
        }

        return prefixes.DrainToImmutable();
    }

    /// <summary>One prefix of unicast addresses.</summary>
    public IpPrefix? Read(YamlNode item)
    {
        if (values.Text(item, "a prefix") is not { } text)
        {
            return null;
        }

        if (!IpPrefix.TryParseLoose(text, out var address, out var length))
        {
            bag.Error(
                item.Place,
                $"a prefix is written as 192.0.2.0/24, not '{Quoted.Short(text)}'",
                IpAddress.TryParse(text, out var single) ? $"write {IpPrefix.Host(single)} for one address" : null);
            return null;
        }

        var prefix = IpPrefix.Covering(address, length);
        var shortest = address.IsIPv6 ? ShortestIPv6 : ShortestIPv4;
        if (length < shortest)
        {
            bag.Error(item.Place, FormattableString.Invariant($"{address}/{length} is larger than any pool: a /{shortest} at most"));
            return null;
        }

        if (prefix.Network != address)
        {
            bag.Error(item.Place, FormattableString.Invariant($"{address}/{length} has host bits set"), $"did you mean {prefix}?");
            return null;
        }

        if (AddressRules.SpecialRangeIn(prefix) is { } special)
        {
            bag.Error(item.Place, $"{prefix} cannot be in a pool: it shares addresses with {special}, which is never routed");
            return null;
        }

        return prefix;
    }
}
