using System.Globalization;
using System.Numerics;

namespace SoftUnicast.Model;

/// <summary>How many ports one slice of a pool has: a power of two from 256 to 32,768. <c>default</c> is 2,048.</summary>
public readonly record struct SliceSize : IComparable<SliceSize>
{
    public const int MinPortCount = 256;
    public const int MaxPortCount = 32768;
    private const int DefaultShift = 11;
    private readonly sbyte shiftFromDefault;

    private SliceSize(int shift) => shiftFromDefault = (sbyte)(shift - DefaultShift);

    /// <summary>log2 of the port count: 8 to 15. A port's slice index is <c>port &gt;&gt; Shift</c>.</summary>
    public int Shift => shiftFromDefault + DefaultShift;

    public int PortCount => 1 << Shift;

    /// <summary>Slices that one address has, reserved ones included: 2 to 256.</summary>
    public int SlicesPerAddress => 65536 >> Shift;

    public static bool TryCreate(int portCount, out SliceSize size)
    {
        var valid = portCount is >= MinPortCount and <= MaxPortCount && BitOperations.IsPow2(portCount);
        size = valid ? new SliceSize(BitOperations.Log2((uint)portCount)) : default;
        return valid;
    }

    /// <exception cref="ArgumentException">Not a power of two from 256 to 32,768.</exception>
    public static SliceSize Create(int portCount) => TryCreate(portCount, out var size)
        ? size
        : throw new ArgumentException($"a slice size is a power of two from {MinPortCount} to {MaxPortCount}, not {portCount}", nameof(portCount));

    public int IndexOf(ushort port) => port >> Shift;

    /// <summary>The ports of slice <paramref name="index"/>, 0 to <see cref="SlicesPerAddress"/> - 1.</summary>
    public PortRange PortsOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, SlicesPerAddress);
        return new PortRange((ushort)(index << Shift), (ushort)((index << Shift) + PortCount - 1));
    }

    /// <summary>True if the range is exactly one slice of this size.</summary>
    public bool IsSlice(PortRange ports) => ports.Count == PortCount && ports.First % PortCount == 0;

    public int CompareTo(SliceSize other) => Shift.CompareTo(other.Shift);

    public override string ToString() => PortCount.ToString(CultureInfo.InvariantCulture);

    public static bool operator <(SliceSize left, SliceSize right) => left.CompareTo(right) < 0;

    public static bool operator >(SliceSize left, SliceSize right) => left.CompareTo(right) > 0;

    public static bool operator <=(SliceSize left, SliceSize right) => left.CompareTo(right) <= 0;

    public static bool operator >=(SliceSize left, SliceSize right) => left.CompareTo(right) >= 0;
}
