using System.Buffers.Binary;

namespace SoftUnicast.Steering.Packets;

/// <summary>Reads a packet from front to back. A read past the end is false and moves nothing.</summary>
internal ref struct PacketCursor(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    /// <summary>Bytes taken so far.</summary>
    public int Offset { get; private set; }

    public readonly ReadOnlySpan<byte> Rest => bytes[Offset..];

    public bool TryTake(int byteCount, out ReadOnlySpan<byte> taken)
    {
        if (Rest.Length < byteCount)
        {
            taken = default;
            return false;
        }

        taken = bytes.Slice(Offset, byteCount);
        Offset += byteCount;
        return true;
    }

    public bool TryTakeUInt16(out ushort value)
    {
        var enough = TryTake(2, out var taken);
        value = enough ? BinaryPrimitives.ReadUInt16BigEndian(taken) : default;
        return enough;
    }
}
