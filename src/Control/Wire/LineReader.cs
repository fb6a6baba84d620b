using System.Text;

namespace SoftUnicast.Control.Wire;

/// <summary>How reading a line ended.</summary>
internal enum LineEnd
{
    Line,
    Closed,
    TooLong,
    NotText,
    TimedOut,
}

/// <summary>
/// Reads lines of UTF-8 text of a bounded length in a bounded time. A last line without its line feed is no line: what a
/// client that died in the middle of a word meant is not known.
/// </summary>
internal sealed class LineReader(Stream stream, int maxBytes, TimeProvider time)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly byte[] buffer = new byte[maxBytes + 2];
    private int start;
    private int end;

    /// <summary>More has come than the lines that were read.</summary>
    public bool HasMore => end > start;

    /// <param name="idle">Time for the first byte.</param>
    /// <param name="whole">Time from the first byte to the line feed.</param>
    public async ValueTask<(LineEnd End, string Text)> ReadAsync(TimeSpan idle, TimeSpan whole, CancellationToken cancellation)
    {
        var searched = start;
        using var deadline = Deadline(end > start ? whole : idle);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        while (true)
        {
            var feed = buffer.AsSpan(searched, end - searched).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                return Take(searched + feed);
            }

            searched = end;
            if (end - start > maxBytes + 1)
            {
                return (LineEnd.TooLong, "");
            }

            if (end == buffer.Length)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (searched, end, start) = (searched - start, end - start, 0);
            }

            var wasEmpty = end == start;
            int count;
            try
            {
                count = await stream.ReadAsync(buffer.AsMemory(end), either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                return (LineEnd.TimedOut, "");
            }

            if (count == 0)
            {
                return (LineEnd.Closed, "");
            }

            end += count;
            if (wasEmpty && whole != idle)
            {
                deadline.CancelAfter(whole);
            }
        }
    }

    private CancellationTokenSource Deadline(TimeSpan after) => new(after, time);

    private (LineEnd End, string Text) Take(int feed)
    {
        var line = buffer.AsSpan(start, feed - start);
        start = feed + 1;
        if (start == end)
        {
            start = end = 0;
        }

        if (line.Length > 0 && line[^1] == (byte)'\r')
        {
            line = line[..^1];
        }

        if (line.Length > maxBytes)
        {
            return (LineEnd.TooLong, "");
        }

        try
        {
            var text = Strict.GetString(line);
            return text.Any(c => char.IsControl(c) && c != '\t') ? (LineEnd.NotText, "") : (LineEnd.Line, text);
        }
        catch (DecoderFallbackException)
        {
            return (LineEnd.NotText, "");
        }
    }
}
