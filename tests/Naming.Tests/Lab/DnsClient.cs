using System.Net.Sockets;

namespace SoftUnicast.Naming.Tests.Lab;

/// <summary>Asks one server, one query at a time, and never twice: a query that is lost is a failure.</summary>
internal sealed class DnsClient(NamingLab lab, int port) : IDisposable
{
    public const int A = 1;
    public const int Mx = 15;
    public const int Txt = 16;
    public const int Aaaa = 28;
    private const int PatienceMilliseconds = 20_000; // a busy machine is slow, but answers
    private readonly Socket socket = lab.UdpSocket(port);
    private readonly byte[] buffer = new byte[4096];
    private ushort id;

    public DnsReply Ask(string name, int type = A, bool edns = false) => TryAsk(name, type, edns, PatienceMilliseconds) ?? throw new TimeoutException($"{name} was not answered");

    /// <summary>Null: no answer came.</summary>
    public DnsReply? TryAsk(string name, int type = A, bool edns = false, int patienceMilliseconds = 1000)
    {
        socket.ReceiveTimeout = patienceMilliseconds;
        try
        {
            socket.Send(DnsReply.Query(++id, name, type, edns));
            while (true)
            {
                var reply = DnsReply.Read(buffer.AsSpan(0, socket.Receive(buffer)));
                if (reply.Id == id)
                {
                    return reply;
                }
            }
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public void Dispose() => socket.Dispose();
}
