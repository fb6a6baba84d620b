using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Control;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;
using HeldLease = SoftUnicast.Egress.SharingOut.Lease;

namespace SoftUnicast.Daemon.Egress;

/// <summary>A cgroup that has a policy, or had slices and waits for others.</summary>
/// <param name="Path">Below the root of all cgroups; null if it could not be found.</param>
internal sealed record EnrolledCgroup(ulong Id, string? Path, Holder Holder, ImmutableArray<string> Pools);

/// <summary>
/// Who is given slices: enrolled cgroups, leases, NAT. A cgroup whose slices were all taken back keeps its policy, an empty one: its
/// programs are refused a port rather than let go with another source, and get slices again when there are some.
/// </summary>
internal sealed class SliceHolders(SliceBook book, ChooserKeeper chooser, NatKeeper nat, SocketCensus census)
{
    /// <summary>What softunicastc exec calls the cgroup of one program.</summary>
    private const string ExecCgroup = "su-exec-";

    private readonly Dictionary<ulong, EnrolledCgroup> enrolled = [];
    private bool isRestored;

    /// <summary>Why nothing is handed out, or null.</summary>
    public string? Refusal { get; set; } = "the daemon is starting";

    /// <summary>Nothing is handed out until a pass finds everything right again.</summary>
    public void Refuse(string because) => Refusal = because;

    /// <summary>By use: why it may not be served now.</summary>
    public ImmutableDictionary<SliceUse, string> Stopped { get; set; } = ImmutableDictionary<SliceUse, string>.Empty;

    public IEnumerable<EnrolledCgroup> Enrolled => enrolled.Values;

    public Answer<EnrollReply> Enroll(DaemonConfiguration configuration, Enroll command, ControlPeer peer, Clock now)
    {
        if (chooser.Find(command.CgroupId, command.Path) is not { } cgroup)
        {
            return new ErrorReply(ReplyCode.CgroupUnknown, $"there is no cgroup {command.CgroupId}{(command.Path is null ? "" : $" at {command.Path}")}", "give the inode number of its folder, and its path below the cgroup2 mount");
        }

        if (Holder(peer) is not { } holder)
        {
            return Gone(peer);
        }

        if (enrolled.TryGetValue(command.CgroupId, out var former) && former.Holder.Uid != peer.UserId && peer.UserId != 0)
        {
            return new ErrorReply(ReplyCode.NotYours, $"cgroup {command.CgroupId} was enrolled by user {former.Holder.Uid}", null);
        }

        holder = holder with { Cgroup = chooser.PathOf(cgroup), CgroupId = cgroup.Id };
        if (!TryEndFormer(holder.Cgroup, cgroup.Id, now))
        {
            return Unwritten();
        }

        if (!TryGive(configuration, Selection(command.Choice), SliceUse.Exec, holder, now, former is null ? null : LeaseOf(cgroup.Id), out var lease, out var error))
        {
            return error!;
        }

        enrolled[cgroup.Id] = new EnrolledCgroup(cgroup.Id, holder.Cgroup, holder, lease!.Pools);
        var troubles = Keep(configuration, now);
        var because = book.Serving(SliceUse.Nat, lease.Pools).IsEmpty ? "no slice is left for NAT"
            : nat.Serves(cgroup.Id) ? null
            : troubles.IsEmpty ? $"nft did not find {holder.Cgroup}"
            : string.Join("; ", troubles.Select(t => t.What));
        return new EnrollReply(cgroup.Id, holder.Cgroup, Held(configuration, lease.Slices), because is null, because);
    }

    public Answer<LeaveReply> Leave(DaemonConfiguration configuration, Leave command, ControlPeer peer, Clock now)
    {
        if (!enrolled.TryGetValue(command.CgroupId, out var cgroup))
        {
            return new ErrorReply(ReplyCode.LeaseUnknown, $"cgroup {command.CgroupId} is not enrolled", "see show leases");
        }

        if (cgroup.Holder.Uid != peer.UserId && peer.UserId != 0)
        {
            return new ErrorReply(ReplyCode.NotYours, $"cgroup {command.CgroupId} was enrolled by user {cgroup.Holder.Uid}", null);
        }

        var lease = LeaseOf(command.CgroupId);
        if (lease is not null && !book.TryWrite([new AttributionEntry.LeaseLost(new LostLease(lease, lease.Slices, LeaseEnd.Released))], now))
        {
            return Unwritten();
        }

        enrolled.Remove(command.CgroupId);
        chooser.Forget(command.CgroupId);
        nat.Keep(configuration, book, Enrolled);
        return new LeaveReply(command.CgroupId, cgroup.Path, Held(configuration, lease?.Slices ?? []));
    }

    public Answer<LeaseReply> Lease(DaemonConfiguration configuration, Control.Commands.Lease command, ControlPeer peer, Clock now)
    {
        if (Holder(peer) is not { } holder)
        {
            return Gone(peer);
        }

        var use = command.Kind == LeaseKind.Range ? SliceUse.Range : SliceUse.Explicit;
        return TryGive(configuration, Selection(command.Choice), use, holder, now, null, out var lease, out var error)
            ? Reply(configuration, lease!)
            : error!;
    }

    public Answer<LeaseReply> Renew(DaemonConfiguration configuration, string id, ControlPeer peer) =>
        Find(id, peer) switch { ({ } lease, _) => Reply(configuration, lease), var (_, error) => error! };

    public Answer<ReleaseReply> Release(DaemonConfiguration configuration, string id, ControlPeer peer, Clock now)
    {
        var (lease, error) = Find(id, peer);
        if (lease is null)
        {
            return error!;
        }

        return book.TryWrite([new AttributionEntry.LeaseLost(new LostLease(lease, lease.Slices, LeaseEnd.Released))], now)
            ? new ReleaseReply(id, Held(configuration, lease.Slices))
            : Unwritten();
    }

    /// <summary>The lease of that name, if it is in force and this peer's.</summary>
    public (HeldLease? Lease, ErrorReply? Error) Find(string id, ControlPeer peer)
    {
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return (null, new ErrorReply(ReplyCode.LeaseUnknown, $"there is no lease '{id}'", "see show leases"));
        }

        // What would be said if it were given back is what is wrong with it.
        var (_, lost, error) = book.Leases.Release(number, Processes.Of(peer.ProcessId) ?? default, peer.UserId);
        return error switch
        {
            null when lost!.Lease.Holder.Cgroup is null => (lost.Lease, null),
            null => (null, new ErrorReply(ReplyCode.LeaseUnknown, $"{id} is the enrolment of cgroup {lost.Lease.Holder.CgroupId}", "end it with leave")),
            { Kind: LeaseErrorKind.Foreign } => (null, new ErrorReply(ReplyCode.NotYours, error.Message, null)),
            { Kind: LeaseErrorKind.Over } when error.Message.Contains("revoked", StringComparison.Ordinal) =>
                (null, new ErrorReply(ReplyCode.LeaseRevoked, error.Message, "close its sockets, and lease again")),
            _ => (null, new ErrorReply(ReplyCode.LeaseUnknown, error.Message, "see show leases")),
        };
    }

    /// <summary>Leases of processes that ended and of cgroups that were removed are over.</summary>
    public void EndGone(Clock now)
    {
        Restore();
        var lost = new List<LostLease>();
        foreach (var lease in book.Leases.InForce.Values.Where(IsGone))
        {
            lost.Add(new LostLease(lease, lease.Slices, LeaseEnd.Ended));
        }

        if (lost.Count > 0)
        {
            book.TryWrite([.. lost.Select(l => new AttributionEntry.LeaseLost(l))], now);
        }

        foreach (var id in chooser.Policies.Keys.Concat(enrolled.Keys).Distinct().ToList())
        {
            if (chooser.Find(id, enrolled.GetValueOrDefault(id)?.Path) is null)
            {
                enrolled.Remove(id);
                chooser.Forget(id);
            }
        }
    }

    /// <summary>What was enrolled at this path is gone, for another cgroup is there: a service that was restarted.</summary>
    private bool TryEndFormer(string path, ulong id, Clock now)
    {
        var lost = book.Leases.InForce.Values.Where(l => l.Holder.Cgroup == path && l.Holder.CgroupId != id)
            .Select(l => new AttributionEntry.LeaseLost(new LostLease(l, l.Slices, LeaseEnd.Ended))).ToList();
        if (lost.Count > 0 && !book.TryWrite(lost, now))
        {
            return false;
        }

        foreach (var former in enrolled.Values.Where(e => e.Path == path && e.Id != id).ToList())
        {
            enrolled.Remove(former.Id);
            chooser.Forget(former.Id);
        }

        return true;
    }

    /// <summary>
    /// A lease ends with its process, an enrolment with its cgroup. What exec made for one program ends when nothing runs in it any
    /// more, and is taken away if this process may.
    /// </summary>
    private bool IsGone(HeldLease lease)
    {
        if (lease.Holder.Cgroup is not { } path)
        {
            return !Processes.IsAlive(lease.Holder.Process);
        }

        if (chooser.Find(lease.Holder.CgroupId, path) is not { } cgroup)
        {
            return true;
        }

        return Path.GetFileName(path).StartsWith(ExecCgroup, StringComparison.Ordinal) && !Processes.IsAlive(lease.Holder.Process) && !cgroup.IsPopulated()
            && TryRemove(cgroup);
    }

    private static bool TryRemove(Cgroup cgroup)
    {
        try
        {
            return cgroup.TryRemove();
        }
        catch (SystemCallException)
        {
            // Not ours to remove; empty it is all the same.
            return true;
        }
    }

    /// <summary>Takes slices into use where they are needed, and makes the kernel hold what each cgroup may use, NAT's rules among it.</summary>
    /// <returns>Why NAT is not as it is meant.</returns>
    public ImmutableArray<Problem> Keep(DaemonConfiguration configuration, Clock now)
    {
        Restore();
        if (Refusal is null)
        {
            foreach (var wanted in configuration.Server.Egress!.Nat)
            {
                Reserve(configuration, wanted.Pool, SliceUse.Nat, wanted.Slices, now);
            }

            foreach (var cgroup in enrolled.Values)
            {
                Widen(configuration, cgroup, now);
            }
        }

        // Datagrams are refused before the rules that translate them go, and let go once rules do.
        SetPolicies(id => chooser.Policies.GetValueOrDefault(id) is { DatagramsAreNated: true });
        var troubles = nat.Keep(configuration, book, Enrolled);
        SetPolicies(nat.Serves);
        return troubles;
    }

    /// <summary>What the programs of a cgroup may send from.</summary>
    internal ChooserPolicy PolicyOf(ulong id) => PolicyOf(id, nat.Serves);

    private void SetPolicies(Func<ulong, bool> isTranslated)
    {
        foreach (var id in chooser.Policies.Keys.Concat(enrolled.Keys).Distinct().ToList())
        {
            chooser.Set(id, PolicyOf(id, isTranslated));
        }
    }

    private ChooserPolicy PolicyOf(ulong id, Func<ulong, bool> isTranslated)
    {
        var slices = LeaseOf(id)?.Slices.Where(book.IsOpen) ?? [];
        return new ChooserPolicy(
            slices.Take(SoftUnicast.Egress.Abi.ChooserLimits.Slices),
            enrolled.GetValueOrDefault(id) is { } cgroup && !book.Serving(SliceUse.Nat, cgroup.Pools).IsEmpty && isTranslated(id));
    }

    private static ErrorReply Gone(ControlPeer peer) => new(ReplyCode.NotYours,
        peer.ProcessId == 0 ? "your process is in a PID namespace that this daemon cannot see" : $"process {peer.ProcessId} is gone", null);

    private static Holder? Holder(ControlPeer peer) => Processes.Of(peer.ProcessId) is { } process
        ? new Holder(process, peer.UserId, Processes.CommandOf(peer.ProcessId))
        : null;

    private static SliceSelection Selection(SliceChoice choice) => choice.Pool is { } pool
        ? SliceSelection.ByPool(pool)
        : SliceSelection.ByTags(choice.Tags.Select(t => KeyValuePair.Create(t.Key, t.Value)));

    private static ImmutableArray<HeldSlice> Held(DaemonConfiguration configuration, ImmutableArray<AddressPorts> slices) =>
        [.. slices.Select(s => new HeldSlice(s, configuration.Fleet.PoolOf(s.Address)?.Name ?? "-"))];

    private static LeaseReply Reply(DaemonConfiguration configuration, HeldLease lease) => new(
        lease.Id.ToString(CultureInfo.InvariantCulture),
        lease.Use == SliceUse.Range ? LeaseKind.Range : LeaseKind.Explicit,
        lease.Holder.Process.Id,
        Held(configuration, lease.Slices));

    private static ReplyCode CodeOf(SharingErrorKind kind) => kind switch
    {
        SharingErrorKind.UnknownPool => ReplyCode.NotFound,
        SharingErrorKind.UnknownTag or SharingErrorKind.NoPoolWithTags => ReplyCode.UnknownTag,
        SharingErrorKind.Refused => ReplyCode.NotHandingOut,
        _ => ReplyCode.NoSlice,
    };

    private ErrorReply Unwritten() =>
        new(ReplyCode.NotHandingOut, $"the attribution log cannot be written: {book.Problem}", "make room on its file system, or give it back to this user");

    private HeldLease? LeaseOf(ulong cgroup) => book.Leases.InForce.Values.FirstOrDefault(l => l.Holder.Cgroup is not null && l.Holder.CgroupId == cgroup);

    private SlicesOnHand OnHand(DaemonConfiguration configuration, SliceUse use) => new(
        configuration.Fleet.Pools,
        [.. book.Slices.Values.Select(s => new SliceOnHand(book.IsOpen(s.Slice) || s.Phase != SlicePhase.Owned ? s : s with { Phase = SlicePhase.Draining }, census.PercentOf(s.Slice)))],
        Refusal ?? Stopped.GetValueOrDefault(use));

    /// <summary>Gives slices out, durably. A former lease of the same holder is replaced.</summary>
    private bool TryGive(
        DaemonConfiguration configuration, SliceSelection selection, SliceUse use, Holder holder, Clock now, HeldLease? former, out HeldLease? lease, out ErrorReply? error)
    {
        lease = null;
        var onHand = OnHand(configuration, use);
        var shared = Sharing.Choose(onHand, selection, use);
        if (shared.Error is { } refused)
        {
            error = new ErrorReply(CodeOf(refused.Kind), refused.Message, refused.Kind == SharingErrorKind.Refused ? "see show status" : "see show pools");
            return false;
        }

        var taken = new List<AddressPorts>();
        if (shared.Taken is { } first)
        {
            taken.Add(first);
            taken.AddRange(use == SliceUse.Exec ? More(onHand, shared.Pools, first) : []);
        }

        ImmutableArray<AddressPorts> slices = use == SliceUse.Exec ? [.. shared.Slices.Union(taken).Order()] : shared.Slices;
        lease = (former is null ? book.Leases.Take(holder, shared.Pools, slices, use, now.Wall).Lease : former with { Holder = holder, Pools = shared.Pools, Slices = slices });
        var events = slices.Select(s => (s, book.Of(s)!.Pool, (SliceEvent)new SliceEvent.Used(use)));
        if (book.TryHappen(events, now, new AttributionEntry.LeaseTaken(lease)))
        {
            error = null;
            return true;
        }

        error = Unwritten();
        return false;
    }

    /// <summary>
    /// Programs that know nothing of slices spread over many: half of those that serve nothing yet, so that others find some too.
    /// </summary>
    private static IEnumerable<AddressPorts> More(SlicesOnHand onHand, ImmutableArray<string> pools, AddressPorts first)
    {
        var ranges = onHand.Slices.Where(s => s.State.Use == SliceUse.Range).Select(s => s.State.Slice.Ports).ToList();
        var unused = onHand.Slices.Where(s => s.State.IsOpen && s.State.Use == SliceUse.None && pools.Contains(s.State.Pool) && s.State.Slice != first
                && !ranges.Exists(r => r.Overlaps(s.State.Slice.Ports)))
            .Select(s => s.State.Slice).ToList();
        var perAddress = unused.GroupBy(s => s.Address).SelectMany(g => g.Select((slice, i) => (slice, i))).OrderBy(x => x.i).ThenBy(x => x.slice);
        return perAddress.Take(unused.Count / 2).Select(x => x.slice);
    }

    /// <summary>An enrolled cgroup gets what its pools have for programs, one more slice when these are nearly full, and one for datagrams.</summary>
    private void Widen(DaemonConfiguration configuration, EnrolledCgroup cgroup, Clock now)
    {
        foreach (var pool in cgroup.Pools)
        {
            Reserve(configuration, pool, SliceUse.Nat, 1, now);
        }

        var lease = LeaseOf(cgroup.Id);
        var serving = book.Serving(SliceUse.Exec, cgroup.Pools);
        if (serving.IsEmpty || serving.All(s => census.PercentOf(s) >= Sharing.MorePercent))
        {
            foreach (var pool in cgroup.Pools)
            {
                var shared = Sharing.Choose(OnHand(configuration, SliceUse.Exec), SliceSelection.ByPool(pool), SliceUse.Exec);
                if (shared.Taken is { } taken)
                {
                    serving = serving.Add(taken);
                    break;
                }
            }
        }

        serving = [.. serving.Order()];
        if (!serving.IsEmpty && (lease is null || !lease.Slices.SequenceEqual(serving)))
        {
            lease = lease is null ? book.Leases.Take(cgroup.Holder, cgroup.Pools, serving, SliceUse.Exec, now.Wall).Lease : lease with { Slices = serving };
            book.TryHappen(serving.Select(s => (s, book.Of(s)!.Pool, (SliceEvent)new SliceEvent.Used(SliceUse.Exec))), now, new AttributionEntry.LeaseTaken(lease));
        }
    }

    /// <summary>So many slices of a pool serve a use, as long as there are some that serve none.</summary>
    private void Reserve(DaemonConfiguration configuration, string pool, SliceUse use, int count, Clock now)
    {
        while (book.Slices.Values.Count(s => s.Use == use && s.Pool == pool && s.IsOpen) < count)
        {
            // Nearly full ones make Choose take another.
            var onHand = OnHand(configuration, use);
            var shared = Sharing.Choose(
                onHand with { Slices = [.. onHand.Slices.Select(s => s.State.Use == use ? s with { PercentUsed = 100 } : s)] }, SliceSelection.ByPool(pool), use);
            if (shared.Taken is not { } taken || !book.TryHappen([(taken, pool, new SliceEvent.Used(use))], now))
            {
                return;
            }
        }
    }

    /// <summary>Enrolments that the log knows from before.</summary>
    private void Restore()
    {
        if (isRestored)
        {
            return;
        }

        isRestored = true;
        foreach (var lease in book.Leases.InForce.Values.Where(l => l.Holder.Cgroup is not null))
        {
            enrolled[lease.Holder.CgroupId] = new EnrolledCgroup(lease.Holder.CgroupId, lease.Holder.Cgroup, lease.Holder, lease.Pools);
        }
    }
}
