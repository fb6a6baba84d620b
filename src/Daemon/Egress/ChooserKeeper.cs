using System.Collections.Immutable;
using SoftUnicast.Control.Replies;
using SoftUnicast.Egress;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Daemon.Egress;

/// <summary>Keeps the port chooser at the root of all cgroups, and in its map what each enrolled cgroup sends from.</summary>
internal sealed class ChooserKeeper(string pins) : IDisposable
{
    private PinnedChooser? chooser;
    private string? root;

    /// <summary>What the kernel holds, by cgroup: as it was read first, and written since.</summary>
    public Dictionary<ulong, ChooserPolicy> Policies { get; } = [];

    /// <returns>Why it does not choose: nothing may be handed out.</returns>
    public ImmutableArray<Problem> Keep()
    {
        try
        {
            if (chooser is null || !PinnedChooser.IsAttached(pins))
            {
                chooser?.Dispose();
                chooser = null;
                root = Cgroup.Root().Folder;
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
    public Cgroup? Find(ulong id, string? path)
    {
        try
        {
            var all = root ?? Cgroup.Root().Folder;
            if (path is not null)
            {
                var named = Cgroup.Open(Path.Combine(all, path.TrimStart('/')));
                return named.Id == id ? named : null;
            }

            return Directory.EnumerateDirectories(all, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 10, IgnoreInaccessible = true })
                .Select(Cgroup.Open).FirstOrDefault(c => c.Id == id);
        }
        catch (Exception e) when (e is SystemCallException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Below the root of all cgroups, without a slash at the front.</summary>
    public string PathOf(Cgroup cgroup) => Path.GetRelativePath(root ?? Cgroup.Root().Folder, cgroup.Folder);

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
}
