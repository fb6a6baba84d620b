using SoftUnicast.Egress.Attribution;

namespace SoftUnicast.Linux.Host;

/// <summary>A file that is there as a whole or not at all, also after a power cut: written aside, fsync(2)'ed, renamed.</summary>
public static class DurableFile
{
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
    private const UnixFileMode FolderMode = FileMode | UnixFileMode.UserExecute | UnixFileMode.GroupExecute;

    /// <summary>Makes its folder if need be. What was there stands until the rename.</summary>
    /// <param name="sync">Null: that of the kernel.</param>
    /// <exception cref="IOException">It is not written, and the former file stands; or it is, and the folder could not be made durable.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content, IFolderSync? sync = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder, FolderMode);
        var aside = path + ".new";
        File.Delete(aside);
        using (var file = new FileStream(aside, new FileStreamOptions { Mode = System.IO.FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = FileMode }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
        (sync ?? new FolderSync()).Sync(folder);
    }
}
