using Microsoft.Win32.SafeHandles;
using SoftUnicast.Egress.Attribution;

namespace SoftUnicast.Linux.Host;

/// <summary>fsync(2) of a folder: the names in it survive a power cut.</summary>
public sealed class FolderSync : IFolderSync
{
    /// <exception cref="SystemCallException">It cannot be opened.</exception>
    /// <exception cref="IOException">It is not durable.</exception>
    public void Sync(string folder)
    {
        using var handle = new SafeFileHandle(Libc.Open(folder, Libc.O_RDONLY | Libc.O_CLOEXEC, 0), ownsHandle: true);
        if (handle.IsInvalid)
        {
            throw SystemCallException.Last("open", folder);
        }

        RandomAccess.FlushToDisk(handle);
    }
}
