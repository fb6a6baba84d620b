using System.Collections.Immutable;
using System.Text;
using Microsoft.Win32.SafeHandles;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Host;
using SoftUnicast.Linux.Net;

namespace SoftUnicast.Linux.Host;

/// <summary>What <see cref="HostSettings.Ensure"/> found and did.</summary>
/// <param name="Changed">Set now, for the first time.</param>
/// <param name="Repaired">Set again: somebody had changed them back.</param>
/// <param name="Remarks">What is left for an operator to do: what we may not change, and what we could not.</param>
public sealed record HostOutcome(ImmutableArray<HostChange> Changed, ImmutableArray<HostChange> Repaired, ImmutableArray<HostRemark> Remarks)
{
    /// <summary>Why no slice may be handed out for this use; empty: it may.</summary>
    public ImmutableArray<HostRemark> Against(SliceUse use) => [.. Remarks.Where(r => r.Stops.Contains(use))];
}

/// <summary>
/// Sysctls and local routes of this network namespace, as slices need them: changed, kept so, and given back. What a setting
/// was is on disk before it is changed. One thread at a time; it must be in the namespace that <see cref="Rtnetlink"/> is of.
/// </summary>
public sealed class HostSettings
{
    private readonly string path;
    private readonly Rtnetlink kernel;
    private HeldSettings held;

    /// <param name="path">The state file, in a folder that outlives the daemon.</param>
    /// <param name="kernel">Stays the caller's.</param>
    /// <exception cref="FormatException">The file is not ours, or broken.</exception>
    public HostSettings(string path, Rtnetlink kernel)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(kernel);
        this.path = path;
        this.kernel = kernel;
        held = Load(path);
    }

    /// <summary>What is as we made it, with what it goes back to.</summary>
    public ImmutableArray<HeldSetting> Held => held.Settings;

    /// <summary>Looks, and changes what has to be. Cheap when nothing has: meant for every tick.</summary>
    public HostOutcome Ensure(HostNeeds needs)
    {
        ArgumentNullException.ThrowIfNull(needs);
        var verdict = needs.Judge(Read(needs.Sysctls));
        if (verdict.Changes.IsEmpty)
        {
            return new HostOutcome([], [], verdict.Remarks);
        }

        var remarks = verdict.Remarks.ToBuilder();
        var former = held;
        try
        {
            Save(held.With(verdict.Changes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            remarks.AddRange(verdict.Changes.Select(c => Refused(c, $"what it was cannot be written down: {e.Message}")));
            return new HostOutcome([], [], remarks.ToImmutable());
        }

        var failed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var change in verdict.Changes)
        {
            if (TrySet(change.Name, change.Wanted) is { } cause)
            {
                failed.Add(change.Name);
                remarks.Add(Refused(change, cause));
            }
        }

        var undone = failed.Where(name => !former.Holds(name)).ToList();
        if (undone.Count > 0)
        {
            Forget(undone);
        }

        var made = verdict.Changes.Where(c => !failed.Contains(c.Name)).ToLookup(c => former.Holds(c.Name));
        return new HostOutcome([.. made[false]], [.. made[true]], remarks.ToImmutable());
    }

    /// <summary>Looks, and changes nothing: what has to be changed is left for an operator to do.</summary>
    public HostOutcome Look(HostNeeds needs)
    {
        ArgumentNullException.ThrowIfNull(needs);
        var verdict = needs.Judge(Read(needs.Sysctls));
        return new HostOutcome([], [], [.. verdict.Remarks, .. verdict.Changes.Select(c => Refused(c, "it is not to be changed by the daemon"))]);
    }

    /// <summary>
    /// Gives back every setting that is still as we made it. What somebody else has set meanwhile stays.
    /// </summary>
    /// <returns>What could not be given back, with what to type; it stays on the list.</returns>
    public ImmutableArray<HostRemark> Restore()
    {
        var remarks = ImmutableArray.CreateBuilder<HostRemark>();
        var done = new List<string>();
        foreach (var setting in held.Settings.Reverse())
        {
            if (Current(setting.Name) == setting.Is && TrySet(setting.Name, setting.Was) is { } cause)
            {
                remarks.Add(new HostRemark(setting.Name, setting.Is, setting.Was, "it was changed for SoftUnicast and could not be given back", []) { Cause = cause });
            }
            else
            {
                done.Add(setting.Name);
            }
        }

        if (done.Count > 0)
        {
            Forget(done);
        }

        return remarks.ToImmutable();
    }

    private static HostRemark Refused(HostChange change, string cause) =>
        new(change.Name, change.Was, change.Wanted, change.Why, change.Stops) { Cause = cause };

    // A reboot, or a namespace made anew, has its own first values: what was changed in the one before is gone with it.
    private static string Here() =>
        $"{Sysctl.Read("kernel.random.boot_id")} {new FileInfo("/proc/thread-self/ns/net").LinkTarget}";

    private static string? Spaced(string? text) =>
        text is null ? null : string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static HeldSettings Load(string path)
    {
        var here = Here();
        if (!File.Exists(path))
        {
            return new HeldSettings(here, []);
        }

        try
        {
            var loaded = HeldSettings.FromJson(File.ReadAllText(path));
            return loaded.Where == here ? loaded : new HeldSettings(here, []);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{path}: {e.Message}; it says what settings of the kernel were: move it away, and nothing is given back", e);
        }
    }

    private HostValues Read(IEnumerable<string> names) => new(
        names.ToImmutableDictionary(name => name, name => Spaced(Sysctl.Read(name)), StringComparer.Ordinal),
        [.. kernel.LocalRoutes()]);

    private string? Current(string name) => HostChange.RouteOf(name) is { } prefix
        ? kernel.LocalRoutes().Contains(prefix) ? "dev lo" : null
        : Spaced(Sysctl.Read(name));

    // Null if it is set, else why not.
    private string? TrySet(string name, string? value)
    {
        try
        {
            if (HostChange.RouteOf(name) is { } prefix)
            {
                _ = value is null ? kernel.RemoveLocalRoute(prefix) : kernel.AddLocalRoute(prefix);
            }
            else
            {
                Sysctl.Write(name, value ?? "");
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    // What the file still says after a failure does no harm: nothing is given back that is not as we made it.
    private void Forget(IReadOnlyCollection<string> names)
    {
        try
        {
            Save(held.Without(names));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held = held.Without(names);
        }
    }

    // On disk before this returns.
    private void Save(HeldSettings settings)
    {
        if (settings.Settings.IsEmpty)
        {
            File.Delete(path);
            new FolderSync().Sync(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        else
        {
            DurableFile.Replace(path, Encoding.UTF8.GetBytes(settings.ToJson()));
        }

        held = settings;
    }
}
