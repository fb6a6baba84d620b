using SoftUnicast.Daemon.State;
using SoftUnicast.Model;
using static SoftUnicast.Daemon.Tests.Fleets;

namespace SoftUnicast.Daemon.Tests.State;

public class AnnouncingTests
{
    private static readonly GateInputs Open = new(IsAttached: true, IsWritten: true, KnowsOwners: true, OwnersAwaitedFor: TimeSpan.Zero, IsGoingDown: false);

    [Fact]
    public void With_the_packet_path_whole_everything_is_announced()
    {
        var announcing = Make(Open);

        Assert.Equal([IpPrefix.Parse("192.0.2.0/24")], announcing.Announcements.Internet);
        Assert.Equal([IpPrefix.Parse("10.1.0.1/32"), IpPrefix.Parse("10.255.0.1/32")], announcing.Announcements.Underlay);
        Assert.Equal((Ports("192.0.2.1:0-65535"), Address("10.255.0.1")),
            announcing.Announcements.Backbone.Select(a => (a.Ports, a.Target)).Single());
        Assert.Equal((Ports("192.0.2.1:2048-4095"), Address("10.1.0.1")),
            announcing.Announcements.Datacenter.Select(a => (a.Ports, a.Target)).Single());
    }

    [Fact]
    public void Without_the_packet_path_on_every_interface_nothing_is_announced() =>
        AssertNothing(Make(Open with { IsAttached = false }), "the packet path is not attached to every interface");

    [Fact]
    public void Before_the_table_is_written_nothing_is_announced() =>
        AssertNothing(Make(Open with { IsWritten = false }), "the steering table is not written");

    [Fact]
    public void On_the_way_down_nothing_is_announced() => AssertNothing(Make(Open with { IsGoingDown = true }), "going down");

    [Fact]
    public void Until_the_owners_are_known_ownership_is_announced_and_the_prefix_is_not()
    {
        var announcing = Make(Open with { KnowsOwners = false });

        Assert.Empty(announcing.Announcements.Internet);
        Assert.NotEmpty(announcing.Announcements.Datacenter);
        Assert.Equal(["10.1.0.1/32"], announcing.Announcements.Underlay.Select(e => e.ToString())); // not the datacenter's, which attracts what others own
        Assert.Equal(["10.1.0.1/32", "10.255.0.1/32"], Make(Open).Announcements.Underlay.Select(e => e.ToString()).Order());
        Assert.Equal("the owners of other servers' slices are not learned yet", announcing.Prefixes.Single(p => !p.Prefix.IsIPv6).Decision.Reason);
    }

    [Fact]
    public void Owners_that_never_come_do_not_hold_the_prefix_back_for_ever() =>
        Assert.NotEmpty(Make(Open with { KnowsOwners = false, OwnersAwaitedFor = AnnouncementGate.LongestWait }).Announcements.Internet);

    [Fact]
    public void An_IPv6_prefix_is_held_back_with_its_reason()
    {
        var prefix = Make(Open).Prefixes.Single(p => p.Prefix.IsIPv6);

        Assert.Equal(GateDecision.No("the packet path does not carry IPv6 yet"), prefix.Decision);
    }

    private static void AssertNothing(Announcing announcing, string reason)
    {
        Assert.Equal(0, announcing.Announcements.Count);
        Assert.Equal(reason, announcing.Prefixes.Single(p => !p.Prefix.IsIPv6).Decision.Reason);
    }

    private static Announcing Make(GateInputs inputs) => Announcing.Make(Two, Self, Assigned(("192.0.2.1:2048-4095", "ams-1")), inputs);
}
