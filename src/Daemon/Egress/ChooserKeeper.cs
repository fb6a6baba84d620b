using System.Collections.Immutable;
using SoftUnicast.Control.Replies;
using SoftUnicast.Egress;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Daemon.Egress;

/// <summary>Keeps the port chooser at the root of all cgroups, and in its map what each enrolled cgroup sends from.</summary>
/// <param name="cgroups">The folder of the root of all cgroups; null: where the kernel has it.</param>
internal sealed class ChooserKeeper(string pins, string? cgroups = null) : IDisposable
{
    private PinnedChooser? chooser;
    private string? root;

    /// <summary>What the kernel holds, by cgroup: as it was read first, and written since.</summary>
    public Dictionary<ulong, ChooserPolicy> Policies { get; } = [];

    private string Root => root ?? cgroups ?? Cgroup.Root().Folder;

    /// <returns>Why it does not choose: nothing may be handed out.</returns>
    public ImmutableArray<Problem> Keep()
    {
        try
        {
            if (chooser is null || !PinnedChooser.IsAttached(pins))
            {
                chooser?.Dispose();
                chooser = null;
                root = cgroups ?? Cgroup.Root().Folder;
                chooser = PinnedChooser.LoadOrAdopt(pins);
                Policies.Clear();
                foreach (var (cgroup, policy) in chooser.ReadPolicies())
                {
                    Policies.Add(cgroup, policy);
                }
            }

            return [];
        }
        catch (Exception e) when (e is SystemCallException or PinnedStateException or IOException)
        {
            return [new Problem($"the port chooser does not run: {e.Message}", null)];
        }
    }

    /// <summary>The cgroup of that number, by its path below the root of all, or by looking for it. Null: there is none.</summary>
    /// <exception cref="IOException">The machine is short of descriptors or memory: it may be there.</exception>
    public Cgroup? Find(ulong id, string? path)
    {
        try
        {
            var all = Root;
            IEnumerable<string> folders = path is not null
                ? [Path.Combine(all, path.TrimStart('/'))]
                : Directory.EnumerateDirectories(all, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 10, IgnoreInaccessible = true });
            return folders.Select(TryOpen).FirstOrDefault(c => c?.Id == id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !SystemCallException.IsShortage(e))
        {
            return null;
        }
    }

    /// <summary>Below the root of all cgroups, without a slash at the front.</summary>
    public string PathOf(Cgroup cgroup) => Path.GetRelativePath(Root, cgroup.Folder);

    public void Set(ulong cgroup, ChooserPolicy policy)
    {
        if (chooser is not null && (!Policies.TryGetValue(cgroup, out var former) || former != policy))
        {
            chooser.SetPolicy(cgroup, policy);
            Policies[cgroup] = policy;
        }
    }

    public void Forget(ulong cgroup)
    {
        chooser?.RemovePolicy(cgroup);
        Policies.Remove(cgroup);
    }

    /// <summary>How often each choice was made for a cgroup.</summary>
    public ChoiceCounts? Counts(ulong cgroup) => chooser?.ReadCounters(cgroup);

    public void Remove(List<string> done)
    {
        Dispose();
        if (PinnedChooser.Remove(pins))
        {
            done.Add("programs choose their ports themselves");
        }
    }

    public void Dispose()
    {
        chooser?.Dispose();
        chooser = null;
    }

    // One that goes while others are looked through says nothing about them.
    private static Cgroup? TryOpen(string folder)
    {
        try
        {
            return Cgroup.Open(folder);
        }
        catch (SystemCallException e) when (!SystemCallException.IsShortage(e))
        {
            return null;
        }
    }
}
