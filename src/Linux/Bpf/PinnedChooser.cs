using SoftUnicast.Egress;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>
/// The port chooser as it lives in the kernel: policies by cgroup, and programs at the root of cgroup2 that follow them. All
/// of it is pinned, so that the programs of an enrolled cgroup get their ports with or without this process. One process at
/// a time owns a pin folder; the caller sees to that.
/// </summary>
public sealed class PinnedChooser : IDisposable
{
    private const string FolderName = "choose";

    private readonly BpfHash<SuChooser> choosers;
    private readonly BpfHash<SuChoiceCounters> counters;

    private PinnedChooser(BpfHash<SuChooser> choosers, BpfHash<SuChoiceCounters> counters, bool isAdopted)
    {
        this.choosers = choosers;
        this.counters = counters;
        IsAdopted = isAdopted;
    }

    /// <summary>Policies were found, and hold on.</summary>
    public bool IsAdopted { get; }

    /// <summary>
    /// Loads the programs against the pinned maps, those that are missing are made, and puts them where they run: into the
    /// pinned links, between two calls, or into new ones.
    /// </summary>
    /// <param name="folder">The same as the packet path's, on a BPF file system; made if need be.</param>
    /// <exception cref="PinnedStateException">The folder cannot hold pins, or what is pinned there is of another make.</exception>
    /// <exception cref="SystemCallException">The kernel refused, or there is no cgroup2.</exception>
    public static PinnedChooser LoadOrAdopt(string folder)
    {
        var root = Cgroup.Root();
        var pins = Pins(folder);
        pins.Create();
        using var choose = ChooserProgram.Open();
        var declared = choose.DeclaredMaps();
        var isAdopted = false;
        foreach (var (mapName, geometry) in declared)
        {
            isAdopted |= pins.HasMap(mapName, geometry);
            choose.SetPinPath(mapName, pins.MapPath(mapName));
        }

        choose.Load(ChooserProgram.KernelNeeded);
        foreach (var mapName in declared.Keys)
        {
            pins.ShareMap(mapName);
        }

        foreach (var (programName, attachType, place) in ChooserProgram.Places)
        {
            using var program = choose.Program(programName);
            Attach(program, attachType, root, pins.LinkPath(place));
        }

        return Of(choose.Map, isAdopted);
    }

    /// <summary>The pinned policies and counters, to look at: needs the right to read the pins, nothing else.</summary>
    /// <exception cref="PinnedStateException">Nothing is pinned there.</exception>
    public static PinnedChooser OpenReadOnly(string folder)
    {
        var pins = Pins(folder);
        if (!File.Exists(pins.MapPath(ChooserProgram.ChoosersMap)))
        {
            throw new PinnedStateException($"nothing is pinned in {pins.Folder}: the port chooser is not loaded");
        }

        return Of(name => BpfMap.OpenPinned(pins.MapPath(name), readOnly: true), isAdopted: true);
    }

    /// <summary>
    /// Takes the programs away and forgets all policies, of every version. Connections stay. What is not there is no error.
    /// </summary>
    /// <returns>Whether there was anything.</returns>
    public static bool Remove(string folder)
    {
        var pins = Pins(folder);
        var wasThere = pins.Remove();
        PinFolder.RemoveIfEmpty(Path.GetDirectoryName(pins.Root)!);
        return wasThere;
    }

    /// <summary>
    /// Whether the programs run where they must: a policy is followed only then. False after somebody has detached a link.
    /// </summary>
    public static bool IsAttached(string folder)
    {
        var pins = Pins(folder);
        var root = Cgroup.Root().Id;
        return ChooserProgram.Places.All(place =>
        {
            var path = pins.LinkPath(place.Place);
            if (!File.Exists(path))
            {
                return false;
            }

            using var link = BpfLink.OpenPinned(path);
            return link.CgroupId() == root;
        });
    }

    /// <summary>From now on the programs of the cgroup, and of those below it, send from these slices.</summary>
    /// <param name="cgroupId"><see cref="Cgroup.Id"/>.</param>
    public void SetPolicy(ulong cgroupId, ChooserPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        counters.AddPerCpu(cgroupId);
        choosers.Write(cgroupId, policy.ToAbi());
    }

    /// <summary>From now on the cgroup goes untouched; what is open stays. False: it had no policy.</summary>
    public bool RemovePolicy(ulong cgroupId)
    {
        var had = choosers.Remove(cgroupId);
        counters.Remove(cgroupId);
        return had;
    }

    /// <summary>By cgroup id.</summary>
    public IReadOnlyDictionary<ulong, ChooserPolicy> ReadPolicies()
    {
        var policies = new SortedDictionary<ulong, ChooserPolicy>();
        foreach (var cgroupId in choosers.Keys())
        {
            if (choosers.TryRead(cgroupId, out var chooser))
            {
                policies.Add(cgroupId, ChooserPolicy.FromAbi(chooser));
            }
        }

        return policies;
    }

    /// <summary>How often each choice was made for a cgroup since it has a policy; all 0 for one that has none.</summary>
    public ChoiceCounts ReadCounters(ulong cgroupId)
    {
        var sums = new ulong[ChooserLimits.Choices];
        var values = new SuChoiceCounters[BpfMap.PossibleCpus];
        if (counters.TryReadPerCpu(cgroupId, values))
        {
            foreach (var value in values)
            {
                for (var choice = 0; choice < sums.Length; choice++)
                {
                    sums[choice] += value.ByChoice[choice];
                }
            }
        }

        return new ChoiceCounts(sums);
    }

    /// <summary>Lets go of the chooser, which runs on.</summary>
    public void Dispose()
    {
        choosers.Dispose();
        counters.Dispose();
    }

    private static PinFolder Pins(string folder) => new(Path.Combine(folder, FolderName));

    private static PinnedChooser Of(Func<string, BpfMap> open, bool isAdopted) => new(
        new BpfHash<SuChooser>(open(ChooserProgram.ChoosersMap)), new BpfHash<SuChoiceCounters>(open(ChooserProgram.CountersMap)), isAdopted);

    private static void Attach(BpfProgram program, int attachType, Cgroup root, string path)
    {
        if (File.Exists(path))
        {
            using var own = BpfLink.OpenPinned(path);
            if (own.CgroupId() == root.Id && own.TryUpdate(program))
            {
                return;
            }

            File.Delete(path); // detached by somebody, or of another mount
        }

        using var link = BpfLink.AttachCgroup(program, root.Folder, attachType);
        link.Pin(path);
    }
}
