using System.Numerics;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>Reads a slice size, and offers the powers of two around a number that is none.</summary>
internal static class SliceSizeReader
{
    public static SliceSize? Read(Values values, DiagnosticBag bag, YamlNode? node)
    {
        if (values.Number(node, "'slice-size'", SliceSize.MinPortCount, SliceSize.MaxPortCount) is not { } ports)
        {
            return null;
        }

        if (SliceSize.TryCreate((int)ports, out var size))
        {
            return size;
        }

        var below = 1 << BitOperations.Log2((uint)ports);
        bag.Error(node!.Place, FormattableString.Invariant($"'slice-size' is a power of two, not {ports}"), FormattableString.Invariant($"the nearest are {below} and {2 * below}"));
        return null;
    }
}
