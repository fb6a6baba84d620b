using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;

namespace SoftUnicast.Egress.Tests.Support;

/// <summary>A folder for a log, gone with the test. In memory where that can be, for thousands of records are made durable one by one.</summary>
internal sealed class TempFolder : IDisposable, IFolderSync
{
    private const string Memory = "/dev/shm";

    public string Path { get; } = Directory.CreateDirectory(System.IO.Path.Combine(
        Directory.Exists(Memory) ? Memory : System.IO.Path.GetTempPath(), $"softunicast-log-{Environment.ProcessId}-{Guid.NewGuid():N}")).FullName;

    /// <summary>How often its names were made durable.</summary>
    public int Syncs { get; private set; }

    public IEnumerable<string> Logs => Directory.EnumerateFiles(Path, "*.jsonl").Select(p => System.IO.Path.GetFileName(p)).Order(StringComparer.Ordinal);

    public AttributionLog Open(Clock now) => AttributionLog.Open(Path, Samples.Server, now, this);

    public string At(string name) => System.IO.Path.Combine(Path, name);

    public string[] Lines(string name) => File.ReadAllLines(At(name));

    public void CopyTo(string other)
    {
        foreach (var file in Directory.EnumerateFiles(Path))
        {
            File.Copy(file, System.IO.Path.Combine(other, System.IO.Path.GetFileName(file)), overwrite: true);
        }
    }

    public void Sync(string folder) => Syncs++;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
