using System.Collections.Immutable;
using NLog;
using SoftUnicast.Config;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Capacity;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Egress;

/// <summary>
/// Slices for the programs of this server: keeps the guard, the kernel's settings, the lives of the slices, what their holders
/// may use, and NAT, in this order, and hands out nothing while one of the first is not right. Owned by the reconciler's loop.
/// </summary>
internal sealed class EgressService : IDisposable
{
    private static readonly Logger Log = LogManager.GetCurrentClassLogger();
    private readonly HostClock clock;
    private readonly AttributionLog log;
    private readonly SliceBook book;
    private readonly GuardKeeper guard;
    private readonly ChooserKeeper chooser;
    private readonly HostKeeper host;
    private readonly NatKeeper nat;
    private readonly SocketCensus census;
    private readonly SliceHolders holders;

    private EgressService(
        DaemonConfiguration configuration, TimeProvider time, Func<int, string> interfaceName, HostClock clock, HostKeeper host, AttributionLog log)
    {
        this.clock = clock;
        this.log = log;
        this.host = host;
        Configuration = configuration;
        book = new SliceBook(log, new SliceLife(configuration.Server.Egress!.Quarantine));
        census = new SocketCensus(time);
        guard = new GuardKeeper(configuration.Server.PinsPath, () => census.Sockets, interfaceName, time);
        chooser = new ChooserKeeper(configuration.Server.PinsPath);
        nat = new NatKeeper(configuration.Self.Name);
        holders = new SliceHolders(book, chooser, nat, census);
        Holds = new UdpHolds(holders, census, book, time);
        View = EgressView.Nothing("the daemon is starting");
        if (log.Opening.Broken is { } broken)
        {
            Log.Error("the attribution log is not whole: {Broken}", broken);
        }
    }

    /// <summary>What the last pass knew.</summary>
    public EgressView View { get; private set; }

    public SliceHolders Holders => holders;

    public UdpHolds Holds { get; }

    public DaemonConfiguration Configuration { get; private set; }

    /// <summary>What became of the sockets of an enrolled cgroup, by the chooser's own counters.</summary>
    public ChoiceCounts? Counts(ulong cgroup) => chooser.Counts(cgroup);

    /// <summary>By the guard's own counters.</summary>
    public ImmutableArray<(SoftUnicast.Egress.Abi.GuardReason Reason, ulong Packets, ulong Bytes)> GuardCounters() => guard.Counters();

    /// <summary>
    /// Slices that the assignment does not give to this server any more, and that are still steered here: what was open is to
    /// end in peace.
    /// </summary>
    public ImmutableArray<AddressPorts> Leaving(DaemonConfiguration configuration)
    {
        var own = Ownership.OwnSlices(configuration.Fleet, configuration.Self, configuration.Assignment).ToHashSet();
        return [.. book.Slices.Values.Where(s => s.Phase != SlicePhase.Free && !own.Contains(s.Slice)).Select(s => s.Slice)];
    }

    /// <exception cref="IOException">The attribution log or what is remembered of kernel settings cannot be read.</exception>
    public static EgressService Open(DaemonConfiguration configuration, TimeProvider time, Func<int, string> interfaceName)
    {
        var clock = new HostClock(time);
        var egress = configuration.Server.Egress!;
        var host = new HostKeeper(configuration);
        try
        {
            var log = AttributionLog.Open(egress.AttributionPath, configuration.Self.Name, clock.Now(), new FolderSync());
            return new EgressService(configuration, time, interfaceName, clock, host, log);
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>One pass. What is not right becomes a problem, and nothing is handed out meanwhile.</summary>
    /// <param name="interfaces">Those that packets leave by, as far as they are there.</param>
    /// <param name="isSteered">The packet path's table is written: what is handed out is steered here.</param>
    public void Pass(DaemonConfiguration configuration, ImmutableArray<string> interfaces, bool isSteered, ImmutableArray<Problem>.Builder problems)
    {
        Configuration = configuration;
        var now = clock.Now();
        var own = Ownership.OwnSlices(configuration.Fleet, configuration.Self, configuration.Assignment).Where(s => !s.Address.IsIPv6).ToImmutableHashSet();
        ImmutableArray<Problem> wrong =
        [
            .. isSteered ? [] : new[] { new Problem("the packet path does not steer yet", null) },
            .. guard.Keep(configuration.Server.Interfaces, interfaces),
            .. chooser.Keep(),
            .. WriteDown(now),
        ];
        host.Keep(configuration, own);
        holders.Refusal = wrong.IsEmpty ? null : string.Join("; ", wrong.Select(w => w.What));
        holders.Stopped = host.Stopped;

        holders.EndGone(now);
        census.Count(book.Slices.Values, configuration.Fleet);
        FollowAssignment(configuration, own, now);
        var troubles = holders.Keep(configuration, now);

        problems.AddRange(wrong.Select(w => new Problem($"no slices are handed out: {w.What}", w.Next)));
        problems.AddRange(host.Problems);
        problems.AddRange(troubles);
        if (census.Trouble is { } trouble)
        {
            problems.Add(trouble);
        }

        problems.AddRange(census.Capacity.Pools.Where(p => p.Level != CapacityLevel.None).Select(p => new Problem(
            $"pool {p.Pool} is {p.Percent:0} % full here towards {p.Fullest!.Destination}", "give this server more slices (slices-per-server), or spread the load")));
        View = new EgressView(
            holders.Refusal, book.Slices, book.Leases, census.Capacity, guard.Places, host.Changed, guard.Dropped);
    }

    /// <summary>The operator wants slices empty, or back in use.</summary>
    /// <returns>Null: it could not be written down.</returns>
    public ImmutableArray<SliceState>? Drain(IReadOnlyCollection<AddressPorts> slices, bool undo)
    {
        var now = clock.Now();
        SliceEvent happened = undo ? new SliceEvent.DrainCancelled() : new SliceEvent.DrainAsked();
        if (!book.TryHappen(slices.Select(s => (s, book.Of(s)!.Pool, happened)), now))
        {
            return null;
        }

        holders.Keep(Configuration, now);
        census.Count(book.Slices.Values, Configuration.Fleet, again: true);
        book.TryHappen(slices.Select(s => (s, book.Of(s)!.Pool, (SliceEvent)new SliceEvent.SocketsCounted(census.SocketsOf(s)))), now);
        return [.. slices.Select(s => book.Of(s)!)];
    }

    /// <summary>Slices of this server, of one address, or all.</summary>
    public IEnumerable<AddressPorts> SlicesHere(IpAddress? address = null, ushort? port = null) => book.Slices.Values
        .Where(s => s.Granted && (address is null || s.Slice.Address == address) && (port is null || s.Slice.Ports.Contains(port.Value)))
        .Select(s => s.Slice);

    public Clock Now() => clock.Now();

    public string? Problem => book.Problem;

    /// <summary>Takes away what it put into the kernel, and gives settings back. The log stays.</summary>
    /// <returns>What was done, in words.</returns>
    public string Remove()
    {
        var done = new List<string>();
        nat.Remove(done);
        chooser.Remove(done);
        guard.Remove(done);
        host.Restore(done);
        return done.Count == 0 ? "nothing was there" : string.Join("; ", done);
    }

    public void Dispose()
    {
        book.Stop(clock.Now());
        chooser.Dispose();
        guard.Dispose();
        nat.Dispose();
        host.Dispose();
        census.Dispose();
        log.Dispose();
    }

    /// <summary>The log lives, has what it could not take before, and a new day's file is begun when it is time.</summary>
    private IEnumerable<Problem> WriteDown(Clock now)
    {
        if (!book.TryCatchUp(now) || book.Problem is not null)
        {
            yield return new Problem($"the attribution log cannot be written: {book.Problem}", "make room on its file system, or give it back to this user");
        }
    }

    private void FollowAssignment(DaemonConfiguration configuration, ImmutableHashSet<AddressPorts> own, Clock now)
    {
        var events = new List<(AddressPorts, string, SliceEvent)>();
        string PoolOf(AddressPorts slice) => configuration.Fleet.PoolOf(slice.Address)!.Name;
        foreach (var slice in book.ToGrant(own).Concat(book.Renamed(own, PoolOf)))
        {
            events.Add((slice, PoolOf(slice), new SliceEvent.Granted(PoolOf(slice))));
        }

        foreach (var state in book.Slices.Values)
        {
            if (state.Phase is SlicePhase.Draining or SlicePhase.Quarantined || (state.Phase == SlicePhase.Owned && state.Use != SliceUse.None))
            {
                if (state.Held && !book.Leases.Holds(state.Slice) && !nat.Uses(state.Slice))
                {
                    events.Add((state.Slice, state.Pool, new SliceEvent.ReleasedByAll()));
                }

                if (census.IsFresh)
                {
                    events.Add((state.Slice, state.Pool, new SliceEvent.SocketsCounted(census.SocketsOf(state.Slice))));
                }

                events.Add((state.Slice, state.Pool, new SliceEvent.Tick()));
            }

            // Last: what was counted was counted while new flows could begin.
            if (state.Granted && !own.Contains(state.Slice))
            {
                events.Add((state.Slice, state.Pool, new SliceEvent.Withdrawn()));
            }
        }

        book.TryHappen(events, now);
    }
}
