using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace SoftUnicast.Linux.Host;

/// <summary>Somebody else holds the lock.</summary>
/// <param name="holder">The process id that the lock file names; null if it names none.</param>
public sealed class LockHeldException(string path, int? holder) : IOException(
    string.Create(
        CultureInfo.InvariantCulture,
        $"{path} is locked by {(holder is { } pid ? $"process {pid}" : "another process")}: only one daemon runs on a server"))
{
    public int? Holder { get; } = holder;
}

/// <summary>
/// A lock that one process of the machine has (flock(2)), with the holder's process id in the file. It goes with the
/// process, however that ends; the file stays.
/// </summary>
public sealed class FileLock : IDisposable
{
    private readonly SafeFileHandle file;

    private FileLock(string path, SafeFileHandle file)
    {
        Path = path;
        this.file = file;
    }

    public string Path { get; }

    /// <exception cref="LockHeldException">Another process, or this one, has it.</exception>
    /// <exception cref="SystemCallException">The file cannot be opened; ELOOP: it is a symbolic link.</exception>
    public static FileLock Take(string path)
    {
        // By open(2): what .NET opens it locks itself, and would then report a held lock as a file in use.
        const int UserReadWriteOthersRead = 0x1A4; // 0644
        var file = new SafeFileHandle(Libc.Open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, UserReadWriteOthersRead), ownsHandle: true);
        if (file.IsInvalid)
        {
            throw SystemCallException.Last("open", path);
        }

        try
        {
            while (Libc.Flock(file, Libc.LOCK_EX | Libc.LOCK_NB) < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Libc.EAGAIN)
                {
                    throw new LockHeldException(path, ReadHolder(file));
                }

                if (errno != Libc.EINTR)
                {
                    throw new SystemCallException("flock", path, errno);
                }
            }

            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")), 0);
            return new FileLock(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (!file.IsClosed)
        {
            // Closing alone would not do: a child that is just being started holds a copy of the descriptor until its exec.
            _ = Libc.Flock(file, Libc.LOCK_UN);
            file.Dispose();
        }
    }

    private static int? ReadHolder(SafeFileHandle file)
    {
        Span<byte> text = stackalloc byte[32];
        var count = RandomAccess.Read(file, text, 0);
        return int.TryParse(text[..count].TrimEnd((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
    }
}
