using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Planning;

/// <summary>A pool that cannot give every server its slices, and what would do.</summary>
/// <param name="Wanted">Slices that its servers are to have.</param>
/// <param name="Missing">How many of them could not be given now, at least 1.</param>
/// <param name="InQuarantine">Slices that quarantine keeps from other servers, by this plan or an earlier one.</param>
/// <param name="Message">One sentence that names the pool.</param>
/// <param name="Advice">Each alone lets the plan succeed; empty if nothing was found.</param>
public sealed record PlanError(string Pool, long Wanted, long Missing, long InQuarantine, string Message, ImmutableArray<PlanAdvice> Advice);

/// <summary>One thing that would do.</summary>
public abstract record PlanAdvice
{
    /// <summary>An imperative sentence without its full stop.</summary>
    public abstract string Text { get; }

    protected static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The fewest addresses more that suffice.</summary>
/// <param name="Range">What the pool then assigns, if its prefix has room for it: upwards first, then downwards. Null: the prefix is too small.</param>
public sealed record MoreAddresses(long Count, (IpAddress First, IpAddress Last)? Range) : PlanAdvice
{
    private string Addresses => Count == 1 ? "1 more address" : Format($"{Count} more addresses");

    public override string Text => Range is { } range
        ? $"let the pool assign {Addresses} of its prefix, addresses: {range.First}-{range.Last}"
        : $"give the pool {Addresses}: a shorter prefix, or a second pool with the same tags";
}

/// <summary>The largest smaller slice size that suffices.</summary>
/// <param name="ReservedSlices">The slices of that size that cover the ports reserved now.</param>
/// <param name="WithoutFirst">
/// Empty: it suffices at once. Else servers that have no slice yet, and have to wait: plan without them first, and with them
/// when the quarantine of that plan is over.
/// </param>
public sealed record SmallerSliceSize(SliceSize SliceSize, ImmutableArray<int> ReservedSlices, ImmutableArray<string> WithoutFirst) : PlanAdvice
{
    public override string Text => Format($"set slice-size: {SliceSize} with reserved-slices: [{string.Join(", ", ReservedSlices)}]")
        + (WithoutFirst.IsEmpty ? "" : $", {AddServersLater.Steps(WithoutFirst)}");
}

/// <summary>The largest smaller number of slices per server that suffices.</summary>
public sealed record FewerSlicesPerServer(int Count) : PlanAdvice
{
    public override string Text => Format($"set slices-per-server: {Count}");
}

/// <summary>When enough quarantined slices are free again.</summary>
public sealed record WaitUntil(DateTimeOffset Time) : PlanAdvice
{
    public override string Text => Format($"wait until {Time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z, when quarantined slices are free again");
}

/// <summary>Only the quarantine of what this very plan releases is in the way: release first, add the new servers afterwards.</summary>
/// <param name="Servers">The servers that have no slice of the pool yet.</param>
public sealed record AddServersLater(ImmutableArray<string> Servers) : PlanAdvice
{
    public override string Text => "in two steps: " + Steps(Servers);

    internal static string Steps(ImmutableArray<string> servers) =>
        $"plan and roll out without {Names(servers)} first, and plan with {(servers.Length == 1 ? "it" : "them")} when the quarantine of that plan is over";

    private static string Names(ImmutableArray<string> servers) => servers.Length <= 5
        ? string.Join(", ", servers)
        : Format($"{string.Join(", ", servers.Take(4))} and {servers.Length - 4} more new servers");
}

/// <summary>What the servers have now is in their own way (slices become larger): take the pool out, put it back after its quarantine.</summary>
public sealed record EmptyFirst(string Pool) : PlanAdvice
{
    public override string Text =>
        $"in two steps: plan and roll out without pool {Pool} first (its servers stop using it), and plan with it again when the quarantine of that plan is over";
}
