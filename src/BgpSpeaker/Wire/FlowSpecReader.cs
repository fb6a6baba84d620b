using System.Buffers.Binary;
using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>Reads a FlowSpec NLRI. Whatever the bytes are, it neither throws nor allocates beyond the limits.</summary>
internal ref struct FlowSpecReader
{
    private readonly bool ipv6;
    private ReadOnlySpan<byte> rest;
    private int items;

    private FlowSpecReader(ReadOnlySpan<byte> components, bool ipv6)
    {
        rest = components;
        this.ipv6 = ipv6;
    }

    /// <summary>Reads one NLRI, its length field included, that fills <paramref name="bytes"/>.</summary>
    public static FlowSpecFault TryRead(ReadOnlySpan<byte> bytes, bool ipv6, out FlowSpecNlri? nlri)
    {
        nlri = null;
        if (bytes.IsEmpty)
        {
            return FlowSpecFault.Length;
        }

        int length = bytes[0];
        var start = 1;
        if (length >= 0xf0)
        {
            if (bytes.Length < 2)
            {
                return FlowSpecFault.Length;
            }

            length = ((length & 0x0f) << 8) | bytes[1];
            start = 2;
        }

        if (length == 0 || bytes.Length - start != length)
        {
            return FlowSpecFault.Length;
        }

        var reader = new FlowSpecReader(bytes[start..], ipv6);
        var components = ImmutableArray.CreateBuilder<FlowSpecComponent>();
        while (!reader.rest.IsEmpty)
        {
            if (components.Count == FlowSpecNlri.MaxComponents)
            {
                return FlowSpecFault.TooMany;
            }

            var fault = reader.TryReadComponent(components.Count == 0 ? (byte)0 : components[^1].Type, out var component);
            if (fault != FlowSpecFault.None)
            {
                return fault;
            }

            components.Add(component!);
        }

        nlri = new FlowSpecNlri(ipv6, components.DrainToImmutable());
        return FlowSpecFault.None;
    }

    private FlowSpecFault TryReadComponent(byte previous, out FlowSpecComponent? component)
    {
        component = null;
        var type = rest[0];
        rest = rest[1..];
        if (type == 0 || type > (ipv6 ? FlowSpecComponent.Last : FlowSpecComponent.Last - 1))
        {
            return FlowSpecFault.UnknownComponent;
        }

        if (type <= previous)
        {
            return FlowSpecFault.Order;
        }

        return type is FlowSpecComponent.DestinationPrefix or FlowSpecComponent.SourcePrefix
            ? TryReadPrefix(type, out component)
            : TryReadItems(type, out component);
    }

    private FlowSpecFault TryReadPrefix(byte type, out FlowSpecComponent? component)
    {
        component = null;
        var header = ipv6 ? 2 : 1;
        if (rest.Length < header)
        {
            return FlowSpecFault.Length;
        }

        int bits = rest[0];
        int offset = ipv6 ? rest[1] : 0;
        if (bits > (ipv6 ? 128 : 32) || (offset > 0 && offset >= bits))
        {
            return FlowSpecFault.Prefix;
        }

        var byteCount = (bits - offset + 7) / 8;
        rest = rest[header..];
        if (rest.Length < byteCount)
        {
            return FlowSpecFault.Length;
        }

        Span<byte> address = stackalloc byte[16];
        address.Clear();
        rest[..byteCount].CopyTo(address);
        rest = rest[byteCount..];
        // With an offset the bytes hold the pattern alone; it is kept left-aligned, to be shown, and never accepted.
        component = new FlowSpecComponent(type, IpPrefix.Covering(IpAddress.FromBytes(address[..(ipv6 ? 16 : 4)]), bits - offset), offset, []);
        return FlowSpecFault.None;
    }

    private FlowSpecFault TryReadItems(byte type, out FlowSpecComponent? component)
    {
        component = null;
        var list = ImmutableArray.CreateBuilder<FlowSpecItem>(2);
        bool last;
        do
        {
            if (++items > FlowSpecNlri.MaxItems)
            {
                return FlowSpecFault.TooMany;
            }

            if (rest.IsEmpty)
            {
                return FlowSpecFault.Length;
            }

            var op = rest[0];
            var valueLength = 1 << ((op >> 4) & 3);
            if (rest.Length < 1 + valueLength)
            {
                return FlowSpecFault.Length;
            }

            var valueBytes = rest.Slice(1, valueLength);
            var value = valueLength switch
            {
                1 => valueBytes[0],
                2 => BinaryPrimitives.ReadUInt16BigEndian(valueBytes),
                4 => BinaryPrimitives.ReadUInt32BigEndian(valueBytes),
                _ => BinaryPrimitives.ReadUInt64BigEndian(valueBytes),
            };
            list.Add(new FlowSpecItem((byte)(op & FlowSpecItem.Meaning), value));
            rest = rest[(1 + valueLength)..];
            last = (op & 0x80) != 0;
        }
        while (!last);

        component = new FlowSpecComponent(type, null, 0, list.DrainToImmutable());
        return FlowSpecFault.None;
    }
}
