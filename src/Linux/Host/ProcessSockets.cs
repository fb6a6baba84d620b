using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SoftUnicast.Dispatch;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Host;

/// <summary>A socket that was taken from another process, with what it is.</summary>
public sealed record TakenSocket(SafeFileHandle Descriptor, SocketFacts Facts) : IDisposable
{
    public void Dispose() => Descriptor.Dispose();
}

/// <summary>Takes sockets out of another process (pidfd_getfd(2), Linux 5.6), which keeps them. Needs the rights of ptrace(2) over it.</summary>
public static class ProcessSockets
{
    private const nint PidfdOpen = 434; // the same on all architectures
    private const nint PidfdGetfd = 438;

    /// <summary>
    /// All TCP sockets of a process that listen, and its UDP sockets that are bound and not connected, each once, by descriptor.
    /// </summary>
    /// <param name="isWanted">Null: all of them.</param>
    /// <exception cref="SystemCallException">There is no such process, or this one may not.</exception>
    public static IReadOnlyList<TakenSocket> TakeAll(int processId, Func<SocketFacts, bool>? isWanted = null)
    {
        using var process = Open(processId);
        var taken = new List<TakenSocket>();
        var cookies = new HashSet<ulong>();
        foreach (var number in SocketNumbers(processId))
        {
            SafeFileHandle? descriptor = null;
            try
            {
                descriptor = Take(process, processId, number);
                var facts = SocketFacts.Of(descriptor);
                if (facts.Refusal() is null && (isWanted?.Invoke(facts) ?? true) && cookies.Add(facts.Cookie))
                {
                    taken.Add(new TakenSocket(descriptor, facts));
                    descriptor = null;
                }
            }
            catch (SystemCallException gone) when (gone.Errno is Libc.EBADF or Libc.ENOTSOCK)
            {
                // Closed since the folder was read, or the number is that of a file by now.
            }
            catch
            {
                taken.ForEach(t => t.Dispose());
                throw;
            }
            finally
            {
                descriptor?.Dispose();
            }
        }

        return taken;
    }

    /// <summary>One descriptor of a process, whatever it is.</summary>
    public static SafeFileHandle Take(int processId, int descriptor)
    {
        using var process = Open(processId);
        return Take(process, processId, descriptor);
    }

    /// <summary>Sockets of a protocol on a port, for <see cref="TakeAll"/>.</summary>
    public static Func<SocketFacts, bool> Having(DispatchProtocol protocol, ushort port) => facts => facts.Protocol == protocol && facts.Port == port;

    private static FileDescriptor Open(int processId)
    {
        var fd = Libc.Syscall(PidfdOpen, processId, 0, 0);
        var errno = Marshal.GetLastPInvokeError();
        return fd >= 0 ? new FileDescriptor((int)fd) : throw new SystemCallException("pidfd_open", Name(processId), errno, errno switch
        {
            Libc.ESRCH => "there is no such process",
            Libc.ENOSYS => "needs Linux 5.6 or later",
            _ => null,
        });
    }

    private static SafeFileHandle Take(FileDescriptor process, int processId, int descriptor)
    {
        var fd = Libc.Syscall(PidfdGetfd, process.Number, descriptor, 0);
        var errno = Marshal.GetLastPInvokeError();
        return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw new SystemCallException(
            "pidfd_getfd", string.Create(CultureInfo.InvariantCulture, $"{Name(processId)} descriptor {descriptor}"), errno, errno switch
            {
                Libc.EPERM => "needs CAP_SYS_PTRACE, or the same user and a process that may be traced",
                Libc.EBADF => "it has no such descriptor",
                _ => null,
            });
    }

    private static List<int> SocketNumbers(int processId)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/fd");
        try
        {
            return
            [
                .. Directory.EnumerateFileSystemEntries(folder)
                    .Where(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true)
                    .Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)).Order(),
            ];
        }
        catch (UnauthorizedAccessException)
        {
            throw new SystemCallException("readdir", folder, Libc.EACCES, "needs CAP_SYS_PTRACE, or the same user");
        }
        catch (DirectoryNotFoundException)
        {
            throw new SystemCallException("readdir", folder, Libc.ESRCH, "there is no such process");
        }
    }

    private static string Name(int processId) => string.Create(CultureInfo.InvariantCulture, $"process {processId}");
}
