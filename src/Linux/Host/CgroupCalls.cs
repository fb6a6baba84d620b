using System.Runtime.InteropServices;

namespace SoftUnicast.Linux.Host;

/// <summary>The calls of the C library that cgroups need.</summary>
internal static unsafe partial class CgroupCalls
{
    public const uint FolderMode = 0b111_101_101; // rwxr-xr-x
    private const int AT_FDCWD = -100;
    private const uint STATX_INO = 0x100;

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(FileDescriptor fd, ReadOnlySpan<byte> bytes, nint length);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeFolder(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RemoveFolder(string path);

    /// <summary>The number of a file, statx(2): 0, or -1 with errno.</summary>
    public static int Inode(string path, out ulong inode)
    {
        Statx status = default;
        var result = StatX(AT_FDCWD, path, 0, STATX_INO, &status);
        inode = status.Inode;
        return result;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int folder, string path, int flags, uint mask, Statx* status);

    /// <summary><c>struct statx</c>, as far as used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(32)]
        public ulong Inode;
    }
}
