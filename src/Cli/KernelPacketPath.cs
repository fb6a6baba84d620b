using SoftUnicast.Control.Replies;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Cli;

/// <summary>The pinned packet path, as the kernel has it.</summary>
internal sealed class KernelPacketPath : IPinnedPacketPath
{
    public (PinnedReport? Report, string? Because) Read(string pins)
    {
        try
        {
            using var maps = PinnedSteering.OpenReadOnly(pins);
            var counters = new SuCounter[Reasons.All.Length];
            maps.ReadCounters(counters);
            var interfaces = PinnedSteering.Attachments(pins)
                .Select(a => new PinnedInterface(a.InterfaceName, a.ProgramId == 0 ? null : Units.Name(a.Mode), a.ProgramId));
            var rows = Reasons.All.Zip(counters, (r, c) => new PinnedCounter(r.Name, Reasons.NameOf(r.Verdict), r.IsDrop, c.Packets, c.Bytes));
            return (new PinnedReport([.. interfaces], maps.Settings.Generation, [.. rows]), null);
        }
        catch (PinnedStateException e)
        {
            return (null, MayLookInto(Path.GetDirectoryName(Path.GetFullPath(pins))) ? e.Message : $"only root may look into {pins}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            return (null, $"cannot be looked at: {e.Message}");
        }
    }

    // A folder that may not be searched looks as if nothing were in it.
    private static bool MayLookInto(string? folder)
    {
        try
        {
            using var entries = Directory.EnumerateFileSystemEntries(folder ?? "/").GetEnumerator();
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
