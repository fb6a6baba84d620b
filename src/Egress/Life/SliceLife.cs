namespace SoftUnicast.Egress.Life;

/// <summary>
/// The life of a slice on its server, as a pure state machine:
/// <code>
///   Free -- granted, no drain asked --> Owned
///   Owned -- withdrawn, drain asked --> Draining           opens nothing new, still steers
///   Draining -- granted again, drain cancelled --> Owned   nothing was given up yet
///   Draining -- no socket left --> Quarantined
///   Quarantined -- a socket seen --> Draining              the wait begins anew with the last one; no way back to Owned
///   Quarantined -- the wait is over --> Free               and Owned at once if it is granted and no drain asked
/// </code>
/// An owned slice keeps its use until nobody holds it, no socket is left, and the same wait is over.
/// </summary>
/// <param name="quarantine">The wait after the last socket.</param>
public sealed class SliceLife(TimeSpan quarantine)
{
    /// <summary>RFC 6888 requirement 8: a port is not given to another one within 120 seconds.</summary>
    public static TimeSpan DefaultQuarantine { get; } = TimeSpan.FromSeconds(120);

    /// <exception cref="InvalidOperationException">
    /// <see cref="SliceEvent.Used"/> on a slice that is not open or serves another use: whoever hands out does not ask for that.
    /// </exception>
    public (SliceState State, IReadOnlyList<SliceEffect> Effects) Step(SliceState state, SliceEvent happened, Clock now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(now);
        var effects = new List<SliceEffect>();
        var (next, name) = Happen(state, happened);
        if (name is not null && !next.IsSameOnDisk(state))
        {
            // The passage that follows, if any, says it all.
            var settled = Settle(next, now).State;
            if (settled.Phase == next.Phase)
            {
                effects.Add(new SliceEffect.Write(next, name));
            }
        }

        while (true)
        {
            var (settled, passage) = Settle(next, now);
            effects.AddRange(passage);
            if (settled.Phase == next.Phase)
            {
                return (settled, effects);
            }

            next = settled;
        }
    }

    private static (SliceState State, string? Record) Happen(SliceState state, SliceEvent happened) => happened switch
    {
        SliceEvent.Granted(var pool) => (state with { Granted = true, Pool = pool ?? state.Pool }, SliceRecords.Granted),
        SliceEvent.Withdrawn => (state with { Granted = false }, SliceRecords.Withdrawn),
        SliceEvent.DrainAsked => (state with { DrainAsked = true }, SliceRecords.DrainAsked),
        SliceEvent.DrainCancelled => (state with { DrainAsked = false }, SliceRecords.DrainCancelled),
        SliceEvent.SocketsCounted(var count) => (state with { Sockets = count }, null),
        SliceEvent.Used(var use) => (Take(state, use), SliceRecords.Used),
        SliceEvent.ReleasedByAll => (state with { Held = false }, null),
        SliceEvent.Tick => (state, null),
        _ => throw new ArgumentOutOfRangeException(nameof(happened), happened, null),
    };

    private static SliceState Take(SliceState state, SliceUse use)
    {
        if (!state.IsOpen || use == SliceUse.None || (state.Use != SliceUse.None && state.Use != use))
        {
            throw new InvalidOperationException($"{state.Slice} is {state.Phase} with use {state.Use}: it cannot serve {use}");
        }

        return state with { Use = use, Held = true, QuietSince = null };
    }

    /// <summary>One passage to another phase, or what changes within the phase.</summary>
    private (SliceState State, IEnumerable<SliceEffect> Effects) Settle(SliceState state, Clock now)
    {
        var wanted = state is { Granted: true, DrainAsked: false };
        switch (state.Phase)
        {
            case SlicePhase.Free when wanted:
            case SlicePhase.Draining when wanted && !state.WaitsOut:
                return Enter(state, SlicePhase.Owned, now, new SliceEffect.Open());

            case SlicePhase.Owned when !wanted:
                return Enter(state, SlicePhase.Draining, now, new SliceEffect.Close());

            case SlicePhase.Owned when state.Use != SliceUse.None:
                return Rest(state, now);

            case SlicePhase.Draining when state.Sockets == 0:
                return Enter(state, SlicePhase.Quarantined, now);

            case SlicePhase.Quarantined when state.Sockets > 0:
                return Enter(state, SlicePhase.Draining, now);

            case SlicePhase.Quarantined:
                return Wait(state, now);

            default:
                return (state, []);
        }
    }

    private static (SliceState State, IEnumerable<SliceEffect> Effects) Enter(SliceState state, SlicePhase phase, Clock now, params IEnumerable<SliceEffect> effects)
    {
        // A count from the former phase says nothing about this one: it may be older than what closed the slice.
        var next = state with { Phase = phase, Since = now, Sockets = null, QuietSince = null };
        next = phase switch
        {
            SlicePhase.Quarantined => next with { WaitsOut = true },
            SlicePhase.Free => next with { WaitsOut = false, Use = SliceUse.None, Held = false },
            _ => next,
        };
        return (next, [new SliceEffect.Write(next, SliceRecords.Of(phase)), .. effects]);
    }

    private (SliceState State, IEnumerable<SliceEffect> Effects) Wait(SliceState state, Clock now)
    {
        if (state.Since is { } since && now.Since(since) is { } waited)
        {
            return waited >= quarantine ? Enter(state, SlicePhase.Free, now, new SliceEffect.GiveUp()) : (state, []);
        }

        // The later of both wall clocks: after one more boot with the clock set right, this wait is not over by decades.
        var wall = state.Since is { } before && before.Wall > now.Wall ? before.Wall : now.Wall;
        var anew = state with { Since = now with { Wall = wall } };
        return (anew, [new SliceEffect.Write(anew, SliceRecords.Quarantined)]);
    }

    private (SliceState State, IEnumerable<SliceEffect> Effects) Rest(SliceState state, Clock now)
    {
        if (state.Held || state.Sockets != 0)
        {
            return (state with { QuietSince = null }, []);
        }

        var quiet = state with { QuietSince = state.QuietSince ?? now };
        if (now.Since(quiet.QuietSince) is not { } waited || waited < quarantine)
        {
            return (quiet, []);
        }

        var unused = quiet with { Use = SliceUse.None, QuietSince = null };
        return (unused, [new SliceEffect.Write(unused, SliceRecords.Unused)]);
    }
}
