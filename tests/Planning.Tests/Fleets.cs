using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Planning.Tests;

/// <summary>Fleets in one line: servers are DATACENTER-1 to DATACENTER-n.</summary>
internal static class Fleets
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(120);

    public static EgressPool Pool(
        string name = "us",
        string prefix = "192.0.2.0/24",
        string? first = null,
        int? addresses = null,
        int sliceSize = 2048,
        int[]? reserved = null,
        int perServer = 1,
        params (string Datacenter, int Weight)[] weights)
    {
        var network = IpPrefix.Parse(prefix);
        var from = first is null ? network.Network : IpAddress.Parse(first);
        return new EgressPool(
            name,
            network,
            from,
            addresses is { } count ? from.Add((UInt128)(count - 1)) : network.Last,
            ImmutableSortedDictionary<string, string>.Empty,
            SliceSize.Create(sliceSize),
            [.. reserved ?? [0]],
            perServer,
            default,
            weights.ToImmutableSortedDictionary(w => w.Datacenter, w => w.Weight),
            false,
            EchoPolicy.Drop);
    }

    public static Fleet Make(EgressPool[] pools, params (string Datacenter, int Servers)[] sizes) =>
        Of(pools, sizes.SelectMany(s => Enumerable.Range(1, s.Servers).Select(i => (s.Datacenter, $"{s.Datacenter}-{i}"))));

    public static Fleet Make(EgressPool pool, params (string Datacenter, int Servers)[] sizes) => Make([pool], sizes);

    public static Fleet Of(EgressPool[] pools, IEnumerable<(string Datacenter, string Name)> servers)
    {
        var list = servers.ToList();
        var names = list.Select(s => s.Datacenter).Concat(pools.SelectMany(p => p.Weights.Keys)).Distinct().Order(StringComparer.Ordinal).ToList();
        return new Fleet(
            64512,
            names.Select((n, i) => new Datacenter(n, new TunnelEndpoint(IpAddress.FromUInt32(0x0AFF0000 + (uint)i)), 64512)),
            list.Select((s, i) => new Server(s.Name, s.Datacenter, new TunnelEndpoint(IpAddress.FromUInt32(0x0A000000 + (uint)i)), IpAddress.FromUInt32(0x0A000000 + (uint)i))),
            pools);
    }

    public static Fleet With(this Fleet fleet, string datacenter, params string[] servers) =>
        Of([.. fleet.Pools], fleet.Servers.Values.Select(s => (s.Datacenter, s.Name)).Concat(servers.Select(s => (datacenter, s))));

    public static Fleet Without(this Fleet fleet, params string[] servers) =>
        Of([.. fleet.Pools], fleet.Servers.Values.Where(s => !servers.Contains(s.Name)).Select(s => (s.Datacenter, s.Name)));

    public static Fleet WithPools(this Fleet fleet, params EgressPool[] pools) =>
        Of(pools, fleet.Servers.Values.Select(s => (s.Datacenter, s.Name)));

    /// <summary>Plans, and holds the result to the invariants, to the step's rule and to a second plan.</summary>
    public static Assignment Plan(Fleet fleet, Assignment? inForce = null, DateTimeOffset? now = null)
    {
        var before = inForce ?? Assignment.Empty;
        var time = now ?? Now;
        var result = Planner.Plan(fleet, before, time, Quarantine);
        Assert.True(result.IsPlanned, PlanText.Render(result));
        Holds(fleet, before, result.Assignment!, time);
        return result.Assignment!;
    }

    public static void Holds(Fleet fleet, Assignment before, Assignment after, DateTimeOffset now, string seed = "")
    {
        var violations = AssignmentInvariants.Check(fleet, after).Concat(AssignmentInvariants.CheckStep(before, after, now)).ToList();
        Assert.True(violations.Count == 0, $"{seed} {string.Join("\n", violations)}");
        foreach (var later in (DateTimeOffset[])[now, now.AddSeconds(60), now.AddDays(1)])
        {
            var again = Planner.Plan(fleet, after, later, Quarantine);
            Assert.True(again.IsPlanned && ReferenceEquals(again.Assignment, after) && again.Diff!.IsEmpty, $"{seed} a plan of the plan at {later:O}: {PlanText.Render(again)}");
        }
    }

    public static PlanError Refused(Fleet fleet, Assignment? inForce = null, DateTimeOffset? now = null)
    {
        var result = Planner.Plan(fleet, inForce ?? Assignment.Empty, now ?? Now, Quarantine);
        Assert.Null(result.Assignment);
        Assert.Null(result.Diff);
        return Assert.Single(result.Errors);
    }

    public static string[] Blocks(this Assignment assignment, string pool = "us") =>
        [.. assignment.Pool(pool)!.Blocks.Select(b => $"{b.Block} {b.Datacenter}")];

    public static string[] Slices(this Assignment assignment, string pool = "us") =>
        [.. assignment.Pool(pool)!.Slices.Select(s => $"{s.Slice} {s.Server}")];

    public static string[] Quarantined(this Assignment assignment, string pool = "us") =>
        [.. assignment.Pool(pool)!.Quarantined.Select(q => $"{q.Slice} {q.FormerServer} {q.Until:HH:mm:ss}")];

    public static int Kept(Assignment before, Assignment after) =>
        before.Pools.SelectMany(p => p.Slices).Intersect(after.Pools.SelectMany(p => p.Slices)).Count();
}
