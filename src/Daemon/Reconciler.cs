using System.Collections.Immutable;
using System.Threading.Channels;
using NLog;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Dispatch;
using SoftUnicast.Daemon.Egress;
using SoftUnicast.Daemon.State;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Tunnels;

namespace SoftUnicast.Daemon;

/// <summary>
/// The one loop that owns what changes: configuration + assignment + learned routes + links and neighbours → steering table →
/// maps → announcements. Everyone else signals it, or reads the snapshot that it publishes.
/// </summary>
/// <remarks>
/// A pass works on what is true when it begins, so signals carry nothing and may be lost when one is waiting already.
/// Order on the way up: tunnels, maps, announce.
/// </remarks>
internal sealed partial class Reconciler : IDisposable
{
    /// <summary>A pass at least this often, for what reports no change, and to show the service manager that the loop lives.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>The kernel's tables are compared with what is meant at least this often, also if nothing has changed here.</summary>
    private static readonly TimeSpan Repair = TimeSpan.FromSeconds(30);

    private static readonly Logger Log = LogManager.GetCurrentClassLogger();

    private readonly TimeProvider time;
    private readonly ServiceNotifier notifier;
    private readonly NetworkView network;
    private readonly NetlinkNextHops nextHopSource;
    private readonly NextHopTable nextHops;
    private readonly Channel<Work> work = Channel.CreateBounded<Work>(new BoundedChannelOptions(256) { SingleReader = true });

    private readonly CancellationTokenSource down = new();
    private readonly DateTimeOffset startedAt;
    private readonly long startedTimestamp;
    private volatile DaemonSnapshot snapshot;

    // Owned by the loop.
    private readonly PacketPath packetPath;
    private DaemonConfiguration configuration;
    private RunningSpeaker speaker;
    private ImmutableArray<Owner> held;
    private long? ownersAwaitedSince;

    /// <summary>BGP has said once who owns what. Afterwards what was known stays in force while it is asked anew, and so do the announcements.</summary>
    private bool knewOwners;

    /// <summary>Packet path and dispatch, if it is configured, have been as they are meant to be.</summary>
    private bool wasWhole;

    private bool goingDown;
    private bool ready;
    private string? lastSaid;
    private WrittenTable table = WrittenTable.None;
    private TableInputs? lastInputs;
    private long lastTableAt;
    private EgressService? egress;
    private DispatchService? dispatch;
    private bool isDispatchLooked;
    private volatile EgressView? egressView;
    private volatile DispatchStatus? dispatchStatus;
    private volatile NamingStatus? namingStatus;
    private Assignment inForce;
    private ImmutableArray<AddressPorts> leaving = [];

    public Reconciler(DaemonConfiguration configuration, PacketPath packetPath, ServiceNotifier notifier, TimeProvider time)
    {
        this.configuration = configuration;
        inForce = configuration.Assignment;
        this.packetPath = packetPath;
        this.notifier = notifier;
        this.time = time;
        startedAt = time.GetUtcNow();
        startedTimestamp = time.GetTimestamp();
        network = new NetworkView();
        network.Changed += (_, _) => Signal();
        nextHopSource = new NetlinkNextHops(network, configuration.Self.Endpoint.Address);
        nextHops = new NextHopTable(nextHopSource, time);
        nextHops.Changed += (_, _) => Signal();
        held = HeldOwners.From(packetPath.InForce, configuration.Fleet);
        speaker = RunningSpeaker.Start(RunningSpeaker.OptionsOf(configuration), time, Signal);
        snapshot = Snapshot(table, [], [], new Announcing(Announcements.None, []));
    }

    /// <summary>What the last pass knew and meant.</summary>
    public DaemonSnapshot State => snapshot;

    public PacketPath PacketPath => packetPath;

    public NetworkView Network => network;

    public RunningSpeaker Speaker => speaker;

    public DateTimeOffset StartedAt => startedAt;

    /// <summary>What the last pass knew of slices in the hands of programs; null: this server hands out none.</summary>
    public EgressView? Egress => egressView;

    /// <summary>Likewise of dispatch and names.</summary>
    public (DispatchStatus? Dispatch, NamingStatus? Naming) Services => (dispatchStatus, namingStatus);

    /// <summary>For the loop: between two passes.</summary>
    public EgressService? EgressService => egress;

    /// <summary>For the loop: between two passes. Null: nothing is dispatched.</summary>
    public DispatchService? DispatchService => dispatch;

    /// <summary>Cancelled when <c>down</c> is done: the daemon has nothing left to do.</summary>
    public CancellationToken IsDown => down.Token;

    /// <summary>Something has changed: a pass follows soon. Any thread.</summary>
    public void Signal() => work.Writer.TryWrite(new Work(null, true));

    /// <summary>Has something done by the loop, between two passes.</summary>
    /// <param name="passFollows">False: nothing that a pass looks at is changed by it, so that many of them cost no pass each.</param>
    public async Task<T> DoAsync<T>(Func<CancellationToken, Task<T>> action, CancellationToken cancellation, bool passFollows = true)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        await work.Writer.WriteAsync(
            new Work(async stopping =>
            {
                try
                {
                    done.TrySetResult(await action(stopping).ConfigureAwait(false));
                }
                catch (OperationCanceledException) when (stopping.IsCancellationRequested)
                {
                    done.TrySetCanceled(stopping);
                }
                catch (Exception e) when (e is IOException or InvalidOperationException or SystemException)
                {
                    done.TrySetException(e);
                }
            }, passFollows),
            cancellation).ConfigureAwait(false);
        return await done.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    public async Task RunAsync(CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var follow = nextHops.RunAsync(ending.Token);
        try
        {
            while (!stopping.IsCancellationRequested && !down.IsCancellationRequested)
            {
                if (follow.IsFaulted)
                {
                    await follow.ConfigureAwait(false);
                }

                speaker.ThrowIfEnded();
                Pass();
                notifier.KeepAlive();
                await WaitForWorkAsync(stopping).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The packet path and gobgpd's routes stay: the next daemon adopts them.
        }

        notifier.Stopping(down.IsCancellationRequested ? "down" : "stopping; packets go on");
        await ending.CancelAsync().ConfigureAwait(false);
        egress?.Dispose();
        dispatch?.Dispose();
        naming?.Dispose();
        await speaker.DisposeAsync().ConfigureAwait(false);
        await follow.ConfigureAwait(false);
    }

    /// <summary>Withdraw, drain, maps; by the loop. See <see cref="WayDown"/>.</summary>
    public async Task<WentDown> GoDownAsync(bool now, Func<DownStep, ValueTask> report, CancellationToken stopping)
    {
        goingDown = true;
        var way = new WayDown(packetPath, speaker, egress, dispatch, naming, time, notifier);
        try
        {
            var went = await way.GoAsync(State.Announced, now, report, stopping).ConfigureAwait(false);
            await down.CancelAsync().ConfigureAwait(false);
            return went;
        }
        finally
        {
            // Not all the way: what is left is kept in order again, and the operator told.
            goingDown = down.IsCancellationRequested;
            speaker.Forget();
            dispatch = dispatch is { IsRemoved: true } ? null : dispatch;
        }
    }

    public void Dispose()
    {
        nextHops.Dispose();
        nextHopSource.Dispose();
        network.Dispose();
        down.Dispose();
    }

    private async Task WaitForWorkAsync(CancellationToken stopping)
    {
        using var tick = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        tick.CancelAfter(Tick);
        for (var passFollows = false; !passFollows;)
        {
            try
            {
                await work.Reader.WaitToReadAsync(tick.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
            {
                return;
            }

            while (work.Reader.TryRead(out var item))
            {
                passFollows |= item.PassFollows;
                if (item.Action is { } action)
                {
                    await action(stopping).ConfigureAwait(false);
                }
            }

            passFollows |= tick.IsCancellationRequested;
        }
    }

    /// <summary>Something for the loop to do; without an action, a pass.</summary>
    private readonly record struct Work(Func<CancellationToken, Task>? Action, bool PassFollows);

    /// <summary>One pass. What an operator or the network did wrong becomes a problem in the snapshot, never an exception.</summary>
    private void Pass()
    {
        if (goingDown)
        {
            return;
        }

        var learned = speaker.Speaker.Learned;
        if (learned.Synchronised && !held.IsEmpty)
        {
            Log.Info("BGP has said who owns what: {Held} slices kept from before are let go", held.Length);
            held = [];
        }

        knewOwners |= learned.Synchronised;
        FollowLeaving();
        var inputs = new TableInputs(configuration, inForce, learned, held, network.Links, nextHops.Entries);
        if (inputs != lastInputs || time.GetElapsedTime(lastTableAt) >= Repair)
        {
            lastTableAt = time.GetTimestamp();
            table = MakeTable(inputs);

            // Wanting other endpoints has made other next hops: the next pass sees them.
            lastInputs = inputs;
        }

        var problems = ImmutableArray.CreateBuilder<Problem>();
        problems.AddRange(reloadProblems.Select(p => new Problem($"the files on disk are not in force: {p}", "correct them, then reload")));
        problems.AddRange(table.Problems);
        var missing = table.IsWritten || packetPath.Adopted
            ? packetPath.Attach(table.Devices, configuration.Server.Interfaces, problems)
            : [.. configuration.Server.Interfaces.Select(i => i.Name)];
        KeepEgress(missing.IsEmpty && table.IsWritten, problems);
        KeepDispatch(problems);
        var announcing = Announce(missing.IsEmpty, table.IsWritten, knewOwners || packetPath.Adopted);
        KeepNaming([.. announcing.Announcements.Internet, .. announcing.Announcements.Services], problems);
        ProblemReports.Add(problems, speaker.Speaker.Status, learned, held.Length, table.Ownership, nextHops.Entries, configuration.Fleet, announcing);
        snapshot = Snapshot(table, missing, problems.ToImmutable(), announcing);
        dispatchStatus = dispatch?.Status;
        namingStatus = naming is { } names ? new NamingStatus(names.Inputs.Rules.Policies.Length, names.Agility.Moves.Length, names.Agility.Drains.Length) : null;
        Say();
    }

    /// <summary>Slices that were taken away and are still in use here stay in the table. The assignment stays one object until that changes.</summary>
    private void FollowLeaving()
    {
        var now = egress?.Leaving(configuration) ?? [];
        if (!now.SequenceEqual(leaving) || !ReferenceEquals(lastInputs?.Configuration, configuration))
        {
            leaving = now;
            inForce = Ownership.Leaving(configuration.Assignment, configuration.Fleet, configuration.Self, leaving);
        }
    }

    /// <summary>Slices for programs of this server: after the packet path, for what is handed out must be steered here.</summary>
    private void KeepEgress(bool isSteered, ImmutableArray<Problem>.Builder problems)
    {
        if (configuration.Server.Egress is null)
        {
            return;
        }

        try
        {
            egress ??= EgressService.Open(configuration, time, index => network.Links.GetValueOrDefault(index)?.Name ?? $"interface {index}");
            egress.Pass(configuration, [.. table.Devices.Select(d => d.Config.Name)], isSteered, problems);
            egressView = egress.View;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(new Problem($"no slices are handed out: {e.Message}", null));
            egressView = (egressView ?? EgressView.Nothing("")) with { Refusal = e.Message };
            egress?.Holders.Refuse(e.Message);
        }
    }

    /// <summary>What comes in for services of this server; it needs nothing of the packet path.</summary>
    private void KeepDispatch(ImmutableArray<Problem>.Builder problems)
    {
        try
        {
            if (configuration.Server.Dispatch is null)
            {
                EndDispatch();
                return;
            }

            isDispatchLooked = true;
            dispatch ??= Dispatch.DispatchService.Open(configuration, time);
            dispatch.Pass(configuration, naming?.WantsAddressCounts ?? false, problems);
        }
        catch (Exception e) when (e is SystemCallException or PinnedStateException or IOException or UnauthorizedAccessException)
        {
            problems.Add(new Problem($"dispatch is not as it is meant: {e.Message}", null));
        }
    }

    /// <summary>The section is not in the file any more, or was not when this daemon started.</summary>
    private void EndDispatch()
    {
        if (dispatch is not null)
        {
            Log.Info("nothing is dispatched any more: {Removed}", dispatch.Remove());
            dispatch = null;
        }
        else if (!isDispatchLooked && Dispatch.DispatchService.RemoveLeft(configuration))
        {
            Log.Info("what an earlier daemon dispatched is taken away: the configuration has no section 'dispatch'");
        }

        isDispatchLooked = true;
    }

    private WrittenTable MakeTable(TableInputs inputs)
    {
        var fleet = configuration.Fleet;
        var self = configuration.Self;
        ImmutableArray<OwnershipRoute> routes = [.. inputs.Learned.Routes];
        var ownership = Ownership.Resolve(fleet, self, inputs.Assignment, routes).With(inputs.Held);
        nextHops.Want(EndpointResolver.Wanted(ownership.Owners));
        var problems = ImmutableArray.CreateBuilder<Problem>();
        var devices = Devices.Find(configuration.Server.Interfaces, inputs.Links.Values, problems);
        var compiled = Compile(configuration, ownership, devices, problems);
        problems.AddRange(compiled.Errors.Select(e => new Problem(e, null)));
        var written = compiled.Table is not null && packetPath.Apply(compiled.Table);
        if (packetPath.Refusal is { } refusal)
        {
            problems.Add(new Problem($"the steering table was refused, the old one stays: {refusal}", null));
        }

        return new WrittenTable(ownership, routes, devices, compiled.Table, written, problems.ToImmutable());
    }

    private CompiledSteering Compile(DaemonConfiguration of, Ownership ownership, ImmutableArray<Device> devices, ImmutableArray<Problem>.Builder problems) =>
        SteeringCompiler.Compile(new SteeringInput(
            of.Self.Name,
            of.Fleet,
            [.. ownership.Owners.Where(o => o.Target is null && !o.Ports.Address.IsIPv6).Select(o => o.Ports)],
            new EndpointResolver(of.Fleet, of.Self, packetPath.InForce, nextHops.Entries).Resolve(ownership.Owners),
            LocalEndpoints(of, problems),
            [.. devices.Select(d => d.Steering)]));

    private static List<SteeringLocal> LocalEndpoints(DaemonConfiguration of, ImmutableArray<Problem>.Builder problems)
    {
        var locals = TunnelLocals.For(of.Fleet, of.Self);
        problems.AddRange(locals.Problems.Select(p => new Problem(p, null)));
        return [.. locals.Locals.Select(l => new SteeringLocal(l.Address, (Steering.Abi.AcceptedEncapsulations)(int)l.Accept, l.GreKey))];
    }

    private Announcing Announce(bool attached, bool written, bool knowsOwners)
    {
        // Nobody can be heard before gobgpd runs.
        ownersAwaitedSince = speaker.Speaker.Status.Gobgp == GobgpState.Running ? ownersAwaitedSince ?? time.GetTimestamp() : null;
        var awaited = ownersAwaitedSince is { } since ? time.GetElapsedTime(since) : TimeSpan.Zero;
        var announcing = Announcing.Make(configuration.Fleet, configuration.Self, inForce, new GateInputs(attached, written, knowsOwners, awaited, goingDown));

        // Until everything has been whole once, nothing is said to gobgpd: what an earlier daemon announced stays, but not for ever.
        wasWhole |= announcing.Announcements != Announcements.None && (dispatch is not null || configuration.Server.Dispatch is null);
        var isSaid = wasWhole || time.GetElapsedTime(startedTimestamp) >= AnnouncementGate.LongestWait;
        if (dispatch is { Announced.IsEmpty: false })
        {
            announcing = announcing with { Announcements = announcing.Announcements with { Services = dispatch.Announced } };
        }

        if (isSaid)
        {
            speaker.Announce(announcing.Announcements);
        }

        return announcing;
    }

    private DaemonSnapshot Snapshot(WrittenTable made, ImmutableArray<string> missing, ImmutableArray<Problem> problems, Announcing announcing)
    {
        var health = goingDown ? Health.GoingDown : made.Meant is null ? Health.Starting : problems.IsEmpty ? Health.Up : Health.Degraded;
        return new DaemonSnapshot(configuration, health, problems, made.Ownership, made.Meant, packetPath.LastWrite, missing, packetPath.Adopted,
            announcing.Prefixes, announcing.Announcements, made.Routes, nextHops.Entries);
    }

    // The service manager and the log hear of a state once, when it changes.
    private void Say()
    {
        var state = snapshot;
        var said = state.Problems.IsEmpty ? "up" : string.Join("; ", state.Problems.Select(p => p.What));
        if (!ready)
        {
            ready = true;
            notifier.Ready(said);
        }

        if (said != lastSaid)
        {
            lastSaid = said;
            notifier.Status(said);
            if (state.Problems.IsEmpty)
            {
                Log.Info("up: {Here} slices here, {Prefixes} prefixes announced",
                    state.Ownership.Owners.Count(o => o.Target is null), state.Prefixes.Count(p => p.Decision.Open));
            }
            else
            {
                Log.Warn("degraded: {Problems}", said);
            }
        }
    }
}
