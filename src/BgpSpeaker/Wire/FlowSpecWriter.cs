using System.Buffers.Binary;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>Writes a FlowSpec NLRI in its one canonical form: shortest operands, length field of one byte where it fits.</summary>
internal static class FlowSpecWriter
{
    public static byte[] Write(FlowSpecNlri nlri)
    {
        var bytes = new List<byte>(32);
        foreach (var component in nlri.Components)
        {
            bytes.Add(component.Type);
            if (component.Prefix is { } prefix)
            {
                bytes.Add((byte)(prefix.Length + component.PrefixOffset));
                if (nlri.IsIPv6)
                {
                    bytes.Add((byte)component.PrefixOffset);
                }

                bytes.AddRange(prefix.Network.ToBytes().AsSpan(0, (prefix.Length + 7) / 8));
            }
            else
            {
                WriteItems(component, bytes);
            }
        }

        if (bytes.Count > 4095)
        {
            throw new ArgumentException($"a FlowSpec NLRI holds 4095 bytes, not {bytes.Count}", nameof(nlri));
        }

        return bytes.Count < 0xf0
            ? [(byte)bytes.Count, .. bytes]
            : [(byte)(0xf0 | (bytes.Count >> 8)), (byte)bytes.Count, .. bytes];
    }

    private static void WriteItems(FlowSpecComponent component, List<byte> bytes)
    {
        Span<byte> value = stackalloc byte[8];
        for (var i = 0; i < component.Items.Length; i++)
        {
            var item = component.Items[i];
            var lengthCode = item.Value switch { <= 0xff => 0, <= 0xffff => 1, <= 0xffff_ffff => 2, _ => 3 };
            var end = i == component.Items.Length - 1 ? 0x80 : 0;
            bytes.Add((byte)(end | (lengthCode << 4) | item.Operator));
            BinaryPrimitives.WriteUInt64BigEndian(value, item.Value);
            bytes.AddRange(value[(8 - (1 << lengthCode))..]);
        }
    }
}
