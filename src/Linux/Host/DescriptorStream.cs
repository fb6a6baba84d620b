using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SoftUnicast.Linux.Host;

/// <summary>
/// The bytes of a connected Unix stream socket, and the descriptors that come with them (unix(7), SCM_RIGHTS). Reading keeps descriptors until they are
/// taken: those that were sent with a byte have come when that byte has been read. It owns the socket. One reads and one writes at a time.
/// </summary>
public sealed class DescriptorStream : Stream
{
    private readonly Socket socket;
    private readonly Lock gate = new();
    private readonly byte[] peeked = new byte[1];
    private readonly CancellationTokenSource disposal = new();
    private List<SafeFileHandle> waiting = [];
    private bool isDisposed;

    /// <exception cref="ArgumentException">It is no Unix stream socket.</exception>
    public DescriptorStream(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.AddressFamily != AddressFamily.Unix || socket.SocketType != SocketType.Stream)
        {
            throw new ArgumentException("a Unix stream socket is needed", nameof(socket));
        }

        this.socket = socket;
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The descriptors that have come since the last call, in the order that they were sent in. They are the caller's to dispose of.</summary>
    public IReadOnlyList<SafeFileHandle> TakeDescriptors()
    {
        lock (gate)
        {
            var taken = waiting;
            waiting = [];
            return taken;
        }
    }

    /// <summary>Sends all of the bytes, at least one, and descriptors with the first. They stay open here.</summary>
    /// <exception cref="IOException">The other end has closed.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, IReadOnlyList<SafeHandle> descriptors, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        ObjectDisposedException.ThrowIf(isDisposed, this);
        SafeHandle[] handles = [.. descriptors];
        cancellation.ThrowIfCancellationRequested();
        int count;
        while (!SocketPassing.TrySend(socket, bytes.Span, handles, out count))
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, disposal.Token);
            await Task.Run(() => WaitForRoom(end.Token), CancellationToken.None).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(isDisposed, this);
        }

        await WriteAsync(bytes[count..], cancellation).ConfigureAwait(false);
    }

    /// <returns>0: the other end has closed, or the buffer is empty.</returns>
    /// <exception cref="IOException">The connection is broken; more than <see cref="SocketPassing.MaxDescriptors"/> descriptors came that nobody took: all are closed.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Bytes are looked at and left: a call that takes them and has no room for descriptors would lose those. Cancelled, it has taken nothing.
        try
        {
            if (await socket.ReceiveAsync(peeked.AsMemory(), SocketFlags.Peek, cancellationToken).ConfigureAwait(false) == 0)
            {
                return 0;
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"reading from a Unix socket: {e.Message}", e);
        }

        return Read(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc cref="ReadAsync(Memory{byte}, CancellationToken)"/>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        ObjectDisposedException.ThrowIf(isDisposed, this);
        IReadOnlyList<SafeFileHandle> came;
        int count;
        try
        {
            count = SocketPassing.Receive(socket, buffer, out came);
        }
        catch (SystemCallException)
        {
            CloseWaiting();
            throw;
        }

        Keep(came);
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (!buffer.IsEmpty)
            {
                buffer = buffer[await socket.SendAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"writing to a Unix socket: {e.Message}", e);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            while (!buffer.IsEmpty)
            {
                buffer = buffer[socket.Send(buffer)..];
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"writing to a Unix socket: {e.Message}", e);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Closes the socket, and the descriptors that nobody took.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (gate)
            {
                isDisposed = true;
            }

            disposal.Cancel();
            socket.Dispose();
            CloseWaiting();
        }

        base.Dispose(disposing);
    }

    private void Keep(IReadOnlyList<SafeFileHandle> came)
    {
        lock (gate)
        {
            waiting.AddRange(came);
            if (!isDisposed && waiting.Count <= SocketPassing.MaxDescriptors)
            {
                return;
            }
        }

        CloseWaiting();
        ObjectDisposedException.ThrowIf(isDisposed, this);
        throw new IOException($"more than {SocketPassing.MaxDescriptors} descriptors came over a Unix socket and nobody took them: all are closed");
    }

    private void CloseWaiting()
    {
        foreach (var descriptor in TakeDescriptors())
        {
            descriptor.Dispose();
        }
    }

    // Until there is room to send, the other end has closed, or it is to end.
    private void WaitForRoom(CancellationToken end)
    {
        using var ended = new FileDescriptor(Libc.EventFd(0, Libc.EFD_CLOEXEC));
        if (ended.IsInvalid)
        {
            throw SystemCallException.Last("eventfd", "Unix socket");
        }

        using var registration = end.Register(() =>
        {
            var one = 1ul;
            _ = Libc.Write(ended, ref one, sizeof(ulong));
        });
        var isHeld = false;
        try
        {
            socket.SafeHandle.DangerousAddRef(ref isHeld); // its number is not given to another meanwhile
            Span<Libc.PollFd> wait = [new() { Fd = (int)socket.SafeHandle.DangerousGetHandle(), Events = Libc.POLLOUT }, new() { Fd = ended.Number, Events = Libc.POLLIN }];
            _ = Libc.Poll(wait, (nuint)wait.Length, -1); // interrupted: the caller comes back
        }
        finally
        {
            if (isHeld)
            {
                socket.SafeHandle.DangerousRelease();
            }
        }
    }
}
