using SoftUnicast.Linux.Host;
using SoftUnicast.Naming;

namespace SoftUnicast.Daemon.Naming;

/// <summary>The socket that PowerDNS's remote backend asks at, served until this is disposed.</summary>
internal sealed class PdnsListener : IDisposable
{
    private const UnixFileMode ForGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode ForAll = ForGroup | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly UnixListener listener;
    private readonly RemoteBackendServer server;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task serving;

    private PdnsListener(UnixListener listener, RemoteBackendServer server, TimeProvider time)
    {
        this.listener = listener;
        this.server = server;
        serving = server.RunAsync(cancellation => listener.AcceptAsync(time, cancellation), stopping.Token);
    }

    public RemoteCounters Counters => server.Counters;

    /// <summary>Why it serves no longer, or null.</summary>
    public string? Failure => File.Exists(listener.Path) ? null : "its file is gone";

    /// <summary>Why connections wait to be taken, or null.</summary>
    public string? Trouble => listener.Trouble;

    /// <param name="group">Who may ask; null: everyone.</param>
    /// <exception cref="IOException">It cannot be listened on.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static PdnsListener Open(string path, string? group, Func<NamingTable> table, TimeProvider time)
    {
        NamingFolder.Make(Path.GetDirectoryName(path)!);
        return new PdnsListener(UnixListener.Listen(path, group is null ? ForAll : ForGroup, group), new RemoteBackendServer(new RemoteBackend(table)), time);
    }

    public void Dispose()
    {
        stopping.Cancel();
        serving.Wait();
        listener.Dispose();
        stopping.Dispose();
    }
}
