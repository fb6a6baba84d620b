using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>The calls of the C library that only the BPF edge uses.</summary>
internal static unsafe partial class BpfLibc
{
    public const int ENOLINK = 67;
    public const int E2BIG = 7;
    public const int ENOSPC = 28;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;
    private const int ThreadCpuClock = 3; // CLOCK_THREAD_CPUTIME_ID
    public const long BpfFileSystem = 0xcafe4a11; // BPF_FS_MAGIC

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint length, int protection, int flags, FileDescriptor fd, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int StatFileSystem(string path, long* buffer);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeMode(string path, uint mode);

    /// <summary>CPU time of this thread so far.</summary>
    public static long ThreadNanoseconds()
    {
        var time = stackalloc long[2]; // struct timespec
        _ = ClockTime(ThreadCpuClock, time); // this clock always exists
        return (time[0] * 1_000_000_000) + time[1];
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockTime(int clock, long* time);

    [LibraryImport("libc", EntryPoint = "vsnprintf")]
    public static partial int Format(byte* buffer, nuint length, byte* format, nint arguments);
}
