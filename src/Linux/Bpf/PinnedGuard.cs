using System.Globalization;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Linux.Net;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Bpf;

/// <summary>How the guard sits on an interface.</summary>
public enum GuardWay
{
    /// <summary>A filter on clsact's egress.</summary>
    Clsact,

    /// <summary>A tcx link, which is asked before clsact and costs less: Linux 6.6.</summary>
    Tcx,
}

/// <summary>An interface that the guard is on.</summary>
/// <param name="ProgramId">What runs there: another one than <see cref="PinnedGuard.ProgramId"/> before the swap of an upgrade.</param>
public sealed record GuardAttachment(string InterfaceName, int InterfaceIndex, uint ProgramId, AttachmentChange Change)
{
    public GuardWay Way { get; init; }
}

/// <summary>
/// The guard as it lives in the kernel: it reads the pinned tables of the packet path, its counters are pinned beside them,
/// and it stays on its interfaces, with or without this process: by tcx where the kernel has it, else on clsact. One process
/// at a time owns a pin folder; the caller sees to that. Interfaces are those of the calling thread's network namespace.
/// </summary>
public sealed class PinnedGuard : IDisposable
{
    private const string OwnPins = "su_guard";
    private const string NewProgramPin = "su_guard_new";
    private const string MadeHookPrefix = "clsact_"; // and the ifindex: clsact was made by us there

    private readonly PinFolder pins;
    private readonly BpfProgram program;
    private readonly GuardMaps maps;
    private readonly GuardLinks links;
    private readonly GuardWay newestWay;

    private PinnedGuard(PinFolder pins, BpfProgram program, GuardMaps maps, bool isAdopted, GuardWay newestWay)
    {
        links = new GuardLinks(pins);
        this.newestWay = newestWay;
        this.pins = pins;
        this.program = program;
        this.maps = maps;
        IsAdopted = isAdopted;
    }

    /// <summary>Counters were found, and go on.</summary>
    public bool IsAdopted { get; }

    /// <summary>The loaded program's number; interfaces that run another one have not been attached by this object.</summary>
    public uint ProgramId => program.Id;

    /// <summary>How many instructions the verifier walked; 0 before Linux 5.16.</summary>
    public int VerifiedInstructions => program.VerifiedInstructions;

    /// <summary>
    /// Loads the guard against the pinned tables of the packet path; counters and events that are pinned are used.
    /// Interfaces keep running the program that they run until <see cref="Attach"/> is called for them.
    /// </summary>
    /// <param name="folder">Where the packet path is pinned (<see cref="PinnedSteering.LoadOrAdopt"/>).</param>
    /// <exception cref="PinnedStateException">The packet path is not pinned there, or what is pinned is of another make.</exception>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public static PinnedGuard LoadOrAdopt(string folder) => LoadOrAdopt(folder, GuardWay.Tcx);

    /// <summary>The same, as on a kernel that has this way and none that is newer.</summary>
    internal static PinnedGuard LoadOrAdopt(string folder, GuardWay newestWay)
    {
        var pins = new PinFolder(folder);
        using var guard = GuardProgram.Open();
        var declared = guard.DeclaredMaps();
        if (!pins.HasMap(SteeringProgram.TablesMap, declared[GuardProgram.TablesMap]))
        {
            throw new PinnedStateException($"nothing is pinned in {pins.Folder}: the guard reads the packet path's tables, which have to be there first");
        }

        using (var tables = BpfMap.OpenPinned(pins.MapPath(SteeringProgram.TablesMap)))
        {
            guard.UseMap(GuardProgram.TablesMap, tables);
        }

        var isAdopted = false;
        string[] pinned = [GuardProgram.CountersMap, GuardProgram.EventsMap];
        foreach (var mapName in pinned)
        {
            isAdopted |= pins.HasMap(mapName, declared[mapName]);
            guard.SetPinPath(mapName, pins.MapPath(mapName));
        }

        guard.Load(GuardProgram.KernelNeeded);
        pins.ShareMap(GuardProgram.CountersMap);
        var program = guard.Program(GuardProgram.Name);
        try
        {
            PinInPlace(pins, program);
            return new PinnedGuard(pins, program, GuardMaps.Of(guard), isAdopted, newestWay);
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Runs the guard on what leaves by an interface: a new place there, or another program in the one that it has. From
    /// clsact it moves to tcx if the kernel has it.
    /// </summary>
    /// <exception cref="GuardPlaceException">Not an Ethernet interface, no place for what leaves, or the place is taken.</exception>
    /// <exception cref="BpfException">No such interface, or the kernel refused.</exception>
    public GuardAttachment Attach(string interfaceName)
    {
        var index = XdpPlaces.IndexOf(interfaceName);
        using var rtnetlink = new Rtnetlink();
        if (rtnetlink.LinkNamed(interfaceName) is { IsEthernet: false })
        {
            throw new GuardPlaceException(interfaceName, "packets leave there without an Ethernet header, which the guard cannot read. Put it on the interface below");
        }

        if (newestWay == GuardWay.Tcx && links.Take(program, interfaceName, index) is { } taken)
        {
            // Only now, so that every packet is judged; a few are counted twice.
            var hasMoved = LeaveClsact(rtnetlink, interfaceName, index, pins.AllVersions());
            var result = hasMoved && taken == AttachmentChange.Attached ? AttachmentChange.Swapped : taken;
            return new GuardAttachment(interfaceName, index, program.Id, result) { Way = GuardWay.Tcx };
        }

        if (GuardPlaces.MakeHook(rtnetlink, interfaceName, index))
        {
            RememberHook(index);
        }

        var change = GuardPlaces.Take(rtnetlink, program, interfaceName, index);
        return new GuardAttachment(interfaceName, index, program.Id, change);
    }

    /// <summary>Is this program on the interface now? False also if the interface is gone, or its place was taken away.</summary>
    public bool IsAttached(string interfaceName)
    {
        using var rtnetlink = new Rtnetlink();
        return rtnetlink.LinkNamed(interfaceName) is { } link
            && (GuardLinks.ProgramsOn(link.Index).Contains(program.Id) || GuardPlaces.ProgramOn(rtnetlink, link.Index) == program.Id);
    }

    /// <summary>Takes the guard off an interface. False: it is not on it.</summary>
    public bool Detach(string interfaceName)
    {
        using var rtnetlink = new Rtnetlink();
        return rtnetlink.LinkNamed(interfaceName) is { } link
            && (links.Leave(link.Index) | LeaveClsact(rtnetlink, link.Name, link.Index, pins.AllVersions()));
    }

    /// <summary>
    /// The interfaces of this network namespace that a guard is on, whoever put it there. To tell tcx programs apart by name
    /// takes CAP_SYS_ADMIN.
    /// </summary>
    public static IReadOnlyList<GuardAttachment> Attachments()
    {
        using var rtnetlink = new Rtnetlink();
        return
        [
            .. rtnetlink.Links()
                .Where(link => link.IsEthernet)
                .Select(link => Look(rtnetlink, link))
                .Where(attachment => attachment.ProgramId != 0),
        ];
    }

    /// <summary>
    /// Ends the guard: takes it off all interfaces, on clsact those of this network namespace, with the clsact that it made if
    /// no filter of somebody else's is on it, and forgets its counters, of every version. Comes before <see cref="PinnedSteering.Remove"/>,
    /// which takes away all that is pinned. What is not there is no error.
    /// </summary>
    /// <returns>The interfaces of this network namespace that were freed.</returns>
    public static IReadOnlyList<string> Remove(string folder)
    {
        var versions = new PinFolder(folder).AllVersions();
        var names = new List<string>();
        var linked = GuardLinks.Remove(versions);
        using (var rtnetlink = new Rtnetlink())
        {
            foreach (var link in rtnetlink.Links().Where(link => link.IsEthernet))
            {
                if (LeaveClsact(rtnetlink, link.Name, link.Index, versions) | linked.Contains(link.Index))
                {
                    names.Add(link.Name);
                }
            }
        }

        foreach (var path in versions.SelectMany(Directory.GetFiles).Where(IsOwnPin).ToList())
        {
            File.Delete(path);
        }

        return names;
    }

    /// <summary>The counters by <see cref="GuardReason"/>, added up over the CPUs.</summary>
    /// <param name="byReason"><see cref="GuardReasons.Count"/> long, or shorter for the first ones.</param>
    public void ReadCounters(Span<SuCounter> byReason) => maps.ReadCounters(byReason);

    /// <summary>Packets of one reason.</summary>
    public ulong Count(GuardReason reason) => maps.Count(reason);

    /// <summary>
    /// Takes what was dropped since the last call: at most an event a CPU in 100 ms, oldest first. One process at a time
    /// may read: what one takes, another does not see. Not for several threads at once.
    /// </summary>
    /// <param name="wait">How long to wait for the first; zero: not at all.</param>
    public IReadOnlyList<SuGuardEvent> ReadEvents(TimeSpan wait = default) => maps.ReadEvents(wait);

    /// <summary>Lets go of the guard, which stays on its interfaces.</summary>
    public void Dispose()
    {
        links.Dispose();
        maps.Dispose();
        program.Dispose();
    }

    private static GuardAttachment Look(Rtnetlink rtnetlink, Link link)
    {
        var linked = GuardLinks.GuardOn(link.Index);
        return linked != 0
            ? new GuardAttachment(link.Name, link.Index, linked, AttachmentChange.None) { Way = GuardWay.Tcx }
            : new GuardAttachment(link.Name, link.Index, GuardPlaces.ProgramOn(rtnetlink, link.Index), AttachmentChange.None);
    }

    private static bool LeaveClsact(Rtnetlink rtnetlink, string interfaceName, int index, IReadOnlyList<string> folders)
    {
        var wasThere = GuardPlaces.Leave(rtnetlink, interfaceName, index);
        foreach (var marker in folders.Select(folder => MarkerPath(folder, index)).Where(File.Exists))
        {
            GuardPlaces.RemoveEmptyHook(rtnetlink, interfaceName, index);
            File.Delete(marker);
        }

        return wasThere;
    }

    private static bool IsOwnPin(string path) =>
        Path.GetFileName(path).StartsWith(OwnPins, StringComparison.Ordinal) || Path.GetFileName(path).StartsWith(MadeHookPrefix, StringComparison.Ordinal);

    private static string MarkerPath(string folder, int index) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{MadeHookPrefix}{index}"));

    // In one step: there is a pin at any time.
    private static void PinInPlace(PinFolder pins, BpfProgram program)
    {
        var fresh = Path.Combine(pins.Folder, NewProgramPin);
        File.Delete(fresh);
        program.Pin(fresh);
        File.Move(fresh, Path.Combine(pins.Folder, OwnPins), overwrite: true);
    }

    // Pins are the only files there. Of what does not matter, but it should not keep a program that was replaced.
    private void RememberHook(int index)
    {
        var marker = MarkerPath(pins.Folder, index);
        if (!File.Exists(marker))
        {
            maps.PinCounters(marker);
        }
    }
}
