using SoftUnicast.Model;
using static SoftUnicast.Planning.Tests.Fleets;

namespace SoftUnicast.Planning.Tests;

/// <summary>An IPv6 /48 has 2^80 addresses: as many as are needed are taken, from the first.</summary>
public sealed class IPv6Tests
{
    private static readonly EgressPool Large = Pool(prefix: "2001:db8::/48", weights: [("ams", 1), ("fra", 1)]);

    [Fact]
    public void A_large_pool_takes_addresses_as_needed()
    {
        var plan = Plan(Make(Large, ("ams", 32), ("fra", 1)));
        Assert.Equal(["[2001:db8::]:0-65535 ams", "[2001:db8::1]:0-65535 ams", "[2001:db8::2]:0-65535 fra"], plan.Blocks());
        Assert.Equal("[2001:db8::1]:2048-4095 ams-32", plan.Slices()[31]);
    }

    [Fact]
    public void A_large_pool_grows_and_shrinks_without_moving_a_slice()
    {
        var fleet = Make(Large, ("ams", 31), ("fra", 1));
        var before = Plan(fleet);
        var grown = Plan(fleet.With("ams", "ams-32"), before);
        Assert.Equal("[2001:db8::2]:0-65535 ams", grown.Blocks()[2]);
        Assert.Equal(32, Kept(before, grown));
        var shrunk = Plan(fleet, grown, Now.AddHours(1));
        Assert.Equal(grown.Blocks(), shrunk.Blocks());
        var again = Plan(fleet.With("ams", "ams-33"), shrunk, Now.AddHours(2));
        Assert.Equal(grown.Blocks(), again.Blocks());
    }

    [Fact]
    public void The_whole_of_IPv6_overflows_nothing()
    {
        var fleet = Make(Pool(prefix: "::/0", weights: [("ams", 1)]), ("ams", 1));
        Assert.Equal(["[::]:2048-4095 ams-1"], Plan(fleet).Slices());
        Assert.NotEmpty(PlanText.Render(Planner.Plan(fleet, Assignment.Empty, Now, Quarantine)));
    }

    [Fact]
    public void A_few_IPv6_addresses_are_shared_out_like_IPv4_ones()
    {
        var plan = Plan(Make(Pool(prefix: "2001:db8::/48", first: "2001:db8::1", addresses: 3, weights: [("ams", 1), ("fra", 2)]), ("ams", 1), ("fra", 1)));
        Assert.Equal(["[2001:db8::1]:0-65535 ams", "[2001:db8::2]:0-65535 fra", "[2001:db8::3]:0-65535 fra"], plan.Blocks());
    }

    [Fact]
    public void A_large_IPv4_pool_is_taken_as_needed_too()
    {
        Assert.Single(Plan(Make(Pool(prefix: "10.0.0.0/15", weights: [("ams", 1)]), ("ams", 1))).Blocks());
        Assert.Equal(65536, Plan(Make(Pool(prefix: "10.0.0.0/16", weights: [("ams", 1)]), ("ams", 1))).Blocks().Length);
    }
}
