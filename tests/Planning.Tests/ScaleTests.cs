using System.Diagnostics;
using SoftUnicast.Model;

namespace SoftUnicast.Planning.Tests;

public sealed class ScaleTests(ITestOutputHelper output)
{
    [Fact]
    public void Forty_datacenters_of_200_servers_with_eight_pools_of_a_23_each()
    {
        (string, int)[] weights = [.. Enumerable.Range(1, 40).Select(i => ($"dc{i}", 1 + (i % 3)))];
        EgressPool[] pools = [.. Enumerable.Range(0, 8).Select(i => Fleets.Pool($"pool{i}", $"198.18.{2 * i}.0/23", weights: weights))];
        var fleet = Fleets.Make(pools, [.. Enumerable.Range(1, 40).Select(i => ($"dc{i}", 200))]);

        var watch = Stopwatch.StartNew();
        var plan = Planner.Plan(fleet, Assignment.Empty, Fleets.Now, Fleets.Quarantine).Assignment!;
        output.WriteLine($"first plan: {watch.ElapsedMilliseconds} ms");
        Assert.Equal(64000, plan.Pools.Sum(p => p.Slices.Length));
        Assert.All(plan.Pools, p => Assert.All(p.Blocks, b => Assert.Equal(PortRange.All, b.Block.Ports)));
        Assert.Empty(AssignmentInvariants.Check(fleet, plan));

        watch.Restart();
        Assert.Same(plan, Planner.Plan(fleet, plan, Fleets.Now, Fleets.Quarantine).Assignment);
        output.WriteLine($"unchanged: {watch.ElapsedMilliseconds} ms");

        var changed = fleet.Without("dc1-1", "dc40-200").With("dc7", "dc7-201", "dc7-202", "dc7-203");
        watch.Restart();
        var next = Planner.Plan(changed, plan, Fleets.Now, Fleets.Quarantine).Assignment!;
        output.WriteLine($"five servers changed: {watch.ElapsedMilliseconds} ms");
        Assert.Equal(64000 - 16, Fleets.Kept(plan, next));
        Assert.Equal(64000 - 16 + 24, next.Pools.Sum(p => p.Slices.Length));
        Assert.Empty(AssignmentInvariants.Check(changed, next));

        watch.Restart();
        var refused = Planner.Plan(fleet.WithPools([.. pools.Select(p => p with { SlicesPerServer = 2 })]), plan, Fleets.Now, Fleets.Quarantine);
        output.WriteLine($"refused: {watch.ElapsedMilliseconds} ms");
        Assert.Equal(8, refused.Errors.Length);
    }
}
