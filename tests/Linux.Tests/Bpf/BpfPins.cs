using System.Globalization;
using SoftUnicast.Linux.Bpf;

namespace SoftUnicast.Linux.Tests.Bpf;

/// <summary>A pin folder that goes with this object. What a killed run left behind goes first.</summary>
internal sealed class BpfPins : IDisposable
{
    private const string FileSystem = "/sys/fs/bpf";
    private const string Prefix = "sulinux-";
    private static int count;

    static BpfPins()
    {
        if (!Directory.Exists(FileSystem))
        {
            return;
        }

        foreach (var folder in Directory.EnumerateDirectories(FileSystem, Prefix + "*"))
        {
            var owner = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (!Directory.Exists($"/proc/{owner}"))
            {
                PinnedSteering.Remove(folder);
            }
        }
    }

    public BpfPins()
    {
        Assert.SkipUnless(
            Environment.UserName == "root" && File.ReadLines("/proc/mounts").Any(line => line.Contains($" {FileSystem} bpf ", StringComparison.Ordinal)),
            $"needs root and a BPF file system in {FileSystem}");
        Folder = string.Create(CultureInfo.InvariantCulture, $"{FileSystem}/{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref count)}");
    }

    public string Folder { get; }

    public string Pin(string name) => Path.Combine(Folder, "v1", name);

    public void Dispose() => PinnedSteering.Remove(Folder);
}
