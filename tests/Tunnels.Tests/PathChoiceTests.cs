using SoftUnicast.Model;

namespace SoftUnicast.Tunnels.Tests;

public sealed class PathChoiceTests
{
    private static readonly IpAddress Source = IpAddress.Parse("10.1.1.1");

    [Fact]
    public void The_choice_does_not_depend_on_the_order_of_the_legs()
    {
        var legs = Legs(1, 1, 1, 1);

        foreach (var endpoint in Endpoints(200))
        {
            Assert.Equal(PathChoice.Order(Source, endpoint, legs), PathChoice.Order(Source, endpoint, legs.Reverse()));
        }
    }

    [Fact]
    public void A_leg_that_goes_moves_only_the_endpoints_that_used_it()
    {
        var legs = Legs(1, 1, 1, 1);
        var gone = legs[2];

        foreach (var endpoint in Endpoints(500))
        {
            var before = PathChoice.Order(Source, endpoint, legs);
            var after = PathChoice.Order(Source, endpoint, legs.Where(l => l != gone));
            Assert.Equal(before.Where(l => l != gone), after);
        }
    }

    // 4,000 draws: five standard deviations of a share of 1/4 are 137.
    [Fact]
    public void Endpoints_spread_by_weight()
    {
        var legs = Legs(1, 2, 1);

        var shares = Endpoints(4000).CountBy(e => PathChoice.Order(Source, e, legs)[0].InterfaceIndex).ToDictionary();

        Assert.InRange(shares[1], 863, 1137);
        Assert.InRange(shares[2], 1842, 2158);
        Assert.InRange(shares[3], 863, 1137);
    }

    [Fact]
    public void Two_servers_do_not_all_take_the_same_leg_to_one_endpoint()
    {
        var legs = Legs(1, 1);
        var endpoint = IpAddress.Parse("10.2.1.1");

        Assert.Equal(2, Endpoints(64).Select(source => PathChoice.Order(source, endpoint, legs)[0]).Distinct().Count());
    }

    private static PathLeg[] Legs(params int[] weights) =>
        [.. weights.Select((w, i) => new PathLeg(i + 1, IpAddress.FromUInt32(0x0A00_0001u + ((uint)i << 8)), w))];

    private static IEnumerable<IpAddress> Endpoints(int count) =>
        Enumerable.Range(0, count).Select(i => IpAddress.FromUInt32(0x0A02_0000u + (uint)i));
}
