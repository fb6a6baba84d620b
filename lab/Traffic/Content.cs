using System.Buffers.Binary;

namespace SoftUnicast.Traffic;

/// <summary>Content that both ends can make: 8 bytes at a time, each group a hash of its place. A lost, doubled or foreign byte cannot fit.</summary>
internal static class Content
{
    public static void Fill(Span<byte> buffer, long offset)
    {
        Span<byte> group = stackalloc byte[8];
        for (var i = 0; i < buffer.Length;)
        {
            var within = (int)((offset + i) % 8);
            BinaryPrimitives.WriteUInt64BigEndian(group, Mix((ulong)((offset + i) / 8)));
            var length = Math.Min(8 - within, buffer.Length - i);
            group.Slice(within, length).CopyTo(buffer[i..]);
            i += length;
        }
    }

    /// <summary>Where <paramref name="received"/> first differs from what belongs at <paramref name="offset"/>; -1 if nowhere.</summary>
    public static long FirstDifference(ReadOnlySpan<byte> received, long offset)
    {
        Span<byte> expected = stackalloc byte[1024];
        for (var i = 0; i < received.Length; i += expected.Length)
        {
            var part = received.Slice(i, Math.Min(expected.Length, received.Length - i));
            Fill(expected[..part.Length], offset + i);
            var same = part.CommonPrefixLength(expected[..part.Length]);
            if (same < part.Length)
            {
                return offset + i + same;
            }
        }

        return -1;
    }

    // The finalizer of splitmix64.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
