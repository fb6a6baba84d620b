using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>Why bytes are not a FlowSpec NLRI that is worth reading on.</summary>
internal enum FlowSpecFault
{
    None = 0,

    /// <summary>It ends before its own lengths say so, or bytes follow its end.</summary>
    Length,

    /// <summary>A prefix longer than its family, or with an offset past its end.</summary>
    Prefix,

    /// <summary>A component type that RFC 8955 and 8956 do not define.</summary>
    UnknownComponent,

    /// <summary>Types do not ascend, or one is there twice (RFC 8955 4.2).</summary>
    Order,

    /// <summary>More components or operands than <see cref="FlowSpecNlri.MaxComponents"/> and <see cref="FlowSpecNlri.MaxItems"/>.</summary>
    TooMany,
}

/// <summary>One operator and operand of a numeric component (RFC 8955 4.2.1.1).</summary>
/// <param name="Operator">The and, lt, gt and eq bits; end-of-list and length bits are cleared.</param>
internal readonly record struct FlowSpecItem(byte Operator, ulong Value)
{
    public const byte And = 0x40;
    public const byte Less = 0x04;
    public const byte Greater = 0x02;
    public const byte Equal = 0x01;

    /// <summary>The bits that mean something: peers hand the others back as they were on the wire.</summary>
    public const byte Meaning = And | 0x0f;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{((Operator & And) != 0 ? "&" : "")}{((Operator & Less) != 0 ? "<" : "")}{((Operator & Greater) != 0 ? ">" : "")}{((Operator & Equal) != 0 ? "=" : "")}{Value}");
}

/// <summary>One component: a prefix (types 1 and 2) or a list of operators and operands.</summary>
/// <param name="PrefixOffset">IPv6 only: leading bits that do not count (RFC 8956 3.1).</param>
internal sealed record FlowSpecComponent(byte Type, IpPrefix? Prefix, int PrefixOffset, ImmutableArray<FlowSpecItem> Items)
{
    public const byte DestinationPrefix = 1;
    public const byte SourcePrefix = 2;
    public const byte DestinationPort = 5;

    /// <summary>Flow label, the last one that is defined (RFC 8956 3.7); IPv4 ends at 12, fragment.</summary>
    public const byte Last = 13;

    public static FlowSpecComponent OfPrefix(byte type, IpPrefix prefix) => new(type, prefix, 0, []);

    public static FlowSpecComponent OfItems(byte type, params ImmutableArray<FlowSpecItem> items) => new(type, null, 0, items);

    public bool Equals(FlowSpecComponent? other) => other is not null && Type == other.Type && Prefix == other.Prefix
        && PrefixOffset == other.PrefixOffset && Items.AsSpan().SequenceEqual(other.Items.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Type, Prefix, Items.Length);

    public override string ToString() => Prefix is { } prefix
        ? $"{Name} {prefix}{(PrefixOffset == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" offset {PrefixOffset}"))}"
        : $"{Name} {string.Concat(Items.Take(8))}{(Items.Length > 8 ? "..." : "")}";

    private string Name => Type switch
    {
        DestinationPrefix => "dst",
        SourcePrefix => "src",
        DestinationPort => "dst-port",
        _ => string.Create(CultureInfo.InvariantCulture, $"type {Type}"),
    };
}

/// <summary>
/// The NLRI of a FlowSpec route, IPv4 (RFC 8955 4) or IPv6 (RFC 8956 3):
/// <code>
/// +-------------------------------+
/// | length (1 byte, or 2: 0xfnnn) |   of all components together
/// +-------------------------------+
/// | type (1) | prefix or operands |   types ascend
/// +-------------------------------+
/// prefix:   length in bits (1) [IPv6: offset (1)] then its bytes
/// operands: operator (1) value (1, 2, 4 or 8) ... until the end-of-list bit
///           operator = e a l l 0 lt gt eq, value length = 1 shl ll
/// </code>
/// </summary>
internal sealed record FlowSpecNlri(bool IsIPv6, ImmutableArray<FlowSpecComponent> Components)
{
    /// <summary>A route of ours has three; a stranger's with more is not read to its end.</summary>
    public const int MaxComponents = 13;

    public const int MaxItems = 64;

    /// <summary>Length field included.</summary>
    public const int MaxBytes = 4095 + 2;

    public bool Equals(FlowSpecNlri? other) =>
        other is not null && IsIPv6 == other.IsIPv6 && Components.AsSpan().SequenceEqual(other.Components.AsSpan());

    public override int GetHashCode() => HashCode.Combine(IsIPv6, Components.Length, Components.FirstOrDefault());

    public override string ToString() => string.Join(", ", Components);
}
