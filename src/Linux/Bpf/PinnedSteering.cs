using SoftUnicast.Linux.Host;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Linux.Bpf;

/// <summary>
/// The packet path as it lives in the kernel: maps and interface links are pinned, so that packets are steered with or
/// without this process. One process at a time owns a pin folder; the caller sees to that.
/// </summary>
public sealed class PinnedSteering : ISteeringMaps, IDisposable
{
    /// <summary>Where the packet path is pinned unless the configuration says otherwise.</summary>
    public const string DefaultFolder = "/sys/fs/bpf/softunicast";

    private readonly PinFolder pins;
    private readonly SteeringMaps maps;
    private readonly BpfProgram program;

    private PinnedSteering(PinFolder pins, SteeringMaps maps, BpfProgram program, bool isAdopted)
    {
        this.pins = pins;
        this.maps = maps;
        this.program = program;
        IsAdopted = isAdopted;
    }

    /// <summary>Maps were found, and are used with what they hold.</summary>
    public bool IsAdopted { get; }

    /// <summary>The loaded program's number; interfaces that run another one have not been attached by this object.</summary>
    public uint ProgramId => program.Id;

    /// <summary>How many instructions the verifier walked; 0 before Linux 5.16.</summary>
    public int VerifiedInstructions => program.VerifiedInstructions;

    public Span<ushort> L1 => maps.L1;

    public Span<SuPrefix> L2 => maps.L2;

    public Span<ushort> Rows => maps.Rows;

    public Span<SuEndpoint> Endpoints => maps.Endpoints;

    public Span<SuInterface> Interfaces => maps.Interfaces;

    public ref SuSettings Settings => ref maps.Settings;

    /// <summary>
    /// Loads the program against the pinned maps; those that are missing are made. Interfaces keep running the program that
    /// they run until <see cref="Attach"/> is called for them.
    /// </summary>
    /// <param name="folder">On a BPF file system; made if need be.</param>
    /// <exception cref="PinnedStateException">The folder cannot hold pins, or what is pinned there is of another make.</exception>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public static PinnedSteering LoadOrAdopt(string folder)
    {
        var pins = new PinFolder(folder);
        pins.Create();
        using var steer = SteeringProgram.Open();
        var declared = steer.DeclaredMaps();
        var isAdopted = false;
        foreach (var (mapName, geometry) in declared)
        {
            isAdopted |= pins.HasMap(mapName, geometry);
            steer.SetPinPath(mapName, pins.MapPath(mapName));
        }

        steer.Load(SteeringProgram.KernelNeeded);
        foreach (var mapName in declared.Keys)
        {
            pins.ShareMap(mapName);
        }

        return new PinnedSteering(pins, SteeringMaps.Of(steer), steer.Program(SteeringProgram.Name), isAdopted);
    }

    /// <summary>
    /// The pinned maps, to look at: tables as they are now, counters as they are when asked for. Needs the right to read
    /// the pins, nothing else. Stores change nothing.
    /// </summary>
    /// <exception cref="PinnedStateException">Nothing is pinned there.</exception>
    public static SteeringMaps OpenReadOnly(string folder)
    {
        var pins = new PinFolder(folder);
        if (!File.Exists(pins.MapPath(SteeringProgram.TablesMap))) // a start that failed leaves the folder
        {
            throw new PinnedStateException($"nothing is pinned in {pins.Folder}: the packet path is not loaded");
        }

        return SteeringMaps.Copy(pins);
    }

    /// <summary>Runs the program on an interface of this network namespace: a new place there, or the one it has.</summary>
    /// <exception cref="ForeignProgramException">Somebody else's program is there.</exception>
    /// <exception cref="BpfException">No such interface, or the kernel refused.</exception>
    public XdpAttachment Attach(string interfaceName, XdpMode mode)
    {
        var index = XdpPlaces.IndexOf(interfaceName);
        var path = pins.LinkPath(interfaceName);
        if (FindLink(index) is { } own)
        {
            using (own.Link)
            {
                var runs = XdpPlaces.ModeOf(index);
                if ((mode == XdpMode.Auto || mode == runs) && KeepPlace(own, path, out var change))
                {
                    return new XdpAttachment(interfaceName, index, runs ?? mode, program.Id, change, null);
                }

                own.Link.Detach();
                File.Delete(own.Path);
            }
        }

        PinFolder.RemoveLink(path); // of this name, but on another interface, or on one that is gone
        XdpPlaces.RequireFree(interfaceName, index);
        using var link = XdpPlaces.Take(program, interfaceName, index, mode, out var taken, out var reason);
        link.Pin(path);
        return new XdpAttachment(interfaceName, index, taken, program.Id, AttachmentChange.Attached, reason);
    }

    /// <summary>Takes the program off an interface. False: it is not on it.</summary>
    public bool Detach(string interfaceName) => PinFolder.RemoveLink(pins.LinkPath(interfaceName));

    /// <summary>What is pinned, as the kernel has it.</summary>
    public IReadOnlyList<XdpAttachment> Attachments() => Attachments(pins.Root);

    /// <summary>
    /// The same without a program of one's own: the interfaces that links are pinned for, and what runs there now. Needs the
    /// right to read the folder, nothing else.
    /// </summary>
    public static IReadOnlyList<XdpAttachment> Attachments(string folder) =>
        [.. new PinFolder(folder).LinkNames().Select(XdpPlaces.Look)];

    /// <summary>
    /// Ends the packet path: takes the programs off all interfaces and forgets all tables, of every version. What is not
    /// there is no error.
    /// </summary>
    /// <returns>The interfaces that were freed.</returns>
    public static IReadOnlyList<string> Remove(string folder)
    {
        var pins = new PinFolder(folder);
        var names = pins.LinkNames();
        pins.Remove();
        return names;
    }

    public void ReadCounters(Span<SuCounter> byReason) => maps.ReadCounters(byReason);

    public void ReadEndpointCounters(int firstIndex, Span<SuCounter> counters) => maps.ReadEndpointCounters(firstIndex, counters);

    public void ClearEndpointCounter(int index) => maps.ClearEndpointCounter(index);

    public void WaitForReaders() => maps.WaitForReaders();

    /// <summary>Lets go of the packet path, which runs on.</summary>
    public void Dispose()
    {
        maps.Dispose();
        program.Dispose();
    }

    // The interface may have been renamed since its link was pinned.
    private (string Path, BpfLink Link)? FindLink(int index)
    {
        foreach (var name in pins.LinkNames())
        {
            var path = pins.LinkPath(name);
            var link = BpfLink.OpenPinned(path);
            if (link.Info().InterfaceIndex == index)
            {
                return (path, link);
            }

            link.Dispose();
        }

        return null;
    }

    private bool KeepPlace((string Path, BpfLink Link) own, string path, out AttachmentChange change)
    {
        change = own.Link.Info().ProgramId == program.Id ? AttachmentChange.None : AttachmentChange.Swapped;
        if (change == AttachmentChange.Swapped && !own.Link.TryUpdate(program))
        {
            return false;
        }

        if (own.Path != path)
        {
            PinFolder.RemoveLink(path);
            File.Move(own.Path, path);
        }

        return true;
    }
}
