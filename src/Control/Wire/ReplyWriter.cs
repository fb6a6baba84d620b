using System.Buffers;
using System.Globalization;
using System.Text;

namespace SoftUnicast.Control.Wire;

/// <summary>
/// Writes reply lines. All but the last are <c>NNNN-text</c>, or <c> text</c> where the code is that of the line before; the last
/// is <c>NNNN text</c>. Control characters are written as <c>\xNN</c>, so that what a peer sent cannot play with a terminal.
/// </summary>
internal sealed class ReplyWriter(Stream stream, TimeSpan writeTime, TimeProvider time)
{
    private const int FlushBytes = 32 * 1024;
    private readonly ArrayBufferWriter<byte> pending = new(FlushBytes + 4096);
    private int? codeBefore;

    public async ValueTask LineAsync(ReplyCode code, string text, CancellationToken cancellation)
    {
        Begin(code);
        Encoding.UTF8.GetBytes(Printable(text), pending);
        End();
        if (pending.WrittenCount >= FlushBytes)
        {
            await FlushAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The line that ends the reply; everything is sent.</summary>
    public ValueTask LastAsync(ReplyCode code, string text, CancellationToken cancellation)
    {
        codeBefore = null;
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{(int)code:d4} {Printable(text)}\n"), pending);
        return FlushAsync(cancellation);
    }

    /// <summary>A stream that makes reply lines of the lines written to it.</summary>
    public ReplyLineStream LinesOf(ReplyCode code) => new ReplyLineStream(this, code);

    /// <exception cref="TimeoutException">The client does not read.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(writeTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            await stream.WriteAsync(pending.WrittenMemory, either.Token).ConfigureAwait(false);
            await stream.FlushAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException("the client does not read");
        }
        finally
        {
            // Also what may be half sent: nothing is said twice.
            pending.ResetWrittenCount();
        }
    }

    internal async ValueTask PieceAsync(ReplyCode code, ReadOnlyMemory<byte> piece, bool begins, bool ends, CancellationToken cancellation)
    {
        if (begins)
        {
            Begin(code);
        }

        pending.Write(piece.Span);
        if (ends)
        {
            End();
        }

        if (pending.WrittenCount >= FlushBytes)
        {
            await FlushAsync(cancellation).ConfigureAwait(false);
        }
    }

    internal static string Printable(string text)
    {
        if (!text.Any(char.IsControl))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            _ = char.IsControl(c) && c != '\t' ? clean.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}") : clean.Append(c);
        }

        return clean.ToString();
    }

    private void Begin(ReplyCode code)
    {
        if (codeBefore == (int)code)
        {
            pending.Write(" "u8);
        }
        else
        {
            Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{(int)code:d4}-"), pending);
            codeBefore = (int)code;
        }
    }

    private void End() => pending.Write("\n"u8);
}
