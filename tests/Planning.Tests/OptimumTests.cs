using SoftUnicast.Model;

namespace SoftUnicast.Planning.Tests;

public sealed class OptimumTests
{
    /// <summary>Whether everyone can be served, how many slices stay and how many addresses are split: as good as the best of all assignments.</summary>
    [Fact]
    public void No_assignment_is_better_on_small_pools()
    {
        int served = 0, refused = 0, split = 0;
        for (var seed = 0; seed < 600; seed++)
        {
            var fleets = new RandomFleets(seed, maxDatacenters: 3, maxServers: 6, maxAddresses: 4, sliceSizes: [16384, 32768, 8192]);
            var inForce = Assignment.Empty;
            for (var step = 0; step < 5; step++)
            {
                fleets.Step(changePool: step % 2 == 1);
                var best = SlowOptimum.Find(fleets.Fleet, fleets.Pool, inForce, fleets.Now);
                var result = Planner.Plan(fleets.Fleet, inForce, fleets.Now, Fleets.Quarantine);
                var where = $"seed {seed}, step {step}";
                Assert.True(result.IsPlanned == best is not null, $"{where}: {PlanText.Render(result)}");
                if (result.Assignment is not { } next || best is not { } optimum)
                {
                    refused++;
                    continue;
                }

                Fleets.Holds(fleets.Fleet, inForce, next, fleets.Now, where);
                Assert.True(Fleets.Kept(inForce, next) == optimum.Kept, $"{where}: {Fleets.Kept(inForce, next)} kept, {optimum.Kept} are possible");
                var cut = result.Diff!.Pools[0].Summary!.SplitAddressCount;

                // What was a server's own is an address that it may go back to although another one would stay whole, or not.
                Assert.True(cut == optimum.Split || CanTakeBack(inForce, next, fleets.Now), $"{where}: {cut} addresses split, {optimum.Split} are enough\n{PlanText.Render(result, int.MaxValue)}");
                served++;
                split += cut > 0 ? 1 : 0;
                inForce = next;
            }
        }

        Assert.True(served > 1000 && refused > 100 && split > 100, $"{served} served, {refused} refused, {split} with a split address: too few of a kind");
    }

    private static bool CanTakeBack(Assignment before, Assignment after, DateTimeOffset now) =>
        before.Pool("us") is { } old && after.Pool("us") is { } pool && pool.Slices.Except(old.Slices).Any(s =>
            old.Slices.Any(o => o.Server == s.Server && !pool.Slices.Contains(o)) || old.Quarantined.Any(q => q.FormerServer == s.Server && q.Until > now));
}
