using SoftUnicast.Egress.Attribution;

namespace SoftUnicast.Egress.Tests.Support;

/// <summary>A folder on a disk that has room for so many bytes more, and may refuse other things.</summary>
internal sealed class FaultyFolder(string path) : ILogFolder
{
    private readonly DiskFolder disk = new(path, null);

    /// <summary>Writes that go beyond it are cut short, and fail.</summary>
    public long Room { get; set; } = long.MaxValue;

    public bool RefusesFlush { get; set; }

    public bool RefusesShortening { get; set; }

    public bool RefusesNames { get; set; }

    public string Path => disk.Path;

    public IEnumerable<string> Names() => disk.Names();

    public bool Has(string name) => disk.Has(name);

    public byte[]? Read(string name) => disk.Read(name);

    public byte[] ReadHead(string name, int count) => disk.ReadHead(name, count);

    public byte[] ReadTail(string name, int count) => disk.ReadTail(name, count);

    public ILogFile Open(string name) => new FaultyFile(this, disk.Open(name));

    public ILogFile Create(string name) => new FaultyFile(this, disk.Create(name));

    public void Sync()
    {
        if (RefusesNames)
        {
            throw new IOException("Input/output error");
        }
    }

    private sealed class FaultyFile(FaultyFolder folder, ILogFile file) : ILogFile
    {
        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            var fits = (int)Math.Min(bytes.Length, folder.Room);
            file.Write(bytes[..fits], offset);
            folder.Room -= fits;
            if (fits < bytes.Length)
            {
                throw new IOException("No space left on device");
            }
        }

        public void Flush()
        {
            if (folder.RefusesFlush)
            {
                throw new IOException("Input/output error");
            }
        }

        public void SetLength(long length)
        {
            if (folder.RefusesShortening)
            {
                throw new IOException("Input/output error");
            }

            file.SetLength(length);
        }

        public void Dispose() => file.Dispose();
    }
}
