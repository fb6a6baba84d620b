using System.Collections.Immutable;
using System.Threading.Channels;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker;

/// <summary>How <see cref="Speaker.WithdrawAllAsync"/> went.</summary>
/// <param name="Problem">Why gobgpd could not be asked, or null.</param>
public sealed record WithdrawResult(int Routes, int Neighbours, string? Problem);

/// <summary>
/// Speaks BGP through the gobgpd beside us: announces what it is told to, and follows the ownership routes that peers announce. It
/// outlives gobgpd: while that is away the last table is held, and when it is back everything is announced again.
/// </summary>
/// <remarks>
/// One loop (<see cref="RunAsync"/>) owns all state. <see cref="Announce"/> and the snapshots may be used from any thread. When the loop
/// ends, gobgpd is left as it is: a restarted speaker takes over without an event at any peer.
/// </remarks>
public sealed class Speaker
{
    /// <summary>How often sessions are looked at while a table is still awaited, and afterwards.</summary>
    private static readonly TimeSpan UnsettledPoll = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan SettledPoll = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RejectionNotice = TimeSpan.FromSeconds(10);

    private readonly SpeakerOptions options;
    private readonly TimeProvider time;
    private readonly Action<SpeakerNotice> notify;
    private readonly GobgpMachine machine;
    private readonly Rejections rejections = new();
    private readonly Channel<LearnedChange> changes =
        Channel.CreateBounded<LearnedChange>(new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });

    private readonly Channel<bool> wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Channel<TaskCompletionSource<WithdrawResult>> withdrawals = Channel.CreateUnbounded<TaskCompletionSource<WithdrawResult>>();

    private volatile Wanted? wanted;
    private volatile Published published;
    private volatile LearnedTable learned = LearnedTable.Empty;

    // Owned by the loop.
    private GobgpSituation situation;
    private Wanted? placed;
    private ImmutableArray<SessionStatus> sessions = [];
    private ImmutableArray<string> notes = [];
    private DateTimeOffset settleUntil;
    private DateTimeOffset nextRejectionNotice;
    private long rejectionsNotified;

    /// <param name="notify">Told what is worth a line in the log; called by the loop, must not block.</param>
    /// <exception cref="ArgumentException">The options contradict themselves.</exception>
    public Speaker(SpeakerOptions options, TimeProvider time, Action<SpeakerNotice>? notify = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        options.Check();
        this.options = options;
        this.time = time;
        this.notify = notify ?? (_ => { });
        machine = new GobgpMachine(options.EffectiveAsn, options.EffectiveRouterId, options.SocketPath);
        situation = GobgpMachine.Initial(time.GetUtcNow());
        published = Snapshot(null, null, false);
    }

    /// <summary>The speaker as the loop last saw it.</summary>
    public SpeakerStatus Status
    {
        get
        {
            var (now, of) = published;
            return ReferenceEquals(of, wanted) ? now : now with { Pending = null };
        }
    }

    /// <summary>The accepted routes as they are now.</summary>
    public LearnedTable Learned => learned;

    /// <summary>Every change of <see cref="Learned"/>, for one reader. A reader that is slow loses the oldest.</summary>
    public ChannelReader<LearnedChange> Changes => changes.Reader;

    /// <summary>
    /// Sets what is announced from now on. Neighbours are added only after the first call, so that the first thing a peer hears is
    /// everything.
    /// </summary>
    /// <exception cref="ArgumentException">Something in it is outside the pools, or another's endpoint.</exception>
    public void Announce(Announcements announcements)
    {
        ArgumentNullException.ThrowIfNull(announcements);
        if (announcements.Problem(options.Fleet, options.Server) is { } problem)
        {
            throw new ArgumentException(problem, nameof(announcements));
        }

        wanted = new Wanted(LocalRoutes.From(announcements, options.Fleet.Asn));
        Wake();
    }

    /// <summary>
    /// On the way down: takes back every route and removes the neighbours. Nothing is announced again until the next
    /// <see cref="Announce"/>. Needs the loop to run.
    /// </summary>
    public Task<WithdrawResult> WithdrawAllAsync(CancellationToken cancellation)
    {
        wanted = null;
        var request = new TaskCompletionSource<WithdrawResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        withdrawals.Writer.TryWrite(request);
        Wake();
        return request.Task.WaitAsync(cancellation);
    }

    /// <summary>Runs until cancelled, and then returns with gobgpd left as it is.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var client = new GobgpClient(options.SocketPath, options.ProbeDeadline);
        var installer = new Installer(client, options);
        var follower = new Follower(client, new RouteFilter(options.Fleet, options.Server), rejections, time, Wake);
        await using (follower.ConfigureAwait(false))
        {
            var nextProbe = time.GetUtcNow();
            var nextPoll = nextProbe;
            try
            {
                while (!cancellation.IsCancellationRequested)
                {
                    if (follower.Broken)
                    {
                        await TakeAsync(new GobgpEvent.WatchEnded(), client, installer, follower, cancellation).ConfigureAwait(false);
                        nextProbe = time.GetUtcNow();
                    }

                    if (time.GetUtcNow() >= nextProbe)
                    {
                        await TakeAsync(await ProbeAsync(client, cancellation).ConfigureAwait(false), client, installer, follower, cancellation).ConfigureAwait(false);
                        nextProbe = time.GetUtcNow() + (situation.State == GobgpState.Running ? options.ProbeInterval : options.RetryInterval);
                        if (situation.State != GobgpState.Running)
                        {
                            nextPoll = time.GetUtcNow();
                        }
                    }

                    if (situation.State == GobgpState.Running && !ReferenceEquals(wanted, placed))
                    {
                        await TakeAsync(new GobgpEvent.Drifted(), client, installer, follower, cancellation).ConfigureAwait(false);
                        nextPoll = time.GetUtcNow();
                    }

                    var sessionChanged = follower.Drain();
                    if (situation.State == GobgpState.Running && (sessionChanged || time.GetUtcNow() >= nextPoll))
                    {
                        await PollSessionsAsync(client, installer, follower, cancellation).ConfigureAwait(false);
                        nextPoll = time.GetUtcNow() + (Settled(installer) ? SettledPoll : UnsettledPoll);
                    }

                    await ServeWithdrawalsAsync(installer, cancellation).ConfigureAwait(false);
                    Publish(installer, follower);
                    var next = situation.State == GobgpState.Running && nextPoll < nextProbe ? nextPoll : nextProbe;
                    await WaitAsync(next - time.GetUtcNow(), cancellation).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // The way out: gobgpd keeps what it has.
            }
        }
    }

    private async Task<GobgpEvent> ProbeAsync(GobgpClient client, CancellationToken cancellation)
    {
        try
        {
            var global = (await client.GetBgpAsync(cancellation).ConfigureAwait(false)).Global;
            if (global is null || global.Asn == 0)
            {
                return new GobgpEvent.Answered(0, null);
            }

            notes = global.ListenPort == options.ListenPort
                ? []
                : [$"gobgpd listens on port {global.ListenPort}, not on {options.ListenPort} as configured: it takes a restart of gobgpd to change"];
            return new GobgpEvent.Answered(global.Asn, IpAddress.TryParse(global.RouterId, out var id) ? id : null);
        }
        catch (GobgpException e)
        {
            return new GobgpEvent.Unanswered(e.Failure, e.Message);
        }
    }

    /// <summary>One step of the machine, and whatever its effects lead to.</summary>
    private async Task TakeAsync(GobgpEvent happened, GobgpClient client, Installer installer, Follower follower, CancellationToken cancellation)
    {
        for (GobgpEvent? next = happened; next is not null;)
        {
            var before = situation.State;
            (situation, var effects) = machine.Step(situation, next, time.GetUtcNow());
            if (before != situation.State)
            {
                notify(new SpeakerNotice.GobgpChanged(before, situation.State, situation.Problem, situation.NextStep));
            }

            if (effects is [GobgpEffect.Hold, .. var others])
            {
                // Before anything is published: a state and what is held in it are told together.
                await HoldAsync(installer, follower).ConfigureAwait(false);
                effects = others;
            }

            next = null;
            if (!effects.IsEmpty)
            {
                Publish(installer, follower);
                next = await CarryOutAsync(effects, installer, follower, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task HoldAsync(Installer installer, Follower follower)
    {
        await follower.StopAsync().ConfigureAwait(false);
        follower.Learned.HoldAll();
        installer.Forget();
        placed = null;
        sessions = [];
    }

    private async Task<GobgpEvent> CarryOutAsync(
        ImmutableArray<GobgpEffect> effects, Installer installer, Follower follower, CancellationToken cancellation)
    {
        try
        {
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case GobgpEffect.StartBgp:
                        await installer.StartAsync(cancellation).ConfigureAwait(false);
                        break;
                    case GobgpEffect.Reconcile:
                        await ReconcileAsync(installer, cancellation).ConfigureAwait(false);
                        break;
                    default:
                        await follower.ResyncAsync(cancellation).ConfigureAwait(false);
                        settleUntil = time.GetUtcNow() + options.SettleTime;
                        break;
                }
            }

            return new GobgpEvent.Done();
        }
        catch (ForeignNeighbourException e)
        {
            return new GobgpEvent.ForeignNeighbours(e.Names);
        }
        catch (GobgpException e)
        {
            installer.Forget();
            placed = null;
            return new GobgpEvent.Failed(e.Failure, e.Message);
        }
    }

    private async Task ReconcileAsync(Installer installer, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var target = wanted;
        var hadNeighbours = installer.NeighboursPlaced;
        await installer.ReconcileAsync(target?.Routes, cancellation).ConfigureAwait(false);
        if (!hadNeighbours && installer.NeighboursPlaced)
        {
            settleUntil = time.GetUtcNow() + options.SettleTime;
        }

        placed = target;
        if (target is not null)
        {
            notify(new SpeakerNotice.RoutesInstalled(target.Routes.Count, time.GetElapsedTime(start)));
        }
    }

    private async Task PollSessionsAsync(GobgpClient client, Installer installer, Follower follower, CancellationToken cancellation)
    {
        List<Api.Peer> peers;
        try
        {
            peers = await client.ListPeersAsync(countAdvertised: true, cancellation).ConfigureAwait(false);
            if (LookAtSessions(peers) && installer.NeighboursPlaced)
            {
                await follower.ReadAsync(countsRejected: false, cancellation).ConfigureAwait(false);
            }
        }
        catch (GobgpException e)
        {
            await TakeAsync(new GobgpEvent.Failed(e.Failure, e.Message), client, installer, follower, cancellation).ConfigureAwait(false);
            return;
        }

        // What was learned before is let go once its neighbour has sent its whole table, or has had its time to.
        var late = time.GetUtcNow() >= settleUntil;
        if (installer.NeighboursPlaced)
        {
            var complete = sessions.Where(s => s.TableReceived).Select(s => s.Address).ToHashSet();
            var known = options.Neighbours.Select(n => n.Address).ToHashSet();
            follower.Drain();
            follower.Learned.Release(n => late || complete.Contains(n) || !known.Contains(n));
        }

        var diff = Neighbours.Diff(peers, options.Neighbours, options.RestartTime);
        if (diff.Foreign.Count > 0 || (placed is not null && (diff.Add.Count > 0 || diff.Remove.Count > 0)))
        {
            await TakeAsync(new GobgpEvent.Drifted(), client, installer, follower, cancellation).ConfigureAwait(false);
        }
    }

    /// <returns>True: a neighbour has sent its whole table since the last look.</returns>
    private bool LookAtSessions(List<Api.Peer> peers)
    {
        var now = time.GetUtcNow();
        var byAddress = peers.Where(p => p.Conf is not null).ToDictionary(p => p.Conf.NeighborAddress);
        var before = sessions;
        sessions = [.. options.Neighbours.Select(n => Sessions.Read(n, byAddress.GetValueOrDefault(n.Address.ToString()), now))];
        foreach (var (session, index) in sessions.Select((s, i) => (s, i)))
        {
            var was = index < before.Length ? before[index].State : SessionState.Unknown;
            if (was != session.State && (was == SessionState.Established || session.State == SessionState.Established))
            {
                notify(new SpeakerNotice.SessionChanged(session.Address, was, session.State, session.Problem));
            }
        }

        return sessions.Any(s => s.TableReceived && s.Scopes.Any(x => x.IsFlowSpec()) && !before.Any(b => b.Address == s.Address && b.TableReceived));
    }

    private async Task ServeWithdrawalsAsync(Installer installer, CancellationToken cancellation)
    {
        while (withdrawals.Reader.TryRead(out var request))
        {
            if (situation.State is not (GobgpState.Running or GobgpState.Starting))
            {
                request.TrySetResult(new WithdrawResult(0, 0, situation.Problem ?? $"gobgpd is {situation.State}"));
                continue;
            }

            try
            {
                var (routes, neighbours) = await installer.WithdrawAllAsync(cancellation).ConfigureAwait(false);
                placed = null;
                request.TrySetResult(new WithdrawResult(routes, neighbours, null));
            }
            catch (GobgpException e)
            {
                request.TrySetResult(new WithdrawResult(0, 0, e.Message));
            }
        }
    }

    /// <summary>True if every FlowSpec neighbour has sent its table, or has had its time to.</summary>
    private bool Settled(Installer installer) => situation.State == GobgpState.Running
        && (!options.Neighbours.Any(n => n.IsFlowSpec)
            || (installer.NeighboursPlaced && (time.GetUtcNow() >= settleUntil
                || (sessions.Length == options.Neighbours.Length && sessions.All(s => s.TableReceived || !s.Scopes.Any(x => x.IsFlowSpec()))))));

    private void Publish(Installer installer, Follower follower)
    {
        var synchronised = Settled(installer);
        if (follower.Learned.Publish(synchronised) is { } change)
        {
            learned = change.Table;
            changes.Writer.TryWrite(change);
        }

        var now = time.GetUtcNow();
        if (rejections.Total > rejectionsNotified && now >= nextRejectionNotice)
        {
            notify(new SpeakerNotice.RoutesRejected(rejections.Total - rejectionsNotified, rejections.Recent[^1]));
            rejectionsNotified = rejections.Total;
            nextRejectionNotice = now + RejectionNotice;
        }

        published = Snapshot(installer, follower.Learned, synchronised);
    }

    private Published Snapshot(Installer? installer, LearnedState? table, bool synchronised)
    {
        var pending = 0;
        var target = wanted;
        if (target is not null && !ReferenceEquals(target, placed))
        {
            var diff = LocalRoutes.Diff(installer?.Installed ?? [], target.Routes);
            pending = diff.Announce.Count + diff.Withdraw.Count;
        }

        // Before the first poll: the configuration alone.
        var shown = (sessions.Length == options.Neighbours.Length ? sessions : options.Neighbours.Select(n => Sessions.Read(n, null, default)))
            .Select(s => s with { Accepted = table?.CountOf(s.Address) ?? 0 }).ToImmutableArray();
        var now = new SpeakerStatus(situation.State, situation.Since, situation.Problem, situation.NextStep, notes, synchronised,
            learned.Count, table?.HeldCount ?? 0, shown, installer?.Counts ?? ImmutableSortedDictionary<Scope, int>.Empty, pending, rejections.Counts, rejections.Recent);
        return new Published(now, target);
    }

    private void Wake() => wakes.Writer.TryWrite(true);

    private async Task WaitAsync(TimeSpan limit, CancellationToken cancellation)
    {
        if (limit <= TimeSpan.Zero)
        {
            return;
        }

        using var timer = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            await wakes.Reader.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Nothing woke it: the next probe or poll is due.
        }
    }

    /// <summary>What is to be announced, as one object, so that one comparison tells whether it is what was placed.</summary>
    private sealed record Wanted(Dictionary<RouteName, PathAttributes> Routes);

    /// <param name="Of">What was to be announced when the loop counted.</param>
    private sealed record Published(SpeakerStatus Status, Wanted? Of);
}
