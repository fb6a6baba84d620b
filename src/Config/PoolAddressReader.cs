using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads a pool's prefix and which of its addresses may be assigned.</summary>
internal sealed class PoolAddressReader(DiagnosticBag bag)
{
    // What a pool may hand out, and what it is announced as, stay countable: anything larger is a slip of the finger.
    public const int MaxAddresses = 1 << 20;
    private const int ShortestIPv4 = 8;
    private const int ShortestIPv6 = 32;
    private readonly Values values = new(bag);

    public IpPrefix? ReadPrefix(YamlNode? node)
    {
        if (values.Text(node, "'prefix'") is not { } text)
        {
            return null;
        }

        var place = node!.Place;
        if (!IpPrefix.TryParseLoose(text, out var address, out var length))
        {
            bag.Error(place, $"'prefix' is a prefix such as 192.0.2.0/24, not '{Quoted.Short(text)}'", PrefixHint(text));
            return null;
        }

        var (shortest, longest) = address.IsIPv6 ? (ShortestIPv6, 48) : (ShortestIPv4, 24);
        if (length > longest)
        {
            bag.Error(
                place,
                FormattableString.Invariant($"{address}/{length} is longer than /{longest}: the Internet does not route it"),
                $"write prefix: {IpPrefix.Covering(address, longest)}, and say under 'addresses' which of it may be assigned");
            return null;
        }

        if (length < shortest)
        {
            bag.Error(place, FormattableString.Invariant($"{address}/{length} is shorter than /{shortest}: it would be announced as more than 65536 /{longest}s"));
            return null;
        }

        var prefix = IpPrefix.Covering(address, length);
        if (prefix.Network != address)
        {
            bag.Error(place, FormattableString.Invariant($"{address}/{length} has host bits set"), $"did you mean {prefix}?");
            return null;
        }

        if (AddressRules.SpecialRangeIn(prefix) is { } special)
        {
            bag.Error(place, $"{prefix} cannot be a pool: it shares addresses with {special}, which is never routed");
            return null;
        }

        return prefix;
    }

    /// <summary>The first and last address that may be assigned; null if unknown for an error that is reported.</summary>
    public (IpAddress First, IpAddress Last)? ReadRange(Section section, string owner, IpPrefix? prefix)
    {
        if (section.Optional("addresses") is not { } node)
        {
            if (prefix is not { } whole)
            {
                return null;
            }

            if (whole.AddressCount > MaxAddresses)
            {
                bag.Error(
                    section.KeyPlace("prefix"),
                    FormattableString.Invariant($"{whole} holds more than {MaxAddresses} addresses, and {owner} does not say which may be assigned"),
                    $"write, for one, addresses: \"{whole.Network.Add(1)}-{whole.Network.Add(255)}\"");
                return null;
            }

            return (whole.Network, whole.Last);
        }

        if (values.Text(node, "'addresses'") is not { } text)
        {
            return null;
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        var firstText = dash < 0 ? text : text[..dash].TrimEnd();
        var lastText = dash < 0 ? text : text[(dash + 1)..].TrimStart();
        if (!IpAddress.TryParse(firstText, out var first) || !IpAddress.TryParse(lastText, out var last))
        {
            bag.Error(
                node.Place,
                $"'addresses' is one address or FIRST-LAST, not '{Quoted.Short(text)}'",
                IpPrefix.TryParse(text, out var block) ? $"write \"{block.Network}-{block.Last}\"" : null);
            return null;
        }

        return Check(node.Place, first, last, prefix) ? (first, last) : null;
    }

    private bool Check(Place place, IpAddress first, IpAddress last, IpPrefix? prefix)
    {
        if (first.IsIPv6 != last.IsIPv6 || first > last)
        {
            bag.Error(
                place,
                $"'addresses' runs upwards, not from {first} to {last}",
                first.IsIPv6 == last.IsIPv6 ? $"did you mean {last}-{first}?" : null);
            return false;
        }

        if (prefix is { } known && !(known.Contains(first) && known.Contains(last)))
        {
            bag.Error(place, $"{(known.Contains(first) ? last : first)} lies outside {known}");
            return false;
        }

        if (last.Value - first.Value >= MaxAddresses)
        {
            bag.Error(place, FormattableString.Invariant($"these are more than {MaxAddresses} addresses"));
            return false;
        }

        return true;
    }

    private static string? PrefixHint(string text) => IpAddress.TryParse(text, out var address)
        ? $"write {IpPrefix.Covering(address, address.IsIPv6 ? 48 : 24)}"
        : null;
}
