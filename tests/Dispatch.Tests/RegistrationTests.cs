using SoftUnicast.Model;

namespace SoftUnicast.Dispatch.Tests;

/// <summary>Who may register, which slot a socket gets, and which socket a flow.</summary>
public class RegistrationTests
{
    private static readonly RegistrationRules Rules = new(
    [
        new RegistrationRule(Label.Parse("www"), [33], [100]),
        new RegistrationRule(null, [1000], []),
    ]);

    [Theory]
    [InlineData("www", 33u, 33u, null)]
    [InlineData("www", 34u, 100u, null)]
    [InlineData("www", 1000u, 1000u, null)]
    [InlineData("www", 0u, 0u, "user 0 may not register for label www")]
    [InlineData("dns", 33u, 33u, "user 33 may not register for label dns")]
    public void Only_the_users_and_groups_of_a_rule_may_register(string label, uint user, uint group, string? refusal) =>
        Assert.Equal(refusal, Rules.Refusal(Label.Parse(label), new Registrant(user, [group])));

    [Fact]
    public void Where_there_is_no_rule_nobody_may_register() => Assert.Equal(
        "nobody may register for label www: the configuration has no rule for it",
        RegistrationRules.None.Refusal(Label.Parse("www"), new Registrant(0, [0])));

    [Fact]
    public void A_socket_that_joins_gets_the_first_empty_slot_and_keeps_the_one_it_has()
    {
        Assert.Equal((1, 0), Plan([7, 0, 9, 0], 8, RegisterMode.Join));
        Assert.Equal((2, 0), Plan([7, 0, 9, 0], 9, RegisterMode.Join));
    }

    [Fact]
    public void A_socket_that_replaces_takes_a_slot_by_one_store_and_empties_the_others()
    {
        var plan = SlotPlan.Make([7, 0, 9, 0], 8, RegisterMode.Replace);

        Assert.Equal(0, plan.Slot);
        Assert.Equal([2], plan.Emptied);
        Assert.Equal(2, SlotPlan.Make([7, 0, 9, 0], 9, RegisterMode.Replace).Slot);
    }

    [Fact]
    public void A_socket_too_many_is_refused()
    {
        var full = Enumerable.Range(1, 16).Select(i => (ulong)i).ToArray();

        Assert.StartsWith("the label has 16 sockets of this protocol already", SlotPlan.Make(full, 99, RegisterMode.Join).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Flows_spread_evenly_and_pass_over_dead_slots()
    {
        var counts = new int[4];
        for (var i = 0; i < 40000; i++)
        {
            var hash = SlotChoice.FlowHash(IpAddress.FromUInt32(0x0a000000u + (uint)(i / 16)), (ushort)(40000 + (i % 16)), IpAddress.Parse("192.0.2.1"), 443);
            counts[SlotChoice.Choose(hash, [true, true, true, true])!.Value]++;
            Assert.Equal(2, SlotChoice.Choose(hash, [false, false, true, false]));
        }

        Assert.All(counts, count => Assert.InRange(count, 9500, 10500));
        Assert.Null(SlotChoice.Choose(1, [false, false]));
        Assert.Null(SlotChoice.Choose(1, []));
    }

    private static (int Slot, int Emptied) Plan(ulong[] live, ulong cookie, RegisterMode mode)
    {
        var plan = SlotPlan.Make(live, cookie, mode);
        return (plan.Slot, plan.Emptied.Count);
    }
}
