using System.Net.Sockets;

namespace SoftUnicast.Linux.Tests.Host;

/// <summary>Two connected Unix stream sockets.</summary>
internal sealed class UnixPair : IDisposable
{
    private readonly string path = Path.Combine(Path.GetTempPath(), $"su-pair-{Guid.NewGuid():N}");

    public UnixPair()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Client.Connect(new UnixDomainSocketEndPoint(path));
        Server = listener.Accept();
    }

    public Socket Client { get; }

    public Socket Server { get; }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
        File.Delete(path);
    }
}
