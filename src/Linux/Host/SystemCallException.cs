using System.Globalization;
using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>The operating system refused something. Names the call, the object and the errno, and says what would help.</summary>
public class SystemCallException : IOException
{
    /// <summary>What an operator can do about a shortage (<see cref="IsShortage"/>).</summary>
    public const string ShortageAdvice = "see what holds the descriptors (ls /proc/PID/fd), or give more (LimitNOFILE= of the unit)";

    public SystemCallException(string call, string subject, int errno, string? advice = null)
        : base(Compose(call, subject, errno, advice))
    {
        Call = call;
        Subject = subject;
        Errno = errno;
    }

    /// <summary>The system call or request, <c>flock</c> or <c>RTM_GETROUTE</c>.</summary>
    public string Call { get; }

    /// <summary>What it was done to: a path, an interface, an address.</summary>
    public string Subject { get; }

    public int Errno { get; }

    /// <summary>A right is missing.</summary>
    public bool IsPermission => Errno is Libc.EPERM or Libc.EACCES;

    /// <summary>
    /// The process or the machine was short of something (file descriptors, memory): nothing is known of what was asked, neither that
    /// it is there nor that it is gone.
    /// </summary>
    /// <param name="e">This, or what .NET's files and folders throw, which carries the errno as its HResult.</param>
    public static bool IsShortage(Exception e) => e is IOException
        && (e is SystemCallException call ? call.Errno : e.HResult) is Libc.EMFILE or Libc.ENFILE or Libc.ENOMEM or Libc.ENOBUFS;

    /// <summary><c>EPERM (Operation not permitted)</c>.</summary>
    public static string Describe(int errno)
    {
        var text = Marshal.GetPInvokeErrorMessage(errno);
        var name = errno switch
        {
            Libc.EPERM => "EPERM",
            Libc.ENOENT => "ENOENT",
            Libc.ESRCH => "ESRCH",
            Libc.EINTR => "EINTR",
            Libc.EAGAIN => "EAGAIN",
            Libc.ENOMEM => "ENOMEM",
            Libc.EACCES => "EACCES",
            Libc.EBUSY => "EBUSY",
            Libc.EEXIST => "EEXIST",
            Libc.ENODEV => "ENODEV",
            Libc.EINVAL => "EINVAL",
            Libc.ENFILE => "ENFILE",
            Libc.EMFILE => "EMFILE",
            Libc.ENOSYS => "ENOSYS",
            Libc.EOPNOTSUPP => "EOPNOTSUPP",
            Libc.ENETDOWN => "ENETDOWN",
            Libc.ENETUNREACH => "ENETUNREACH",
            Libc.ENOBUFS => "ENOBUFS",
            Libc.EHOSTUNREACH => "EHOSTUNREACH",
            _ => string.Create(CultureInfo.InvariantCulture, $"errno {errno}"),
        };
        return $"{name} ({text})";
    }

    internal static SystemCallException Last(string call, string subject, string? advice = null) =>
        new(call, subject, Marshal.GetLastPInvokeError(), advice);

    private static string Compose(string call, string subject, int errno, string? advice) =>
        $"{call} {subject}: {Describe(errno)}{(advice is null ? "" : $": {advice}")}";
}
