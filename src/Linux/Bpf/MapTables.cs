using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Bpf;

/// <summary>
/// A map of one element that holds tables: the kernel's own pages; or, to look at only, a copy, for the kernel maps no pages for a
/// descriptor that may not write, not even to read them, but copies an element.
/// </summary>
internal sealed class MapTables : IDisposable
{
    private readonly MapMemory? pages;
    private readonly byte[] copy = [];

    /// <param name="map">May be let go of afterwards.</param>
    public MapTables(BpfMap map, bool copied)
    {
        if (copied)
        {
            copy = map.ReadBytes(0);
        }
        else
        {
            pages = map.Memory();
        }
    }

    /// <summary>A table, by its place in the element in bytes and its length in entries.</summary>
    public Span<T> Table<T>(int offset, int entries)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>((pages is null ? copy.AsSpan() : pages.Bytes)[offset..])[..entries];

    public void Dispose() => pages?.Dispose();
}
