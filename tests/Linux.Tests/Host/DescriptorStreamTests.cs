using System.IO.Pipes;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary>A conversation over a Unix socket, with descriptors in it.</summary>
public sealed class DescriptorStreamTests : IDisposable
{
    private readonly UnixPair pair = new();
    private readonly DescriptorStream server;
    private readonly DescriptorStream client;
    private readonly AnonymousPipeServerStream pipe = new(PipeDirection.In);

    public DescriptorStreamTests()
    {
        server = new DescriptorStream(pair.Server);
        client = new DescriptorStream(pair.Client);
    }

    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    // What is sent here; that all copies of it are closed shows at the other end of the pipe.
    private SafeHandle Descriptor => pipe.ClientSafePipeHandle;

    public void Dispose()
    {
        server.Dispose();
        client.Dispose();
        pair.Dispose();
        pipe.Dispose();
    }

    [Fact]
    public async Task Bytes_go_both_ways_and_bring_no_descriptors()
    {
        await client.WriteAsync("ask"u8.ToArray(), Ending);
        Assert.Equal("ask", await Read(server));
        server.Write("answer"u8);
        server.Flush();
        await server.FlushAsync(Ending);
        var buffer = new byte[100];
        Assert.Equal(6, client.Read(buffer, 0, buffer.Length));

        Assert.Equal("answer", Encoding.ASCII.GetString(buffer, 0, 6));
        Assert.Empty(server.TakeDescriptors());
        Assert.True(server.CanRead && server.CanWrite && !server.CanSeek);
        Assert.Throws<NotSupportedException>(() => server.Length);
        Assert.Throws<NotSupportedException>(() => server.Position);
        Assert.Throws<NotSupportedException>(() => server.Position = 0);
        Assert.Throws<NotSupportedException>(() => server.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => server.SetLength(0));
    }

    [Fact]
    public async Task Much_goes_as_little_does_while_the_other_end_reads()
    {
        var sent = new byte[3_000_000];
        new Random(1).NextBytes(sent);
        var received = new byte[sent.Length];

        var writing = client.WriteAsync(sent, 0, sent.Length, Ending);
        await server.ReadExactlyAsync(received, Ending);
        await writing;

        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task Descriptors_come_with_the_first_of_their_bytes_and_are_taken_once_in_order()
    {
        using var one = Listen();
        using var two = Listen();
        using var three = Listen();
        await client.SendAsync("first"u8.ToArray(), [one.SafeHandle, two.SafeHandle], Ending);
        await client.SendAsync("second"u8.ToArray(), [three.SafeHandle], Ending);
        await client.SendAsync("third"u8.ToArray(), [], Ending);

        Assert.Equal(0, await server.ReadAsync(Memory<byte>.Empty, Ending));
        Assert.Empty(server.TakeDescriptors());
        Assert.Equal("fi", await Read(server, 2));
        Assert.Equal([Cookie(one.SafeHandle), Cookie(two.SafeHandle)], Cookies(server));
        var text = "";
        while (!text.EndsWith("third", StringComparison.Ordinal))
        {
            text += await Read(server, 4);
        }

        Assert.Equal("rstsecondthird", text);
        Assert.Equal([Cookie(three.SafeHandle)], Cookies(server));
        Assert.Empty(server.TakeDescriptors());
    }

    [Fact]
    public async Task A_read_that_waits_gets_the_descriptors_too()
    {
        using var listener = Listen();
        var reading = Read(server);
        Assert.False(reading.IsCompleted);

        await client.SendAsync("x"u8.ToArray(), [listener.SafeHandle], Ending);

        Assert.Equal("x", await reading);
        Assert.Equal([Cookie(listener.SafeHandle)], Cookies(server));
    }

    [Fact]
    public async Task A_read_that_is_cancelled_takes_nothing_and_the_next_one_gets_all()
    {
        using var listener = Listen();
        using var idle = new CancellationTokenSource();
        var reading = server.ReadAsync(new byte[10], 0, 10, idle.Token);
        Assert.False(reading.IsCompleted);

        await idle.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        await client.SendAsync("late"u8.ToArray(), [listener.SafeHandle], Ending);
        Assert.Equal("late", await Read(server));
        Assert.Equal([Cookie(listener.SafeHandle)], Cookies(server));
    }

    [Fact]
    public async Task An_end_that_closes_is_the_end_of_reading_and_an_error_of_writing()
    {
        client.Dispose();

        Assert.Equal("", await Read(server));
        Assert.Equal(0, server.Read(new byte[1]));
        await Assert.ThrowsAsync<IOException>(async () => await server.WriteAsync("x"u8.ToArray(), Ending));
        Assert.Throws<IOException>(() => server.Write([1], 0, 1));
        await Assert.ThrowsAsync<SystemCallException>(async () => await server.SendAsync("x"u8.ToArray(), [Descriptor], Ending));
    }

    [Fact]
    public async Task An_end_that_closes_without_having_read_all_is_an_error_of_reading()
    {
        await server.WriteAsync("unread"u8.ToArray(), Ending);
        client.Dispose();

        Assert.StartsWith("reading from a Unix socket: ", (await Assert.ThrowsAsync<IOException>(() => Read(server))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_descriptors_than_may_wait_are_all_closed_and_an_error()
    {
        for (var i = 0; i < 2; i++)
        {
            await client.SendAsync("x"u8.ToArray(), [.. Enumerable.Repeat(Descriptor, 17)], Ending);
        }

        pipe.DisposeLocalCopyOfClientHandle();
        Assert.Equal("x", await Read(server));
        var error = await Assert.ThrowsAsync<IOException>(() => Read(server));

        Assert.Equal("more than 32 descriptors came over a Unix socket and nobody took them: all are closed", error.Message);
        Assert.Empty(server.TakeDescriptors());
        AllAreClosed();
    }

    [Fact]
    public async Task A_message_with_more_descriptors_than_are_taken_closes_all_that_wait()
    {
        using var listener = new UnixListening();
        using var connected = listener.Connect(
            "import socket, sys, os\n"
            + "s = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nr, w = os.pipe()\n"
            + "socket.send_fds(s, [b'x'], [w])\ns.recv(1)\nsocket.send_fds(s, [b'y'], [w] * 33)\nos.close(w)\nos.read(r, 1)\ns.send(b'z')");
        using var stream = new DescriptorStream(connected);
        Assert.Equal("x", await Read(stream));
        await stream.WriteAsync("!"u8.ToArray(), Ending);

        var error = await Assert.ThrowsAsync<SystemCallException>(() => Read(stream));

        Assert.EndsWith("at most 32 descriptors are taken with one message", error.Message, StringComparison.Ordinal);
        Assert.Empty(stream.TakeDescriptors());
        Assert.Equal("z", await Read(stream)); // said when the last of them was closed
    }

    [Fact]
    public async Task What_nobody_took_is_closed_with_the_stream()
    {
        await client.SendAsync("x"u8.ToArray(), [Descriptor, Descriptor], Ending);
        await client.SendAsync("unread"u8.ToArray(), [Descriptor], Ending);
        pipe.DisposeLocalCopyOfClientHandle();
        Assert.Equal("x", await Read(server, 1));

        await server.DisposeAsync();

        AllAreClosed();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Read(server));
        Assert.Throws<ObjectDisposedException>(() => server.Read(new byte[1]));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await server.SendAsync("x"u8.ToArray(), [], Ending));
        Assert.Equal("", await Read(client).ContinueWith(r => r.IsFaulted ? "" : r.Result, TaskScheduler.Default)); // reset: it had sent more
    }

    [Fact]
    public async Task Descriptors_wait_for_room_and_go_when_the_other_end_reads()
    {
        using var listener = Listen();
        var filled = Fill(pair.Client);
        var sending = client.SendAsync("last"u8.ToArray(), [listener.SafeHandle], Ending).AsTask();
        Assert.False(sending.IsCompleted);

        await server.ReadExactlyAsync(new byte[filled], Ending);

        await sending;
        Assert.Equal("last", await Read(server));
        Assert.Equal([Cookie(listener.SafeHandle)], Cookies(server));
    }

    [Fact]
    public async Task Descriptors_that_wait_for_room_can_be_given_up()
    {
        Fill(pair.Client);
        using var impatient = new CancellationTokenSource();
        var sending = client.SendAsync("last"u8.ToArray(), [Descriptor], impatient.Token).AsTask();

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);

        sending = client.SendAsync("last"u8.ToArray(), [Descriptor], Ending).AsTask();
        client.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => sending);
        pipe.DisposeLocalCopyOfClientHandle();
        AllAreClosed();
    }

    [Fact]
    public void What_is_no_Unix_stream_socket_is_refused()
    {
        using var tcp = Listen();

        Assert.StartsWith("a Unix stream socket is needed", Assert.Throws<ArgumentException>(() => new DescriptorStream(tcp)).Message, StringComparison.Ordinal);
    }

    private void AllAreClosed() => Assert.Equal(0, pipe.Read(new byte[1]));

    private static int Fill(Socket socket)
    {
        socket.Blocking = false;
        var filled = 0;
        while (true)
        {
            filled += socket.Send(new byte[1000], SocketFlags.None, out var error);
            if (error != SocketError.Success)
            {
                Assert.Equal(SocketError.WouldBlock, error);
                return filled;
            }
        }
    }

    private static async Task<string> Read(DescriptorStream stream, int most = 100)
    {
        var buffer = new byte[most];
        return Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, Ending));
    }

    private static List<ulong> Cookies(DescriptorStream stream) => [.. stream.TakeDescriptors().Select(d =>
    {
        using (d)
        {
            return Cookie(d);
        }
    })];

    private static ulong Cookie(SafeHandle socket) => SocketFacts.Of(socket).Cookie;

    private static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }
}
