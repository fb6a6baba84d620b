using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads <c>gue</c>, <c>gre</c>, <c>ipip</c>, and the GRE key that may come with them.</summary>
internal sealed class EncapsulationReader(DiagnosticBag bag)
{
    private readonly Values values = new(bag);

    /// <summary>One word, or a map of <c>kind</c> and <c>key</c>.</summary>
    public Encapsulation? Read(YamlNode node, Place at, string owner)
    {
        if (node is not YamlMap)
        {
            return Kind(node, "'encapsulation'") is { } kind ? new Encapsulation(kind) : null;
        }

        if (Section.Open(bag, node, at, $"the encapsulation of {owner}", FleetKeys.Encapsulation) is not { } section)
        {
            return null;
        }

        section.Required("kind");
        return ReadPair(section, "kind");
    }

    /// <summary>A kind under a key of the section and perhaps <c>key</c> beside it; null if neither is there.</summary>
    public Encapsulation? ReadPair(Section section, string kindKey)
    {
        var kind = Kind(section.Optional(kindKey), $"'{kindKey}'");
        var keyNode = section.Optional("key");
        var key = values.Number(keyNode, "'key'", 0, uint.MaxValue);
        if (keyNode is not null && kind != EncapsulationKind.Gre && (kind is not null || !section.Has(kindKey)))
        {
            bag.Error(section.KeyPlace("key"), "only GRE carries a key (RFC 2890)", $"write {kindKey}: gre, or take the key out");
            return null;
        }

        return kind is { } known ? new Encapsulation(known, (uint?)key) : null;
    }

    private EncapsulationKind? Kind(YamlNode? node, string what) => values.Word(
        node,
        what,
        ("gue", EncapsulationKind.Gue),
        ("gre", EncapsulationKind.Gre),
        ("ipip", EncapsulationKind.Ipip));
}
