using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Egress.Life;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.SharingOut;

/// <summary>
/// Chooses the slices for a request. One slice serves one use: the first request for a use takes a slice that serves none yet,
/// and another one is taken when every slice of the use is nearly full. Asked again after a change, it says what an enrolled
/// cgroup or a NAT chain has now.
/// </summary>
public static class Sharing
{
    /// <summary>A use gets one more slice when its emptiest is so full.</summary>
    public const double MorePercent = 75;

    public static SharedOut Choose(SlicesOnHand onHand, SliceSelection selection, SliceUse use)
    {
        ArgumentNullException.ThrowIfNull(onHand);
        ArgumentNullException.ThrowIfNull(selection);
        if (use == SliceUse.None)
        {
            throw new ArgumentOutOfRangeException(nameof(use), use, "somebody who asks has a use");
        }

        var (pools, unknown) = Matching(onHand.Pools, selection);
        if (unknown is not null)
        {
            return Nothing(unknown);
        }

        var here = onHand.Slices.Where(s => pools.Contains(s.State.Pool)).ToList();
        var alive = here.Where(s => s.State.Phase != SlicePhase.Free).ToList();
        if (alive.Count == 0)
        {
            var drained = here.Any(s => s.State.DrainAsked);
            return Nothing(new(SharingErrorKind.NoSliceHere, drained
                ? $"every slice of {Named(pools)} on this server is drained"
                : $"{Named(pools)} {(pools.Count == 1 ? "has" : "have")} no slice on this server"));
        }

        if (onHand.Refusal is { } refusal)
        {
            return Nothing(new(SharingErrorKind.Refused, $"no slice is handed out on this server: {refusal}"));
        }

        var open = alive.Where(s => s.State.IsOpen).ToList();
        if (open.Count == 0)
        {
            return Nothing(new(SharingErrorKind.NoneOpen, NoneOpen(alive, pools)));
        }

        var serving = open.Where(s => s.State.Use == use).ToList();
        var spare = serving.All(s => s.PercentUsed >= MorePercent) ? NextSpare(open, serving, [.. onHand.Slices.Where(s => Disturbs(s.State.Use, use))]) : null;
        if (spare is not null)
        {
            serving.Add(spare);
        }

        if (serving.Count == 0)
        {
            var others = string.Join(", ", open.OrderBy(s => s.State.Slice).Select(s => s.State.Use == SliceUse.None
                ? $"{s.State.Slice} has port numbers of a slice that serves {(use == SliceUse.Range ? "exec or explicit" : "range")}"
                : $"{s.State.Slice} serves {Name(s.State.Use)}"));
            return Nothing(new(SharingErrorKind.NoneForUse, $"no slice of {Named(pools)} is left for {Name(use)} on this server: {others}"));
        }

        return new SharedOut(
            [.. Ordered(serving, use).Select(s => s.State.Slice)],
            [.. serving.Select(s => s.State.Pool).Distinct().Order(StringComparer.Ordinal)],
            spare?.State.Slice,
            null);
    }

    /// <summary>The use's name on the command line and in the log.</summary>
    public static string Name(SliceUse use) => use switch
    {
        SliceUse.None => "none",
        SliceUse.Exec => "exec",
        SliceUse.Range => "range",
        SliceUse.Explicit => "explicit",
        SliceUse.Nat => "nat",
        _ => throw new ArgumentOutOfRangeException(nameof(use), use, null),
    };

    private static (List<string> Pools, SharingError? Error) Matching(ImmutableArray<EgressPool> pools, SliceSelection selection)
    {
        if (selection.Pool is { } name)
        {
            return pools.Any(p => p.Name == name) ? ([name], null) : ([], new(SharingErrorKind.UnknownPool,
                $"there is no pool '{name}'{Hint(name, pools.Select(p => p.Name))}; {List("the pools are", pools.Select(p => p.Name), "the fleet has none")}"));
        }

        foreach (var (key, value) in selection.Tags)
        {
            var keys = pools.SelectMany(p => p.Tags.Keys).Distinct();
            if (!keys.Contains(key))
            {
                return ([], new(SharingErrorKind.UnknownTag,
                    $"no pool has a tag '{key}'{Hint(key, keys)}; {List("the tags are", keys, "no pool has any")}"));
            }

            var values = pools.Where(p => p.Tags.ContainsKey(key)).Select(p => p.Tags[key]).Distinct();
            if (!values.Contains(value))
            {
                return ([], new(SharingErrorKind.NoPoolWithTags,
                    $"no pool has {key}={value}{Hint(value, values)}; {List($"there is {key}", values, "")}"));
            }
        }

        var matching = pools.Where(p => selection.Tags.All(t => p.Tags.TryGetValue(t.Key, out var value) && value == t.Value))
            .Select(p => p.Name).Order(StringComparer.Ordinal).ToList();
        return matching.Count > 0 ? (matching, null) : ([], new(SharingErrorKind.NoPoolWithTags, $"no pool has {selection} together"));
    }

    /// <summary>
    /// The kernel notes per port number, whatever the address, that a port was bound with SO_REUSEADDR, and then does not choose it
    /// within IP_LOCAL_PORT_RANGE: so the two never have the same port numbers on one server.
    /// </summary>
    private static bool Disturbs(SliceUse one, SliceUse other) =>
        (one == SliceUse.Range && other is SliceUse.Exec or SliceUse.Explicit) || (other == SliceUse.Range && one is SliceUse.Exec or SliceUse.Explicit);

    /// <summary>From the address that serves this use least so far, so that addresses are used evenly.</summary>
    private static SliceOnHand? NextSpare(List<SliceOnHand> open, List<SliceOnHand> serving, List<SliceOnHand> disturbing) => open
        .Where(s => s.State.Use == SliceUse.None && !disturbing.Exists(d => d.State.Slice.Ports.Overlaps(s.State.Slice.Ports)))
        .OrderBy(s => serving.Count(o => o.State.Slice.Address == s.State.Slice.Address))
        .ThenBy(s => s.State.Slice)
        .FirstOrDefault();

    /// <summary>
    /// For programs that are given one slice at a time, the emptiest address first, and in it the emptiest slice. Policies keep
    /// the order of addresses: the packet path starts anywhere in them, and an unchanged list is not written again.
    /// </summary>
    private static IEnumerable<SliceOnHand> Ordered(List<SliceOnHand> slices, SliceUse use) => use is SliceUse.Exec or SliceUse.Nat
        ? slices.OrderBy(s => s.State.Slice)
        : slices.GroupBy(s => s.State.Slice.Address)
            .OrderBy(g => g.Min(s => s.PercentUsed)).ThenBy(g => g.Key)
            .SelectMany(g => g.OrderBy(s => s.PercentUsed).ThenBy(s => s.State.Slice));

    private static string NoneOpen(List<SliceOnHand> alive, List<string> pools)
    {
        var draining = alive.Count(s => s.State.Phase == SlicePhase.Draining);
        var waiting = alive.Count - draining;
        return string.Create(CultureInfo.InvariantCulture,
            $"no slice of {Named(pools)} is open on this server: {draining} draining, {waiting} in quarantine");
    }

    private static string Named(List<string> pools) => pools.Count == 1 ? $"pool {pools[0]}" : $"pools {string.Join(", ", pools)}";

    private static string Hint(string word, IEnumerable<string> known) => LikelyWord.For(word, known) is { } near ? $": did you mean '{near}'?" : "";

    private static string List(string what, IEnumerable<string> words, string none)
    {
        var sorted = words.Distinct().Order(StringComparer.Ordinal).ToList();
        var shown = string.Join(", ", sorted.Take(20)) + (sorted.Count > 20 ? $" and {sorted.Count - 20} more" : "");
        return sorted.Count == 0 ? none : $"{what} {shown}";
    }

    private static SharedOut Nothing(SharingError error) => new([], [], null, error);
}
