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

    /// <summary>They are closed on exec from then on. None without a manager, or if they are meant for another process.</summary>
    /// <exception cref="InvalidOperationException">The variables contradict each other.</exception>
    /// <exception cref="SystemCallException">A descriptor is not there.</exception>
    public static IReadOnlyList<ListenDescriptor> Take() => Take(Environment.GetEnvironmentVariable, Environment.ProcessId, First);

    internal static IReadOnlyList<ListenDescriptor> Take(Func<string, string?> environment, int processId, int first)
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

        return [.. Enumerable.Range(0, number).Select(i => Take(first + i, split.Length == 0 || split[i].Length == 0 ? Unnamed : split[i]))];
    }

    private static ListenDescriptor Take(int fd, string name)
    {
        var flags = Libc.Fcntl(fd, F_GETFD, 0);
        if (flags >= 0 && Libc.Fcntl(fd, F_SETFD, flags | FD_CLOEXEC) >= 0)
        {
            return new ListenDescriptor(name, new SafeFileHandle(fd, ownsHandle: true));
        }

        var errno = Marshal.GetLastPInvokeError();
        throw new SystemCallException("fcntl", string.Create(CultureInfo.InvariantCulture, $"descriptor {fd} of LISTEN_FDS"), errno, "the service manager did not pass it");
    }
}
