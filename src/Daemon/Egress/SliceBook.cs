using System.Collections.Immutable;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Egress;

/// <summary>
/// The slices of this server and who holds them: every change is durable in the attribution log before it counts. Where the log
/// cannot be written nothing is opened or handed out, but what closes is closed all the same, for that is always safe.
/// </summary>
internal sealed class SliceBook(AttributionLog log, SliceLife life)
{
    private ImmutableSortedDictionary<AddressPorts, SliceState> slices = log.State.Slices;
    private ImmutableHashSet<AddressPorts> closed = []; // what was to close, and could not be written down
    private ImmutableHashSet<AddressPorts> drains = []; // of these and others, what the operator wants empty

    /// <summary>States, with what was counted last.</summary>
    public ImmutableSortedDictionary<AddressPorts, SliceState> Slices => slices;

    public Leases Leases => log.State.Leases;

    public AttributionOpening Opening => log.Opening;

    /// <summary>Why nothing can be written now, or null.</summary>
    public string? Problem => log.Problem?.Message;

    /// <summary>May it be used for new flows? Not if its closing could only not be written down.</summary>
    public bool IsOpen(AddressPorts slice) => slices.TryGetValue(slice, out var state) && state.IsOpen && !closed.Contains(slice);

    public SliceState? Of(AddressPorts slice) => slices.GetValueOrDefault(slice);

    /// <summary>
    /// Which of the slices that the assignment gives to this server are to be granted now. Where the size of slices was changed, one
    /// waits until those that have ports of it are free: their ports rest 120 s, and their former holders may still send from them.
    /// </summary>
    public IEnumerable<AddressPorts> ToGrant(IEnumerable<AddressPorts> own) => own
        .Where(slice => Of(slice) is not { Granted: true }
            && !slices.Values.Any(s => s.Slice != slice && s.Phase != SlicePhase.Free && s.Slice.Overlaps(slice)))
        .Order();

    /// <summary>Slices that are granted under a name that their pool has no longer.</summary>
    public IEnumerable<AddressPorts> Renamed(IEnumerable<AddressPorts> own, Func<AddressPorts, string> poolOf) =>
        own.Where(slice => Of(slice) is { Granted: true } state && state.Pool != poolOf(slice)).Order();

    /// <summary>Lets things happen to slices, together: all of them or none.</summary>
    /// <param name="events">Of slices that are known, or of new ones, whose pool is then given.</param>
    /// <param name="with">What else is written with them: leases.</param>
    /// <returns>False: it could not be written down, and <see cref="Problem"/> says why.</returns>
    public bool TryHappen(IEnumerable<(AddressPorts Slice, string Pool, SliceEvent Event)> events, Clock now, params IReadOnlyCollection<AttributionEntry> with)
    {
        var entries = new List<AttributionEntry>();
        var next = slices;
        var closing = new List<AddressPorts>();
        var asked = new List<AddressPorts>();
        var cancelled = new List<AddressPorts>();
        foreach (var (slice, pool, happened) in events)
        {
            var (state, effects) = life.Step(next.GetValueOrDefault(slice) ?? new SliceState(slice, pool), happened, now);
            entries.AddRange(effects.OfType<SliceEffect.Write>().Select(AttributionEntry.SliceChanged.From));
            next = state.IsForgotten ? next.Remove(slice) : next.SetItem(slice, state);
            if (effects.Any(e => e is SliceEffect.Close))
            {
                closing.Add(slice);
            }

            if (happened is SliceEvent.DrainAsked or SliceEvent.DrainCancelled)
            {
                (happened is SliceEvent.DrainAsked ? asked : cancelled).Add(slice);
            }
        }

        var revoked = Leases;
        foreach (var slice in closing)
        {
            (revoked, var lost) = revoked.Revoke(slice);
            entries.AddRange(lost.Select(l => new AttributionEntry.LeaseLost(l)));
        }

        entries.AddRange(with);
        closed = closed.Union(closing);
        if (!TryWrite(entries, now))
        {
            drains = drains.Union(asked);
            return false;
        }

        slices = next;
        closed = closed.Except(closing).Except(drains.Intersect(cancelled));
        drains = drains.Except(asked).Except(cancelled);
        return true;
    }

    /// <summary>
    /// Says that the writer lives, and writes down the drains that could not be, unless they were undone meanwhile. What else was to
    /// close is then open again, until who follows the assignment finds anew that it is withdrawn: before anything is handed out.
    /// </summary>
    public bool TryCatchUp(Clock now)
    {
        var known = drains.Where(slices.ContainsKey).Order();
        if (!TryHappen(known.Select(s => (s, slices[s].Pool, (SliceEvent)new SliceEvent.DrainAsked())), now))
        {
            return false;
        }

        (closed, drains) = ([], []);
        return true;
    }

    /// <summary>Writes entries that change no slice's life, or only says that the writer lives.</summary>
    public bool TryWrite(IReadOnlyCollection<AttributionEntry> entries, Clock now)
    {
        try
        {
            if (entries.Count == 0)
            {
                log.Tick(now);
            }
            else
            {
                log.Append(entries, now);
            }

            return true;
        }
        catch (AttributionException)
        {
            return false;
        }
    }

    /// <summary>Slices of a use that may be used for new flows, of some pools.</summary>
    public ImmutableArray<AddressPorts> Serving(SliceUse use, IEnumerable<string> pools) =>
        [.. slices.Values.Where(s => s.Use == use && pools.Contains(s.Pool) && IsOpen(s.Slice)).Select(s => s.Slice)];

    /// <summary>The daemon ends in order: what was counted until now is all there is.</summary>
    public void Stop(Clock now)
    {
        try
        {
            log.Stop(now);
        }
        catch (AttributionException)
        {
            // The next writer then finds an end without a word, and says so.
        }
    }
}
