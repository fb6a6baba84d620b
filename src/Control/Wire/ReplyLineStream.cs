namespace SoftUnicast.Control.Wire;

/// <summary>Cuts what is written to it at line feeds and sends the pieces as lines of one reply code; write-only.</summary>
internal sealed class ReplyLineStream(ReplyWriter writer, ReplyCode code) : Stream
{
    private bool inLine;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            var feed = buffer.Span.IndexOf((byte)'\n');
            var piece = feed < 0 ? buffer : buffer[..feed];
            await writer.PieceAsync(code, piece, !inLine, feed >= 0, cancellationToken).ConfigureAwait(false);
            inLine = feed < 0;
            buffer = feed < 0 ? default : buffer[(feed + 1)..];
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Ends a line that is still open.</summary>
    public async ValueTask EndAsync(CancellationToken cancellation)
    {
        if (inLine)
        {
            await writer.PieceAsync(code, default, false, true, cancellation).ConfigureAwait(false);
            inLine = false;
        }
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("written asynchronously only");
}
