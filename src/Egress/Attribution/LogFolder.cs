using Microsoft.Win32.SafeHandles;

namespace SoftUnicast.Egress.Attribution;

/// <summary>Makes the names in a folder durable: fsync(2) of the folder itself, which .NET cannot open.</summary>
public interface IFolderSync
{
    /// <exception cref="IOException">Not durable.</exception>
    void Sync(string folder);
}

/// <summary>One file of the log.</summary>
internal interface ILogFile : IDisposable
{
    void Write(ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Returns when everything written is durable (fsync(2)).</summary>
    void Flush();

    void SetLength(long length);
}

/// <summary>The folder that the log stands in.</summary>
internal interface ILogFolder
{
    string Path { get; }

    IEnumerable<string> Names();

    bool Has(string name);

    /// <summary>All of a file; null if there is none.</summary>
    byte[]? Read(string name);

    /// <summary>Up to so many bytes from its beginning.</summary>
    byte[] ReadHead(string name, int count);

    /// <summary>Up to so many bytes from its end.</summary>
    byte[] ReadTail(string name, int count);

    ILogFile Open(string name);

    /// <summary>Opens it empty, whatever was there.</summary>
    ILogFile Create(string name);

    void Sync();
}

/// <summary>Files on a disk.</summary>
internal sealed class DiskFolder(string path, IFolderSync? sync) : ILogFolder
{
    private const UnixFileMode OwnerWritesGroupReads = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    public string Path { get; } = path;

    public IEnumerable<string> Names() => Directory.EnumerateFiles(Path).Select(p => System.IO.Path.GetFileName(p));

    public bool Has(string name) => File.Exists(At(name));

    public byte[]? Read(string name)
    {
        try
        {
            using var file = File.OpenHandle(At(name), share: FileShare.ReadWrite | FileShare.Delete, options: FileOptions.SequentialScan);
            return ReadFrom(file, 0, (int)Math.Min(RandomAccess.GetLength(file), Array.MaxLength));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public byte[] ReadHead(string name, int count)
    {
        using var file = File.OpenHandle(At(name), share: FileShare.ReadWrite | FileShare.Delete);
        return ReadFrom(file, 0, (int)Math.Min(RandomAccess.GetLength(file), count));
    }

    public byte[] ReadTail(string name, int count)
    {
        using var file = File.OpenHandle(At(name), share: FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(file);
        return ReadFrom(file, Math.Max(0, length - count), (int)Math.Min(length, count));
    }

    public ILogFile Open(string name) => new DiskFile(File.OpenHandle(At(name), FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete));

    public ILogFile Create(string name)
    {
        // Not FileMode.Create: the mode is to be right from the start, and an old file of the name is emptied.
        using (new FileStream(At(name), new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, UnixCreateMode = OwnerWritesGroupReads }))
        {
        }

        var file = Open(name);
        file.SetLength(0);
        return file;
    }

    public void Sync() => sync?.Sync(Path);

    private string At(string name) => System.IO.Path.Combine(Path, name);

    private static byte[] ReadFrom(SafeFileHandle file, long offset, int count)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(count);
        var read = 0;
        while (read < count && RandomAccess.Read(file, bytes.AsSpan(read), offset + read) is var more and > 0)
        {
            read += more;
        }

        return read == count ? bytes : bytes[..read];
    }

    private sealed class DiskFile(SafeFileHandle file) : ILogFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(file, bytes, offset);

        public void Flush() => RandomAccess.FlushToDisk(file);

        public void SetLength(long length) => RandomAccess.SetLength(file, length);

        public void Dispose() => file.Dispose();
    }
}
