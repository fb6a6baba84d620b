using System.Buffers;
using System.Collections.Concurrent;
using System.Net.Sockets;

namespace SoftUnicast.Naming;

/// <summary>One thread's share of a <see cref="RemoteBackendServer"/>'s connections. Nothing here ever waits for one of them alone.</summary>
#pragma warning disable CA1001 // Types that own disposable fields should be disposable: the thread disposes of them where it ends.
internal sealed class RemoteWorker
#pragma warning restore CA1001
{
    private readonly RemoteBackend backend;
    private readonly Dictionary<Socket, Connection> connections = [];
    private readonly ConcurrentQueue<Socket> entering = [];
    private readonly ArrayBufferWriter<byte> reply = new(1024);
    private readonly Socket wakes = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly Socket wake = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private volatile bool stopping;
    private int count;
    private long requests;
    private long records;
    private long nothing;
    private long malformed;

    public RemoteWorker(RemoteBackend backend)
    {
        this.backend = backend;

        // A name of the abstract namespace: no file, and gone with the socket.
        wakes.Bind(new UnixDomainSocketEndPoint($"\0softunicast-naming-{Guid.NewGuid():N}"));
        wake.Connect(wakes.LocalEndPoint!);
        wake.Blocking = wakes.Blocking = false;
    }

    /// <summary>Open, or about to be.</summary>
    public int Connections => Volatile.Read(ref count);

    public long Requests => Interlocked.Read(ref requests);

    public long Records => Interlocked.Read(ref records);

    public long Nothing => Interlocked.Read(ref nothing);

    public long Malformed => Interlocked.Read(ref malformed);

    public void Enter(Socket client)
    {
        Interlocked.Increment(ref count);
        entering.Enqueue(client);
        Wake();
    }

    public void Stop()
    {
        stopping = true;
        Wake();
    }

    public void Run()
    {
        var ready = new List<Socket>();
        while (!stopping)
        {
            ready.Clear();
            ready.Add(wakes);
            ready.AddRange(connections.Keys);
            Socket.Select(ready, null, null, -1);
            foreach (var socket in ready)
            {
                if (socket == wakes)
                {
                    TakeIn();
                }
                else if (!Serve(connections[socket]))
                {
                    Close(socket);
                }
            }
        }

        TakeIn();
        foreach (var socket in connections.Keys.ToArray())
        {
            Close(socket);
        }

        wake.Dispose();
        wakes.Dispose();
    }

    private void Wake()
    {
        try
        {
            wake.Send("!"u8);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Its queue is full of wakeups, or it has ended.
        }
    }

    private void TakeIn()
    {
        Span<byte> bytes = stackalloc byte[8];
        while (wakes.Receive(bytes, SocketFlags.None, out var error) > 0 && error == SocketError.Success)
        {
        }

        while (entering.TryDequeue(out var client))
        {
            client.Blocking = false;
            connections.Add(client, new Connection(client));
        }
    }

    private void Close(Socket client)
    {
        connections.Remove(client);
        client.Dispose();
        Interlocked.Decrement(ref count);
    }

    /// <returns>False if the connection is to be closed.</returns>
    private bool Serve(Connection from)
    {
        var read = from.Socket.Receive(from.Buffer.AsSpan(from.Filled), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            return true;
        }

        if (read <= 0)
        {
            return false;
        }

        from.Filled += read;
        reply.ResetWrittenCount();
        var done = AnswerLines(from.Buffer.AsSpan(0, from.Filled), from.Filled - read);
        from.Buffer.AsSpan(done, from.Filled - done).CopyTo(from.Buffer);
        from.Filled -= done;
        var tooLong = from.Filled >= RemoteBackend.LongestRequest;
        if (tooLong)
        {
            Count(RemoteBackend.Refuse(reply, $"a line has at most {RemoteBackend.LongestRequest} bytes"));
        }
        else if (from.Filled == from.Buffer.Length)
        {
            Array.Resize(ref from.Buffer, from.Buffer.Length * 2);
        }

        // PowerDNS asks one thing at a time: whoever lets so many answers lie that they do not fit is none.
        return (reply.WrittenCount == 0 || from.Socket.Send(reply.WrittenSpan, SocketFlags.None, out _) == reply.WrittenCount) && !tooLong;
    }

    /// <returns>How many bytes were whole lines.</returns>
    private int AnswerLines(Span<byte> bytes, int searchedTo)
    {
        var done = 0;
        var from = searchedTo;
        while (bytes[from..].IndexOf((byte)'\n') is >= 0 and var length)
        {
            var end = from + length;
            if (end > done)
            {
                Count(backend.Answer(bytes[done..end], reply));
            }

            done = from = end + 1;
        }

        return done;
    }

    private void Count(RemoteOutcome outcome)
    {
        Interlocked.Increment(ref requests);
        switch (outcome)
        {
            case RemoteOutcome.Records:
                Interlocked.Increment(ref records);
                break;
            case RemoteOutcome.Nothing:
                Interlocked.Increment(ref nothing);
                break;
            case RemoteOutcome.Malformed:
                Interlocked.Increment(ref malformed);
                break;
        }
    }

    private sealed class Connection(Socket socket)
    {
        public byte[] Buffer = new byte[4096];

        public Socket Socket => socket;

        public int Filled { get; set; }
    }
}
