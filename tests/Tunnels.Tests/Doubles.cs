using SoftUnicast.Model;

namespace SoftUnicast.Tunnels.Tests;

/// <summary>A clock that moves only when told, timers included.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private long ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>What the wall clock is off by; a jump does not move timers or timestamps.</summary>
    public TimeSpan WallClockJump { get; set; }

    public override long GetTimestamp() => Interlocked.Read(ref ticks);

    public override DateTimeOffset GetUtcNow() =>
        new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) + TimeSpan.FromTicks(GetTimestamp()) + WallClockJump;

    public void Advance(TimeSpan by)
    {
        List<ManualTimer> due;
        lock (gate)
        {
            ticks += by.Ticks;
            due = [.. timers.Where(t => t.DueAt <= ticks)];
            due.ForEach(t => t.DueAt = long.MaxValue);
        }

        due.ForEach(t => t.Fire());
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (gate)
        {
            timers.Add(timer);
        }

        return timer;
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        public long DueAt { get; set; } = long.MaxValue;

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            DueAt = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : time.GetTimestamp() + dueTime.Ticks;
            return true;
        }

        public void Dispose()
        {
            lock (time.gate)
            {
                time.timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Answers what the test set, and notes what it was asked.</summary>
internal sealed class ScriptedSource : INextHopSource
{
    public event EventHandler<NextHopSourceChange>? Changed;

    public Dictionary<IpAddress, NextHopAnswer> Answers { get; } = [];

    public List<IpAddress> Resolved { get; } = [];

    public List<NeighbourKey> Refreshed { get; } = [];

    public NextHopAnswer Resolve(IpAddress endpoint)
    {
        Resolved.Add(endpoint);
        return Answers.GetValueOrDefault(endpoint) ?? NextHopAnswer.Failed("no route");
    }

    public void Refresh(NeighbourKey neighbour) => Refreshed.Add(neighbour);

    public void RaiseAll() => Changed?.Invoke(this, new NextHopSourceChange(null));

    public void Raise(NeighbourKey neighbour) => Changed?.Invoke(this, new NextHopSourceChange(neighbour));

    public bool HasListener => Changed is not null;
}
