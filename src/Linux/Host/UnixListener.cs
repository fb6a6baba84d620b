using System.Net.Sockets;
using System.Text;

namespace SoftUnicast.Linux.Host;

/// <summary>
/// A listening Unix stream socket whose file has its rights before anybody can find it: it is bound under another name,
/// given its mode and group, and renamed. The file goes when this is disposed.
/// </summary>
public sealed class UnixListener : IDisposable
{
    private const int MaxPathBytes = 107; // sun_path of unix(7), without its NUL
    private const string AsideSuffix = ".new";
    private const uint KeepOwner = uint.MaxValue;
    private static readonly TimeSpan PauseAfterError = TimeSpan.FromSeconds(1);
    private volatile string? trouble;

    private UnixListener(string path, Socket socket)
    {
        Path = path;
        Socket = socket;
    }

    public string Path { get; }

    public Socket Socket { get; }

    /// <param name="group">Owns the file from then on; null: stays with this process's group.</param>
    /// <exception cref="IOException">The path is too long, taken by something else than a dead socket, or the group cannot be given.</exception>
    public static UnixListener Listen(string path, UnixFileMode mode, string? group = null, int backlog = 64)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var aside = path + AsideSuffix;
        if (Encoding.UTF8.GetByteCount(aside) > MaxPathBytes)
        {
            throw new IOException($"socket path {path} is too long: at most {MaxPathBytes - AsideSuffix.Length} bytes");
        }

        if (!Directory.Exists(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))))
        {
            throw new IOException($"cannot listen on {path}: its folder does not exist");
        }

        RefuseIfTaken(path);
        File.Delete(aside);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(aside));
            if (group is not null && Libc.Chown(aside, KeepOwner, GroupId.Of(group)) < 0)
            {
                throw SystemCallException.Last("chown", $"{path} to group {group}", "the process must be root or a member of the group");
            }

#pragma warning disable CA1416 // Validate platform compatibility: this room is for Linux alone
            File.SetUnixFileMode(aside, mode);
#pragma warning restore CA1416
            socket.Listen(backlog);
            File.Move(aside, path, overwrite: true);
            return new UnixListener(path, socket);
        }
        catch (Exception e) when (e is SocketException or UnauthorizedAccessException)
        {
            socket.Dispose();
            File.Delete(aside);
            throw new IOException($"cannot listen on {path}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            File.Delete(aside);
            throw;
        }
    }

    /// <summary>Why clients wait in the kernel's queue (no file descriptor is left, for one); null: none does.</summary>
    public string? Trouble => trouble;

    /// <summary>The next client. One that cannot be taken waits, and it is tried again every second.</summary>
    /// <param name="failed">Told why, each time.</param>
    public async ValueTask<Socket> AcceptAsync(TimeProvider time, CancellationToken stopping, Action<string>? failed = null)
    {
        while (true)
        {
            try
            {
                var accepting = Socket.AcceptAsync(stopping);
                if (!accepting.IsCompleted)
                {
                    trouble = null; // nobody waits
                }

                var client = await accepting.ConfigureAwait(false);
                trouble = null;
                return client;
            }
            catch (SocketException e)
            {
                trouble = e.Message;
                failed?.Invoke(e.Message);
                await Task.Delay(PauseAfterError, time, stopping).ConfigureAwait(false);
            }
        }
    }

    public void Dispose()
    {
        Socket.Dispose();
        File.Delete(Path);
    }

    private static void RefuseIfTaken(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            return; // left over from a process that died
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen on {path}: something that is no socket of this project is there ({e.Message}): move it away", e);
        }

        throw new IOException($"cannot listen on {path}: another process listens there");
    }

    // .NET says neither file nor directory nor link of a socket; connect(2) refuses a regular file the same way as a dead socket.
    private static bool IsSocket(string path)
    {
        try
        {
            using var opened = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return false;
        }
        catch (IOException)
        {
            return true; // ENXIO: a socket cannot be opened
        }
    }
}
