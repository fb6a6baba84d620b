using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace SoftUnicast.Client.Tests.Support;

/// <summary>A server out in the Internet: it notes who comes and, over UDP and TCP, sends back what it gets.</summary>
internal sealed class Origin : IDisposable
{
    private readonly Socket tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly ConcurrentBag<Socket> accepted = [];
    private readonly Channel<IPEndPoint> arrivals = Channel.CreateUnbounded<IPEndPoint>();

    public Origin(string address, int port)
    {
        EndPoint = new IPEndPoint(IPAddress.Parse(address), port);
        tcp.Bind(EndPoint);
        tcp.Listen(4096);
        udp.Bind(EndPoint);
        _ = AcceptAsync();
        _ = EchoAsync();
    }

    public IPEndPoint EndPoint { get; }

    public ConcurrentQueue<IPEndPoint> Seen { get; } = new();

    /// <summary>Waits until a connection from there is accepted.</summary>
    public async Task SeesAsync(string peer)
    {
        while ((await arrivals.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30))).ToString() != peer)
        {
        }
    }

    public void Dispose()
    {
        tcp.Dispose();
        udp.Dispose();
        foreach (var client in accepted)
        {
            client.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await tcp.AcceptAsync();
                Seen.Enqueue((IPEndPoint)client.RemoteEndPoint!);
                accepted.Add(client);
                await arrivals.Writer.WriteAsync((IPEndPoint)client.RemoteEndPoint!);
                _ = AnswerAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private static async Task AnswerAsync(Socket client)
    {
        try
        {
            var buffer = new byte[4096];
            while (await client.ReceiveAsync(buffer) is > 0 and var count)
            {
                // A request over HTTP gets an answer over HTTP.
                await client.SendAsync(buffer.AsMemory(0, 4).Span.SequenceEqual("GET "u8) ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray() : buffer[..count]);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task EchoAsync()
    {
        try
        {
            var buffer = new byte[4096];
            while (true)
            {
                var result = await udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                await udp.SendToAsync(buffer.AsMemory(0, result.ReceivedBytes), result.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }
}
