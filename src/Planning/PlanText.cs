using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>A plan for people.</summary>
public static class PlanText
{
    /// <summary>Lines of each group that are printed unless all are asked for.</summary>
    public const int DefaultLinesPerGroup = 10;

    /// <summary>The changes, or the errors; every line ends with a line feed.</summary>
    /// <param name="linesPerGroup">Longer groups end with how many are left out; <see cref="int.MaxValue"/>: none are.</param>
    public static string Render(PlanResult result, int linesPerGroup = DefaultLinesPerGroup)
    {
        ArgumentNullException.ThrowIfNull(result);
        var text = new StringBuilder();
        foreach (var error in result.Errors)
        {
            Line(text, $"error: {error.Message}");
            foreach (var advice in error.Advice)
            {
                Line(text, $"  would do: {advice.Text}");
            }
        }

        if (!result.Errors.IsEmpty)
        {
            Line(text, $"nothing is planned: the assignment in force stays");
        }

        return result.Diff is null ? text.ToString() : Render(result.Diff, linesPerGroup);
    }

    /// <inheritdoc cref="Render(PlanResult, int)"/>
    public static string Render(PlanDiff diff, int linesPerGroup = DefaultLinesPerGroup)
    {
        ArgumentNullException.ThrowIfNull(diff);
        ArgumentOutOfRangeException.ThrowIfLessThan(linesPerGroup, 1);
        var text = new StringBuilder();
        if (diff.IsEmpty)
        {
            Line(text, $"nothing changes: generation {diff.ToGeneration} stays");
        }
        else
        {
            Line(text, $"generation {diff.FromGeneration} -> {diff.ToGeneration}");
        }

        foreach (var pool in diff.Pools)
        {
            Line(text, $"");
            Pool(text, pool, linesPerGroup);
        }

        return text.ToString();
    }

    private static void Pool(StringBuilder text, PoolDiff pool, int linesPerGroup)
    {
        var what = pool.Change switch
        {
            PoolChange.Added => " (new)",
            PoolChange.Removed => " (removed)",
            _ => pool.IsEmpty ? " (unchanged)" : "",
        };
        Line(text, $"pool {pool.Pool}{what}");
        if (pool.SliceSizeBefore is { } before && pool.Summary is { } now)
        {
            Line(text, $"  slice size {before} -> {now.SliceSize}: every slice moves");
        }

        var width = pool.Added.Select(a => a.Server.Length).Concat(pool.Removed.Select(r => r.Server.Length)).Concat(pool.Moved.Select(m => m.Server.Length)).DefaultIfEmpty().Max();
        Group(text, "added", [.. pool.Added.Select(a => $"+ {a.Server.PadRight(width)}  {a.Slice}")], linesPerGroup);
        Group(text, "removed", [.. pool.Removed.Select(r => $"- {r.Server.PadRight(width)}  {r.Slice}  {Why(r.Reason)}{Until(r.QuarantinedUntil)}")], linesPerGroup);
        Group(text, "moved", [.. pool.Moved.Select(m => $"~ {m.Server.PadRight(width)}  {m.From} -> {m.To}  {Why(m.Reason)}{Until(m.QuarantinedUntil)}")], linesPerGroup);
        Group(text, "changed hands", Blocks(pool.Blocks), linesPerGroup);
        if (pool.Summary is { } summary)
        {
            Summary(text, summary, pool.KeptCount);
        }
    }

    private static void Group(StringBuilder text, string name, ImmutableArray<string> lines, int linesPerGroup)
    {
        if (lines.IsEmpty)
        {
            return;
        }

        Line(text, $"  {name}: {lines.Length}");

        // One line more instead of a line that says that one is left out.
        var shown = lines.Length <= linesPerGroup + 1 ? lines.Length : linesPerGroup;
        foreach (var line in lines.Take(shown))
        {
            Line(text, $"    {line}");
        }

        if (shown < lines.Length)
        {
            Line(text, $"    ... and {lines.Length - shown} more (--all shows them)");
        }
    }

    /// <summary>Whole addresses in a row that change alike are one line.</summary>
    private static ImmutableArray<string> Blocks(ImmutableArray<BlockChange> changes)
    {
        var lines = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < changes.Length; i++)
        {
            var (first, last) = (changes[i], i);
            while (last + 1 < changes.Length && Continues(changes[last], changes[last + 1]))
            {
                last++;
            }

            var where = first.Block.Ports != PortRange.All ? first.Block.ToString()
                : last == i ? first.Block.Address.ToString()
                : string.Create(CultureInfo.InvariantCulture, $"{first.Block.Address}-{changes[last].Block.Address} ({last - i + 1} addresses)");
            lines.Add($"{where}  {first.From ?? "none"} -> {first.To ?? "none"}");
            i = last;
        }

        return lines.ToImmutable();
    }

    private static bool Continues(BlockChange one, BlockChange next) =>
        one.From == next.From
        && one.To == next.To
        && one.Block.Ports == PortRange.All
        && next.Block.Ports == PortRange.All
        && one.Block.Address.IsIPv6 == next.Block.Address.IsIPv6
        && next.Block.Address.Value - one.Block.Address.Value == 1;

    private static void Summary(StringBuilder text, PoolSummary s, int kept)
    {
        Line(text, $"  {s.Prefix}, {s.SliceSize} ports a slice: {s.ServerCount} servers, {s.SlicesOwned} of {s.SlicesUsable} slices owned ({kept} kept{Some(s.SlicesQuarantined, ", {0} in quarantine")})");
        Line(text, $"  {s.AddressCount} addresses{Some(s.SplitAddressCount, ", {0} split between datacenters")}; {s.BackboneEntryCount} entries on the backbone");
        foreach (var d in s.Datacenters)
        {
            Line(text, $"    {d.Name}: weight {d.Weight}, {d.ServerCount} servers, {d.SlicesOwned} slices, {d.WholeAddressCount} addresses{Some(d.SharedAddressCount, " and a part of {0}")}");
        }
    }

    private static string Some(int count, string format) => count == 0 ? "" : string.Format(CultureInfo.InvariantCulture, format, count);

    private static string Until(DateTimeOffset? until) => until is { } time
        ? string.Create(CultureInfo.InvariantCulture, $", in quarantine until {time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z")
        : "";

    private static string Why(ReleaseReason reason) => reason switch
    {
        ReleaseReason.ServerGone => "no such server",
        ReleaseReason.DatacenterNotServed => "datacenter not served",
        ReleaseReason.AddressNotAssignable => "address not assignable",
        ReleaseReason.SliceSizeChanged => "slice size changed",
        ReleaseReason.SliceReserved => "slice reserved",
        _ => "more than its number",
    };

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
