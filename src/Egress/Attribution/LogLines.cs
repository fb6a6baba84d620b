namespace SoftUnicast.Egress.Attribution;

/// <summary>The lines of a file, and what stands behind the last line feed.</summary>
internal readonly struct LogLines(ReadOnlyMemory<byte> bytes)
{
    /// <summary>Bytes of all complete lines, line feeds included.</summary>
    public int CompleteBytes { get; } = bytes.Span.LastIndexOf((byte)'\n') + 1;

    /// <summary>What a crash, or a writer that is at it just now, left without a line feed.</summary>
    public ReadOnlyMemory<byte> Rest => bytes[CompleteBytes..];

    /// <summary>Complete lines without their line feeds, numbered from 1.</summary>
    public IEnumerable<(int Number, ReadOnlyMemory<byte> Line)> All()
    {
        var (number, start) = (0, 0);
        while (start < CompleteBytes)
        {
            var length = bytes.Span[start..].IndexOf((byte)'\n');
            yield return (++number, bytes.Slice(start, length));
            start += length + 1;
        }
    }
}
