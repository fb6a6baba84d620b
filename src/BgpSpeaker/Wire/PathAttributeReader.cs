using System.Buffers.Binary;
using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>Reads path attributes in their wire form (RFC 4271 4.3), one attribute an element. Never throws on what a peer sent.</summary>
internal static class PathAttributeReader
{
    public const byte CommunitiesType = 8;
    public const byte OriginatorIdType = 9;
    public const byte ExtendedCommunitiesType = 16;
    public const byte LargeCommunitiesType = 32;
    private const byte ExtendedLength = 0x10;

    public static PathAttributes Read(IEnumerable<ReadOnlyMemory<byte>> attributes)
    {
        ImmutableArray<uint> communities = [];
        ImmutableArray<ulong> extended = [];
        ImmutableArray<LargeCommunity> large = [];
        IpAddress? originator = null;
        string? malformed = null;
        foreach (var attribute in attributes)
        {
            if (!TryReadHeader(attribute.Span, out var type, out var value))
            {
                malformed ??= "an attribute with a wrong length";
                continue;
            }

            switch (type)
            {
                case CommunitiesType when value.Length % 4 == 0:
                    communities = ReadList(value, 4, BinaryPrimitives.ReadUInt32BigEndian);
                    break;
                case ExtendedCommunitiesType when value.Length % 8 == 0:
                    extended = ReadList(value, 8, BinaryPrimitives.ReadUInt64BigEndian);
                    break;
                case LargeCommunitiesType when value.Length % 12 == 0:
                    large = ReadList(value, 12, ReadLarge);
                    break;
                case OriginatorIdType when value.Length == 4:
                    originator = IpAddress.FromBytes(value);
                    break;
                case CommunitiesType or ExtendedCommunitiesType or LargeCommunitiesType or OriginatorIdType:
                    malformed ??= $"attribute {type} with a length of {value.Length}";
                    break;
                default:
                    break;
            }
        }

        return new PathAttributes(communities, extended, large, originator, malformed);
    }

    private delegate T ReadElement<T>(ReadOnlySpan<byte> bytes);

    private static bool TryReadHeader(ReadOnlySpan<byte> attribute, out byte type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (attribute.Length < 3)
        {
            return false;
        }

        type = attribute[1];
        var longForm = (attribute[0] & ExtendedLength) != 0;
        if (longForm && attribute.Length < 4)
        {
            return false;
        }

        var length = longForm ? BinaryPrimitives.ReadUInt16BigEndian(attribute[2..]) : attribute[2];
        value = attribute[(longForm ? 4 : 3)..];
        return value.Length == length;
    }

    private static ImmutableArray<T> ReadList<T>(ReadOnlySpan<byte> value, int size, ReadElement<T> read)
    {
        var list = ImmutableArray.CreateBuilder<T>(value.Length / size);
        for (var i = 0; i < value.Length; i += size)
        {
            list.Add(read(value.Slice(i, size)));
        }

        list.Sort();
        return list.DrainToImmutable();
    }

    private static LargeCommunity ReadLarge(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32BigEndian(bytes),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]));
}
