using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SoftUnicast.Linux.Host;

/// <summary>A socket that the service manager passed.</summary>
/// <param name="Name">FileDescriptorName= of the .socket unit; <c>unknown</c> if it has none.</param>
public sealed record ListenDescriptor(string Name, SafeFileHandle Descriptor);

/// <summary>The sockets that the service manager passed to this process (sd_listen_fds(3), systemd.socket(5)).</summary>
public static class ListenDescriptors
{
    private const int First = 3; // SD_LISTEN_FDS_START
    private const int F_GETFD = 1;
    private const int F_SETFD = 2;
    private const int FD_CLOEXEC = 1;
    private const string Unnamed = "unknown";

    /// <summary>
    /// Duplicates, for a program that has something to do with the sockets and then becomes the service by execve(2): the duplicates are closed on exec, the
    /// sockets themselves stay as they were passed, and so do the variables, which hold for the service because the process id stays.
    /// None without a manager, or if they are meant for another process.
    /// </summary>
    /// <exception cref="InvalidOperationException">The variables contradict each other.</exception>
    /// <exception cref="SystemCallException">A descriptor is not there, or there is no room for another.</exception>
    public static IReadOnlyList<ListenDescriptor> Borrow() => Borrow(Environment.GetEnvironmentVariable, Environment.ProcessId, First);

    /// <summary>They are closed on exec from then on. None without a manager, or if they are meant for another process.</summary>
    /// <exception cref="InvalidOperationException">The variables contradict each other.</exception>
    /// <exception cref="SystemCallException">A descriptor is not there.</exception>
    public static IReadOnlyList<ListenDescriptor> Take() => Take(Environment.GetEnvironmentVariable, Environment.ProcessId, First);

    internal static IReadOnlyList<ListenDescriptor> Take(Func<string, string?> environment, int processId, int first) =>
        [.. Passed(environment, processId, first).Select(p => Take(p.Fd, p.Name))];

    internal static IReadOnlyList<ListenDescriptor> Borrow(Func<string, string?> environment, int processId, int first)
    {
        var borrowed = new List<ListenDescriptor>();
        try
        {
            foreach (var (fd, name) in Passed(environment, processId, first))
            {
                var copy = Libc.Fcntl(fd, Libc.F_DUPFD_CLOEXEC, First);
                borrowed.Add(copy >= 0 ? new ListenDescriptor(name, new SafeFileHandle(copy, ownsHandle: true)) : throw Refused(fd));
            }

            return borrowed;
        }
        catch (SystemCallException)
        {
            borrowed.ForEach(b => b.Descriptor.Dispose());
            throw;
        }
    }

    private static List<(int Fd, string Name)> Passed(Func<string, string?> environment, int processId, int first)
    {
        var (count, pid, names) = (environment("LISTEN_FDS"), environment("LISTEN_PID"), environment("LISTEN_FDNAMES"));
        if (string.IsNullOrEmpty(count) || pid != processId.ToString(CultureInfo.InvariantCulture))
        {
            return [];
        }

        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            throw new InvalidOperationException($"LISTEN_FDS is '{count}', which is not a number");
        }

        var split = names?.Split(':') ?? [];
        if (split.Length != 0 && split.Length != number)
        {
            throw new InvalidOperationException($"LISTEN_FDNAMES has {split.Length} names for {number} sockets");
        }

        return [.. Enumerable.Range(0, number).Select(i => (first + i, split.Length == 0 || split[i].Length == 0 ? Unnamed : split[i]))];
    }

    private static ListenDescriptor Take(int fd, string name)
    {
        var flags = Libc.Fcntl(fd, F_GETFD, 0);
        return flags >= 0 && Libc.Fcntl(fd, F_SETFD, flags | FD_CLOEXEC) >= 0
            ? new ListenDescriptor(name, new SafeFileHandle(fd, ownsHandle: true))
            : throw Refused(fd);
    }

    private static SystemCallException Refused(int fd)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new SystemCallException(
            "fcntl", string.Create(CultureInfo.InvariantCulture, $"descriptor {fd} of LISTEN_FDS"), errno, errno == Libc.EBADF ? "the service manager did not pass it" : null);
    }
}
