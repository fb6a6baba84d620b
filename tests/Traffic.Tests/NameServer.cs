using System.Net;
using System.Net.Sockets;

namespace SoftUnicast.Traffic.Tests;

/// <summary>A DNS server on loopback that answers what the test says.</summary>
internal sealed class NameServer : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource stopping = new();
    private readonly Task running;

    /// <param name="answer">From the number of the query, from 0: an address; null: no record; empty: no answer.</param>
    /// <param name="responseCode">Of all answers.</param>
    public NameServer(Func<int, string?> answer, byte responseCode = 0)
    {
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        running = AnswerAsync(answer, responseCode);
    }

    public string EndPoint => socket.LocalEndPoint!.ToString()!;

    public void Dispose()
    {
        stopping.Cancel();
        running.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        socket.Dispose();
        stopping.Dispose();
    }

    private async Task AnswerAsync(Func<int, string?> answer, byte responseCode)
    {
        var buffer = new byte[DnsMessage.LongestBytes];
        for (var number = 0; ; number++)
        {
            var query = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), stopping.Token);
            var address = answer(number);
            if (address == "")
            {
                continue;
            }

            byte[] record = address is null ? [] : [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, .. IPAddress.Parse(address).GetAddressBytes()];
            byte[] message = [.. buffer.AsSpan(0, query.ReceivedBytes), .. record];
            (message[2], message[3], message[7]) = (0x84, responseCode, (byte)(address is null ? 0 : 1));
            await socket.SendToAsync(message, query.RemoteEndPoint, stopping.Token);
        }
    }
}
