using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>The learned table across changes and across a gobgpd that goes and comes.</summary>
public sealed class LearnedStateTests
{
    private static readonly IpAddress Reflector = Ip("10.9.0.100");
    private static readonly IpAddress OtherReflector = Ip("10.9.0.101");
    private readonly LearnedState state = new();

    [Fact]
    public void Changes_are_told_once_and_each_carries_the_whole_table()
    {
        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        var change = state.Publish(true)!;
        Assert.Equal(["192.0.2.1:4096-6143 10.1.1.2"], Text(change.Announced));
        Assert.Empty(change.Withdrawn);
        Assert.Equal((1, true, 1L), (change.Table.Count, change.Table.Synchronised, change.Table.Version));
        Assert.Null(state.Publish(true));

        Announce("192.0.2.1:4096-6143", "10.1.2.1");
        Announce("192.0.2.1:6144-8191", "10.1.1.2");
        change = state.Publish(true)!;
        Assert.Equal(["192.0.2.1:4096-6143 10.1.2.1", "192.0.2.1:6144-8191 10.1.1.2"], Text(change.Announced));

        Withdraw("192.0.2.1:4096-6143");
        change = state.Publish(true)!;
        Assert.Equal(["192.0.2.1:4096-6143 10.1.2.1"], Text(change.Withdrawn));
        Assert.Equal(["192.0.2.1:6144-8191 10.1.1.2"], Text(change.Table.Routes));
    }

    [Fact]
    public void What_comes_and_goes_between_two_looks_is_no_change()
    {
        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        state.Publish(true);
        Announce("192.0.2.1:6144-8191", "10.1.1.2");
        Withdraw("192.0.2.1:6144-8191");
        Withdraw("192.0.2.1:4096-6143");
        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        var change = state.Publish(true)!;
        Assert.Empty(change.Announced);
        Assert.Empty(change.Withdrawn);
    }

    [Fact]
    public void An_unacceptable_route_in_the_place_of_a_good_one_takes_it_away()
    {
        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        state.Publish(true);
        state.Apply(Key("192.0.2.1:4096-6143"), null);
        Assert.Equal(["192.0.2.1:4096-6143 10.1.1.2"], Text(state.Publish(true)!.Withdrawn));
    }

    [Fact]
    public void A_held_route_stays_until_its_neighbour_has_sent_its_table_without_it()
    {
        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        Announce("192.0.2.1:6144-8191", "10.1.1.2");
        Announce("192.0.2.2:6144-8191", "10.1.1.2", OtherReflector);
        state.Publish(true);

        state.HoldAll();
        var held = state.Publish(false)!;
        Assert.Equal((3, 3, false), (held.Table.Count, held.Table.HeldCount, held.Table.Synchronised));
        Assert.Empty(held.Withdrawn);

        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        state.Release(n => n == Reflector);
        var change = state.Publish(false)!;
        Assert.Equal(["192.0.2.1:6144-8191 10.1.1.2"], Text(change.Withdrawn));
        Assert.Empty(change.Announced);
        Assert.Equal((2, 1), (change.Table.Count, change.Table.HeldCount));

        state.Release(_ => true);
        change = state.Publish(true)!;
        Assert.Equal((1, 0, true), (change.Table.Count, change.Table.HeldCount, change.Table.Synchronised));
    }

    [Fact]
    public void A_held_route_that_is_withdrawn_is_gone_at_once()
    {
        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        state.HoldAll();
        Withdraw("192.0.2.1:4096-6143");
        Assert.Equal((0, 0), (state.Publish(false)?.Table.Count ?? 0, state.HeldCount));
    }

    [Fact]
    public void One_ownership_from_two_neighbours_outlives_the_loss_of_one()
    {
        Announce("192.0.2.1:4096-6143", "10.1.1.2");
        Announce("192.0.2.1:4096-6143", "10.1.1.2", OtherReflector);
        Withdraw("192.0.2.1:4096-6143");
        Assert.Equal(OtherReflector, Assert.Single(state.Publish(true)!.Table.Routes).Neighbour);
    }

    [Fact]
    public void It_agrees_with_a_plain_dictionary_over_random_steps()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var model = new Dictionary<LearnedKey, OwnershipRoute>();
        var replica = new Dictionary<LearnedKey, OwnershipRoute>();
        for (var i = 0; i < 20_000; i++)
        {
            var key = new LearnedKey(random.Next(2) == 0 ? Reflector : OtherReflector, OwnershipMatch.Of(OwnershipKind.Slice, new AddressPorts(Ip("192.0.2.1"), SliceSize.Create(2048).PortsOf(random.Next(32)))));
            var route = random.Next(3) == 0 ? null : Route(key, random.Next(2) == 0 ? "10.1.1.2" : "10.1.2.1");
            state.Apply(key, route);
            if (route is null)
            {
                model.Remove(key);
            }
            else
            {
                model[key] = route;
            }

            if (random.Next(10) == 0 && state.Publish(true) is { } change)
            {
                // A reader that follows the steps ends with the table that the step carries.
                foreach (var gone in change.Withdrawn)
                {
                    Assert.True(replica.Remove(KeyOf(gone)), $"seed {seed}, step {i}");
                }

                foreach (var now in change.Announced)
                {
                    replica[KeyOf(now)] = now;
                }

                Assert.True(replica.OrderBy(r => r.Key.ToString()).SequenceEqual(model.OrderBy(r => r.Key.ToString())), $"seed {seed}, step {i}");
                Assert.Equal(model.Count, change.Table.Count);
                Assert.Equal(model.Count(m => m.Key.Neighbour == Reflector), state.CountOf(Reflector));
            }
        }
    }

    private static LearnedKey KeyOf(OwnershipRoute route) => new(route.Neighbour, OwnershipMatch.Of(route.Kind, route.Ports));

    private static LearnedKey Key(string ports, IpAddress? neighbour = null) => new(neighbour ?? Reflector, OwnershipMatch.Of(OwnershipKind.Slice, Ports(ports)));

    private static OwnershipRoute Route(LearnedKey key, string target) =>
        new(key.Match.Ports, OwnershipKind.Slice, Ip(target), default, Ip("10.9.0.2"), key.Neighbour);

    private static IEnumerable<string> Text(IEnumerable<OwnershipRoute> routes) => routes.Select(r => $"{r.Ports} {r.Target}").Order();

    private void Announce(string ports, string target, IpAddress? neighbour = null) => state.Apply(Key(ports, neighbour), Route(Key(ports, neighbour), target));

    private void Withdraw(string ports) => state.Apply(Key(ports), null);
}
