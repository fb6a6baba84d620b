using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels;

/// <summary>
/// Keeps the way to every wanted endpoint known and fresh. Any thread may call; the work is done inside <see cref="Want"/>
/// and <see cref="Step"/>, by whoever calls them.
/// </summary>
/// <remarks>
/// A change that the source reports only marks what it may concern; the next step looks that up again. A neighbour is
/// shared by all endpoints behind it and asked once for all of them.
/// </remarks>
public sealed class NextHopTable : IDisposable
{
    private readonly INextHopSource source;
    private readonly TimeProvider time;
    private readonly NextHopTimers timers;
    private readonly DateTimeOffset startedAt;
    private readonly long startedTimestamp;
    private readonly Lock gate = new();
    private readonly Dictionary<IpAddress, ImmutableArray<NeighbourNeed>> needs = [];
    private readonly Dictionary<NeighbourKey, HashSet<IpAddress>> endpointsByNeighbour = [];
    private readonly Dictionary<NeighbourKey, DateTimeOffset> askedAt = [];
    private readonly Lock dirtyGate = new();
    private readonly HashSet<NeighbourKey> dirtyNeighbours = [];
    private bool allDirty;
    private TaskCompletionSource wake = NewWake();
    private ImmutableDictionary<IpAddress, NextHopEntry> entries = ImmutableDictionary<IpAddress, NextHopEntry>.Empty;
    private DateTimeOffset recheckAt;

    public NextHopTable(INextHopSource source, TimeProvider time, NextHopTimers? timers = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(time);
        this.source = source;
        this.time = time;
        this.timers = timers ?? NextHopTimers.Default;
        startedAt = time.GetUtcNow();
        startedTimestamp = time.GetTimestamp();
        recheckAt = startedAt + this.timers.Recheck;
        source.Changed += OnSourceChanged;
    }

    /// <summary>Raised by whoever called <see cref="Want"/> or <see cref="Step"/>, after the new entries are in place.</summary>
    public event EventHandler<ImmutableArray<NextHopChange>>? Changed;

    /// <summary>A snapshot: every wanted endpoint has an entry.</summary>
    public ImmutableDictionary<IpAddress, NextHopEntry> Entries => Volatile.Read(ref entries);

    // Wall clock at the start plus what has passed since: it reads like a clock and never jumps.
    private DateTimeOffset Now => startedAt + time.GetElapsedTime(startedTimestamp);

    /// <summary>Sets which endpoints are wanted, looks the new ones up and forgets the others.</summary>
    public ImmutableArray<NextHopChange> Want(IEnumerable<IpAddress> endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var wanted = endpoints.ToHashSet();
        var changes = ImmutableArray.CreateBuilder<NextHopChange>();
        lock (gate)
        {
            var next = entries.ToBuilder();
            foreach (var (endpoint, entry) in entries)
            {
                if (!wanted.Contains(endpoint))
                {
                    SetNeeds(endpoint, []);
                    needs.Remove(endpoint);
                    next.Remove(endpoint);
                    changes.Add(new NextHopChange(entry, null));
                }
            }

            var now = Now;
            foreach (var endpoint in wanted.Where(e => !entries.ContainsKey(e)).Order())
            {
                var entry = LookUp(NextHopEntry.New(endpoint, now), now);
                next[endpoint] = entry;
                changes.Add(new NextHopChange(null, entry));
            }

            Volatile.Write(ref entries, next.ToImmutable());
            AskNeighbours(now);
        }

        Wake();
        return Report(changes.ToImmutable());
    }

    /// <summary>Looks up again what may have changed or is due, and asks the neighbours that are due.</summary>
    public ImmutableArray<NextHopChange> Step()
    {
        var changes = ImmutableArray.CreateBuilder<NextHopChange>();
        lock (gate)
        {
            var now = Now;
            var next = entries.ToBuilder();
            foreach (var endpoint in TakeDue(now))
            {
                var before = entries[endpoint];
                var after = LookUp(before, now);
                next[endpoint] = after;
                if (after.State != before.State || !after.SameForPackets(before))
                {
                    changes.Add(new NextHopChange(before, after));
                }
            }

            Volatile.Write(ref entries, next.ToImmutable());
            AskNeighbours(now);
        }

        return Report(changes.ToImmutable());
    }

    /// <summary>How long until <see cref="Step"/> has something to do by time alone; zero if it is due.</summary>
    public TimeSpan UntilDue()
    {
        lock (gate)
        {
            var now = Now;
            var due = recheckAt;
            lock (dirtyGate)
            {
                if (allDirty || dirtyNeighbours.Count > 0)
                {
                    return TimeSpan.Zero;
                }
            }

            foreach (var entry in entries.Values)
            {
                if (entry.UnansweredSince is { } since)
                {
                    due = Earlier(due, since + timers.Hold);
                }
            }

            foreach (var (neighbour, endpoints) in endpointsByNeighbour)
            {
                if (endpoints.Count > 0 && AskInterval(neighbour) is { } interval)
                {
                    due = Earlier(due, askedAt.TryGetValue(neighbour, out var asked) ? asked + interval : now);
                }
            }

            return due > now ? due - now : TimeSpan.Zero;
        }
    }

    /// <summary>Steps whenever the source reports a change or something is due, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            Task woken;
            lock (dirtyGate)
            {
                if (wake.Task.IsCompleted)
                {
                    wake = NewWake();
                }

                woken = wake.Task;
            }

            Step();
            var delay = UntilDue();
            if (delay > TimeSpan.Zero)
            {
                try
                {
                    await woken.WaitAsync(delay, time, cancellationToken).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    // Something is due.
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    return;
                }
            }
        }
    }

    public void Dispose() => source.Changed -= OnSourceChanged;

    private static TaskCompletionSource NewWake() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static DateTimeOffset Earlier(DateTimeOffset left, DateTimeOffset right) => left < right ? left : right;

    private void OnSourceChanged(object? sender, NextHopSourceChange change)
    {
        lock (dirtyGate)
        {
            if (change.Neighbour is { } neighbour)
            {
                dirtyNeighbours.Add(neighbour);
            }
            else
            {
                allDirty = true;
            }

            wake.TrySetResult();
        }
    }

    private void Wake()
    {
        lock (dirtyGate)
        {
            wake.TrySetResult();
        }
    }

    private List<IpAddress> TakeDue(DateTimeOffset now)
    {
        bool all;
        NeighbourKey[] neighbours;
        lock (dirtyGate)
        {
            all = allDirty;
            neighbours = [.. dirtyNeighbours];
            allDirty = false;
            dirtyNeighbours.Clear();
        }

        if (now >= recheckAt)
        {
            all = true;
            recheckAt = now + timers.Recheck;
        }

        if (all)
        {
            return [.. entries.Keys.Order()];
        }

        var due = new SortedSet<IpAddress>();
        foreach (var neighbour in neighbours)
        {
            due.UnionWith(endpointsByNeighbour.GetValueOrDefault(neighbour) ?? []);
        }

        foreach (var entry in entries.Values)
        {
            if (entry.UnansweredSince is { } since && now - since >= timers.Hold)
            {
                due.Add(entry.Endpoint);
            }
        }

        return [.. due];
    }

    private NextHopEntry LookUp(NextHopEntry entry, DateTimeOffset now)
    {
        var answer = OuterHeader.Carries(entry.Endpoint)
            ? source.Resolve(entry.Endpoint)
            : NextHopAnswer.Failed("the packet path does not carry an IPv6 underlay yet");
        SetNeeds(entry.Endpoint, answer.Neighbours.IsDefault ? [] : answer.Neighbours);
        return entry.Step(answer, now, timers);
    }

    private void SetNeeds(IpAddress endpoint, ImmutableArray<NeighbourNeed> now)
    {
        foreach (var need in needs.GetValueOrDefault(endpoint, []))
        {
            var others = endpointsByNeighbour[need.Key];
            others.Remove(endpoint);
            if (others.Count == 0)
            {
                endpointsByNeighbour.Remove(need.Key);
            }
        }

        needs[endpoint] = now;
        foreach (var need in now)
        {
            if (!endpointsByNeighbour.TryGetValue(need.Key, out var endpoints))
            {
                endpointsByNeighbour[need.Key] = endpoints = [];
            }

            endpoints.Add(endpoint);
        }
    }

    // Null: confirmed, nothing to ask. The endpoints behind a neighbour agree on it but for the moment of a change, so one speaks for all.
    private TimeSpan? AskInterval(NeighbourKey neighbour)
    {
        var endpoint = endpointsByNeighbour[neighbour].First();
        if (needs[endpoint].First(n => n.Key == neighbour).IsConfirmed)
        {
            return null;
        }

        var entry = entries[endpoint];
        return entry.State == NextHopState.Resolved && entry.UnansweredSince is null ? timers.Refresh : timers.Retry;
    }

    private void AskNeighbours(DateTimeOffset now)
    {
        foreach (var neighbour in endpointsByNeighbour.Keys)
        {
            if (AskInterval(neighbour) is { } interval && (!askedAt.TryGetValue(neighbour, out var asked) || now - asked >= interval))
            {
                askedAt[neighbour] = now;
                source.Refresh(neighbour);
            }
        }

        foreach (var forgotten in askedAt.Keys.Where(n => !endpointsByNeighbour.ContainsKey(n)).ToArray())
        {
            askedAt.Remove(forgotten);
        }
    }

    private ImmutableArray<NextHopChange> Report(ImmutableArray<NextHopChange> changes)
    {
        if (changes.Length > 0)
        {
            Changed?.Invoke(this, changes);
        }

        return changes;
    }
}
