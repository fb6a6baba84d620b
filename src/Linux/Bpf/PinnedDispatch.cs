using System.Runtime.InteropServices;
using SoftUnicast.Dispatch;
using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Bpf;

/// <summary>What <see cref="PinnedDispatch.Apply"/> did.</summary>
/// <param name="Refusal">Why the kernel's tables cannot hold it; nothing is changed then.</param>
public sealed record DispatchWriteReport(BindingDiff Diff, string? Refusal);

/// <summary>What <c>PinnedDispatch.Register</c> did.</summary>
/// <param name="Places">Where the socket is: one place a family that it takes.</param>
/// <param name="Refusal">Why it was not taken; nothing is changed then.</param>
/// <param name="Note">What the operator should know all the same.</param>
public sealed record RegisterReport(IReadOnlyList<RegisteredSocket> Places, string? Refusal, string? Note);

/// <summary>
/// Socket dispatch as it lives in the kernel: program, maps and link are pinned, so that bindings and registered sockets
/// serve with or without this process. One process at a time owns a pin folder, and one thread at a time uses this object; the
/// caller sees to both.
/// </summary>
public sealed class PinnedDispatch : IDisposable
{
    /// <summary>Where it is pinned unless the configuration says otherwise; below the packet path's folder, and apart from it.</summary>
    public const string DefaultFolder = PinnedSteering.DefaultFolder + "/dispatch";

    private const string LinkName = "dispatch";

    private readonly DispatchMaps maps;
    private readonly BpfProgram program;
    private readonly PinFolder pins;
    private readonly FileDescriptor place;
    private readonly string subject;
    private readonly uint namespaceInode;
    private readonly Dictionary<(int Target, int Slot), RegisteredSocket> known = [];
    private readonly List<RegisteredSocket> dead = [];

    private PinnedDispatch(DispatchMaps maps, BpfProgram program, PinFolder pins, FileDescriptor place, string subject, bool isAdopted, AttachmentChange attachment)
    {
        this.maps = maps;
        this.program = program;
        this.pins = pins;
        this.place = place;
        this.subject = subject;
        namespaceInode = NetworkNamespace.Inode(place);
        IsAdopted = isAdopted;
        Attachment = attachment;
        Bindings = maps.Bindings();
        Remember();
    }

    /// <summary>Maps were found, and are used with what they hold.</summary>
    public bool IsAdopted { get; }

    /// <summary>Whether the program's place was taken, kept, or given to this version of it between two packets.</summary>
    public AttachmentChange Attachment { get; }

    public uint ProgramId => program.Id;

    /// <summary>How many instructions the verifier walked; 0 before Linux 5.16.</summary>
    public int VerifiedInstructions => program.VerifiedInstructions;

    /// <summary>The bindings in force.</summary>
    public BindingTable Bindings { get; private set; }

    /// <summary>
    /// Whether each hit is counted for its local address too, which costs a lookup in a hash. Off at first; what is pinned keeps it as it is. Switched on
    /// anew, all counts of addresses are forgotten; switched off, they stay to be read.
    /// </summary>
    public bool CountsAddresses
    {
        get => maps.CountsAddresses;
        set => maps.CountAddresses(value);
    }

    /// <summary>
    /// Loads the program against the pinned maps, those that are missing are made; and runs it in a network namespace, in the place
    /// that it has there or in a new one.
    /// </summary>
    /// <param name="folder">On a BPF file system; made if need be.</param>
    /// <param name="networkNamespace">Its file; null: the one of this thread.</param>
    /// <exception cref="PinnedStateException">The folder cannot hold pins, or what is pinned there is of another make or namespace.</exception>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public static PinnedDispatch LoadOrAdopt(string folder, string? networkNamespace = null)
    {
        var pins = new PinFolder(folder);
        pins.Create();
        var place = NetworkNamespace.Open(networkNamespace ?? NetworkNamespace.OfThisThread);
        try
        {
            return Load(pins, place, networkNamespace ?? "this network namespace");
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Sees to it that the program runs: attaches it and pins the link anew where somebody has unpinned or detached it, and puts it back where another
    /// has been put into its place. To be called now and then: while it does not run, what comes in for bindings finds no socket.
    /// </summary>
    /// <exception cref="PinnedStateException">The maps are no longer pinned, for dispatch was ended; or the link runs in another network namespace.</exception>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public AttachmentChange KeepAttached()
    {
        if (!File.Exists(pins.MapPath(DispatchProgram.TablesMap)))
        {
            throw new PinnedStateException($"what was pinned in {pins.Folder} is gone: socket dispatch was ended");
        }

        RequireNamespace(pins, namespaceInode);
        return Attach(pins, program, place, subject);
    }

    /// <summary>The pinned maps, to look at. Needs the right to read the pins, nothing else.</summary>
    /// <exception cref="PinnedStateException">Nothing is pinned there.</exception>
    public static DispatchMaps OpenReadOnly(string folder)
    {
        var pins = new PinFolder(folder);
        return File.Exists(pins.MapPath(DispatchProgram.TablesMap))
            ? DispatchMaps.Copy(pins)
            : throw new PinnedStateException($"nothing is pinned in {pins.Folder}: socket dispatch is not loaded");
    }

    /// <summary>Ends dispatch: takes the program out and forgets all bindings and registrations. Open connections stay.</summary>
    /// <returns>False: it was not there.</returns>
    public static bool Remove(string folder) => new PinFolder(folder).Remove();

    /// <summary>
    /// Makes a table the one in force, at once: a lookup meets the old table or the new one, never a mixture. Bindings that are in
    /// both keep their counters. Takes some milliseconds, in which it waits for the lookups that still read the old table.
    /// </summary>
    public DispatchWriteReport Apply(BindingTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var now = maps.BindingIndexes();
        var diff = BindingTable.OfKernel(now.Keys).DiffTo(table);
        if (diff.IsEmpty)
        {
            return new DispatchWriteReport(diff, null);
        }

        var next = table.Bindings.Where(now.ContainsKey).ToDictionary(b => b, b => now[b]);
        var taken = now.Values.ToHashSet();
        var free = Enumerable.Range(1, DispatchLimits.Bindings - 1).Where(i => !taken.Contains((ushort)i)).GetEnumerator();
        foreach (var binding in diff.Added)
        {
            free.MoveNext();
            next[binding] = (ushort)free.Current;
        }

        // A target that is taken for a table that does not fit leads nowhere, and goes to the next that asks.
        var targets = TakeTargets(diff.Added.Select(b => (b.Label, b.Protocol, b.Prefix.IsIPv6)), out var refusal);
        if (targets is null)
        {
            return new DispatchWriteReport(diff, refusal);
        }

        var compiled = DispatchCompiler.Compile(table, next, b => now.TryGetValue(b, out var there) ? maps.BindingTargets[there] : (ushort)targets[(b.Label, b.Protocol, b.Prefix.IsIPv6)]);
        if (compiled.Image is null)
        {
            return new DispatchWriteReport(diff, compiled.Refusal);
        }

        maps.RestartCounters([.. diff.Added.Select(b => next[b])]);
        foreach (var binding in diff.Added)
        {
            maps.BindingEntries[next[binding]] = DispatchMaps.Write(binding);
            maps.BindingTargets[next[binding]] = (ushort)targets[(binding.Label, binding.Protocol, binding.Prefix.IsIPv6)];
        }

        maps.Publish(compiled.Image, next.Values);
        Bindings = table;
        GracePeriod.Wait();
        return new DispatchWriteReport(diff, null);
    }

    /// <summary>
    /// Hands what comes in for a label to a socket. The kernel holds the socket from then on only as long as its owner does: the descriptor
    /// may be closed here, and is gone from the label when the owner closes it.
    /// </summary>
    /// <param name="socket">A TCP socket that listens, or a UDP socket that is bound, of this network namespace.</param>
    /// <param name="isExact">It alone, where it is in an SO_REUSEPORT group; else the kernel chooses within the group.</param>
    public RegisterReport Register(Label label, SafeHandle socket, RegisterMode mode = RegisterMode.Join, bool isExact = false) => Register(label, [socket], mode, isExact);

    /// <summary>Likewise with several sockets: all of them, or none. Those that replace take the place of all others together.</summary>
    public RegisterReport Register(Label label, IReadOnlyList<SafeHandle> sockets, RegisterMode mode = RegisterMode.Join, bool isExact = false)
    {
        ArgumentNullException.ThrowIfNull(label);
        ArgumentNullException.ThrowIfNull(sockets);
        var taken = sockets.Select(s => (Socket: s, Facts: SocketFacts.Of(s))).ToList();
        if (taken.Select(t => Refusal(t.Socket, t.Facts)).FirstOrDefault(r => r is not null) is { } unfit)
        {
            return new RegisterReport([], unfit, null);
        }

        FindDead(); // before their slots go to others
        var wanted = taken.SelectMany(t => Families(t.Facts).Select(isIPv6 => (t.Socket, t.Facts, Key: (Label: label, Protocol: t.Facts.Protocol!.Value, IsIPv6: isIPv6)))).ToList();
        var targets = TakeTargets(wanted.Select(w => w.Key), out var refusal);
        if (targets is null)
        {
            return new RegisterReport([], refusal, null);
        }

        // Planned to the end before the first is put: the slots as they will be by then.
        var live = targets.Values.ToDictionary(t => t, Live);
        var replaced = new HashSet<int>();
        var plans = new List<SlotPlan>();
        foreach (var (_, facts, key) in wanted)
        {
            var slots = live[targets[key]];
            var plan = SlotPlan.Make(slots, facts.Cookie, mode == RegisterMode.Replace && replaced.Add(targets[key]) ? RegisterMode.Replace : RegisterMode.Join);
            if (plan.Refusal is not null)
            {
                return new RegisterReport([], plan.Refusal, null);
            }

            slots[plan.Slot] = facts.Cookie;
            foreach (var emptied in plan.Emptied)
            {
                slots[emptied] = 0;
            }

            plans.Add(plan);
        }

        var places = new List<RegisteredSocket>();
        foreach (var ((socket, facts, key), plan) in wanted.Zip(plans))
        {
            Put(targets[key], plan, socket, isExact);
            places.Add(known[(targets[key], plan.Slot)] = new RegisteredSocket(label, key.Protocol, key.IsIPv6, plan.Slot, facts.Cookie, isExact));
        }

        var unbound = wanted.Where(w => !Bindings.Bindings.Any(b => b.Label == label && b.Protocol == w.Key.Protocol && Families(w.Facts).Contains(b.Prefix.IsIPv6)))
            .Select(w => w.Facts.What).Distinct().ToList();
        return new RegisterReport(places, null, unbound.Count == 0 ? null : $"no binding of label {label} leads to {string.Join(", ", unbound)} yet");
    }

    /// <summary>Takes a socket away from a label; it stays open, and so do its connections.</summary>
    /// <returns>False: it is not there.</returns>
    public bool Unregister(Label label, ulong cookie) => Unregister(s => s.Label == label && s.Cookie == cookie) > 0;

    /// <summary>Takes all sockets away from a label.</summary>
    /// <returns>How many places were emptied.</returns>
    public int Unregister(Label label) => Unregister(s => s.Label == label);

    /// <summary>Every registered socket that is alive, in every place it has.</summary>
    public IReadOnlyList<RegisteredSocket> Sockets() => maps.Sockets();

    /// <summary>
    /// Forgets sockets that were closed since they were registered or since the last call, and says which. The kernel has not handed
    /// anything to them since; this frees their slots and tells of it.
    /// </summary>
    public IReadOnlyList<RegisteredSocket> RemoveDead()
    {
        FindDead();
        RegisteredSocket[] found = [.. dead];
        dead.Clear();
        return found;
    }

    /// <summary>The counters of every binding in force.</summary>
    public IReadOnlyList<BindingCounters> ReadCounters() => maps.ReadCounters();

    /// <summary>
    /// The hits of each local address that is known, since it was first seen after <see cref="CountsAddresses"/> was switched on. About
    /// <see cref="DispatchLimits.Addresses"/> find room: one that has not been seen for long may have gone, and begins anew when it is seen again.
    /// </summary>
    public IReadOnlyDictionary<IpAddress, ulong> ReadAddresses() => maps.ReadAddresses();

    /// <summary>Lets go of it; it runs on.</summary>
    public void Dispose()
    {
        maps.Dispose();
        program.Dispose();
        place.Dispose();
    }

    private static PinnedDispatch Load(PinFolder pins, FileDescriptor place, string subject)
    {
        RequireNamespace(pins, NetworkNamespace.Inode(place));
        using var dispatch = DispatchProgram.Open();
        var declared = dispatch.DeclaredMaps();
        var isAdopted = false;
        foreach (var (mapName, geometry) in declared)
        {
            isAdopted |= pins.HasMap(mapName, geometry);
            dispatch.SetPinPath(mapName, pins.MapPath(mapName));
        }

        dispatch.Load(DispatchProgram.KernelNeeded);
        foreach (var mapName in declared.Keys)
        {
            pins.ShareMap(mapName);
        }

        GracePeriod.Wait(); // who was here before may have died between a flip and its wait
        var program = dispatch.Program(DispatchProgram.Name);
        var attachment = Attach(pins, program, place, subject);
        return new PinnedDispatch(DispatchMaps.Of(dispatch), program, pins, place, subject, isAdopted, attachment);
    }

    private void FindDead()
    {
        foreach (var ((target, slot), socket) in known.Where(k => maps.Cookie(k.Key.Target, k.Key.Slot) != k.Value.Cookie).ToList())
        {
            dead.Add(socket);
            known.Remove((target, slot));
            Trim(target);
        }
    }

    private string? Refusal(SafeHandle socket, SocketFacts facts) => facts.Refusal() ?? (NetworkNamespace.InodeOfSocket(socket) == namespaceInode
        ? null
        : $"{facts.What} belongs to another network namespace than the one that dispatch runs in");

    private static bool[] Families(SocketFacts facts) => (facts.TakesIPv4, facts.IsIPv6) switch
    {
        (true, true) => [false, true],
        (_, true) => [true],
        _ => [false],
    };

    private static void RequireNamespace(PinFolder pins, uint inode)
    {
        var path = pins.LinkPath(LinkName);
        if (!File.Exists(path))
        {
            return;
        }

        using var link = BpfLink.OpenPinned(path);
        var runsIn = link.NamespaceInfo().NamespaceInode;
        if (runsIn != 0 && runsIn != inode)
        {
            throw new PinnedStateException(
                $"{path} runs in another network namespace (net:[{runsIn}]) than this one (net:[{inode}]): name another folder, or remove that one first");
        }
    }

    private static AttachmentChange Attach(PinFolder pins, BpfProgram program, FileDescriptor place, string subject)
    {
        var path = pins.LinkPath(LinkName);
        if (File.Exists(path))
        {
            using var link = BpfLink.OpenPinned(path);
            var (runsIn, runs) = link.NamespaceInfo();
            if (runsIn != 0 && runs == program.Id)
            {
                return AttachmentChange.None;
            }

            if (runsIn != 0 && link.TryUpdate(program))
            {
                return AttachmentChange.Swapped;
            }

            File.Delete(path); // its namespace is gone, or somebody has detached it
        }

        using var made = BpfLink.AttachSocketLookup(program, place, subject);
        made.Pin(path);
        return AttachmentChange.Attached;
    }

    // Finds or makes them. None is changed that anything refers to.
    private Dictionary<(Label Label, DispatchProtocol Protocol, bool IsIPv6), int>? TakeTargets(
        IEnumerable<(Label Label, DispatchProtocol Protocol, bool IsIPv6)> wanted, out string? refusal)
    {
        var found = new Dictionary<(Label Label, DispatchProtocol Protocol, bool IsIPv6), int>();
        Queue<int>? free = null;
        var made = new List<(int Index, SuTarget Target)>();
        foreach (var key in wanted.Distinct())
        {
            var index = maps.FindTarget(key.Label, key.Protocol, key.IsIPv6);
            if (index == 0)
            {
                free ??= FreeTargets();
                if (!free.TryDequeue(out index))
                {
                    refusal = FormattableString.Invariant($"there is no room for label {key.Label}: {DispatchLimits.Targets - 1} combinations of label, protocol and family fit");
                    return null;
                }

                made.Add((index, DispatchMaps.MakeTarget(key.Label, key.Protocol, key.IsIPv6)));
            }

            found[key] = index;
        }

        foreach (var (index, target) in made)
        {
            maps.Targets[index] = target;
        }

        refusal = null;
        return found;
    }

    // Those without a name first: a label that is known keeps its place as long as there is room.
    private Queue<int> FreeTargets()
    {
        var referred = maps.BindingIndexes().Values.Select(i => (int)maps.BindingTargets[i]).ToHashSet();
        var unreferred = Enumerable.Range(1, DispatchLimits.Targets - 1).Where(i => !referred.Contains(i)).ToList();
        return new Queue<int>(
        [
            .. unreferred.Where(i => DispatchMaps.LabelOf(maps.Targets[i]) is null),
            .. unreferred.Where(i => DispatchMaps.LabelOf(maps.Targets[i]) is not null && !Live(i).AsSpan().ContainsAnyExcept(0ul)),
        ]);
    }

    private ulong[] Live(int target) => [.. Enumerable.Range(0, DispatchLimits.TargetSlots).Select(slot => maps.Cookie(target, slot))];

    private void Put(int target, SlotPlan plan, SafeHandle socket, bool isExact)
    {
        var bit = (ushort)(1 << plan.Slot);
        ref var entry = ref maps.Targets[target];
        Volatile.Write(ref entry.Exact, (ushort)(isExact ? entry.Exact | bit : entry.Exact & ~bit));
        maps.SocketMap.Write(DispatchMaps.SlotKey(target, plan.Slot), (ulong)socket.DangerousGetHandle());
        if (entry.Slots <= plan.Slot)
        {
            Volatile.Write(ref entry.Slots, (byte)(plan.Slot + 1));
        }

        foreach (var slot in plan.Emptied)
        {
            maps.SocketMap.Delete(DispatchMaps.SlotKey(target, slot));
            known.Remove((target, slot));
        }

        Trim(target);
    }

    private int Unregister(Func<RegisteredSocket, bool> isMeant)
    {
        var count = 0;
        foreach (var ((target, slot), socket) in known.Where(k => isMeant(k.Value)).ToList())
        {
            known.Remove((target, slot));
            if (maps.Cookie(target, slot) == socket.Cookie && maps.SocketMap.Delete(DispatchMaps.SlotKey(target, slot)))
            {
                count++;
            }

            Trim(target);
        }

        return count;
    }

    // The slots behind the last live one take no part in the choice.
    private void Trim(int target)
    {
        ref var entry = ref maps.Targets[target];
        int slots = entry.Slots;
        while (slots > 0 && maps.Cookie(target, slots - 1) == 0)
        {
            slots--;
        }

        if (slots != entry.Slots)
        {
            Volatile.Write(ref entry.Slots, (byte)slots);
        }
    }

    private void Remember()
    {
        for (var target = 1; target < DispatchLimits.Targets; target++)
        {
            Trim(target);
        }

        foreach (var socket in maps.Sockets())
        {
            known[(maps.FindTarget(socket.Label, socket.Protocol, socket.IsIPv6), socket.Slot)] = socket;
        }
    }
}
