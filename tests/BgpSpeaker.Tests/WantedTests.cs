using SoftUnicast.BgpSpeaker.Gobgp;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;
using Family = SoftUnicast.BgpSpeaker.Wire.Family;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>What gobgpd should have: routes, policies, neighbours, and the differences to what it has.</summary>
public sealed class WantedTests
{
    private static readonly Server Self = TheFleet.Servers["ams-1"];

    private static Announcements Everything => new(
        [IpPrefix.Parse("192.0.2.0/24"), IpPrefix.Parse("2001:db8:a::/48")],
        [IpPrefix.Parse("10.1.1.1/32"), IpPrefix.Parse("10.255.1.0/32")],
        [Owned("192.0.2.1:0-65535", "10.255.1.0"), Owned("192.0.2.2:2048-4095", "10.255.1.0")],
        [Owned("192.0.2.2:2048-4095", "10.1.1.1"), Owned("[2001:db8:a::1]:2048-4095", "10.1.1.1")]);

    [Fact]
    public void Every_announcement_is_a_route_of_its_own_even_a_block_that_is_one_slice_long()
    {
        var routes = LocalRoutes.From(Everything, Asn);
        Assert.Equal(8, routes.Count);
        Assert.Equal(
            [(Scope.Internet, 2), (Scope.Backbone, 2), (Scope.Datacenter, 2), (Scope.Underlay, 2)],
            routes.Values.GroupBy(a => Scheme.ScopeOf(a, Asn)!.Value).OrderBy(g => g.Key).Select(g => (g.Key, g.Count())));
        Assert.Equal([(Family.IPv4FlowSpec, 3), (Family.IPv4Unicast, 3), (Family.IPv6FlowSpec, 1), (Family.IPv6Unicast, 1)],
            routes.Keys.GroupBy(k => k.Family).Select(g => (g.Key, g.Count())).OrderBy(g => g.Key.ToString()));
    }

    [Fact]
    public void Nothing_is_touched_that_is_as_it_should_be()
    {
        Assert.True(LocalRoutes.Diff(LocalRoutes.From(Everything, Asn), LocalRoutes.From(Everything, Asn)).IsEmpty);
        var without = Everything with { Internet = [IpPrefix.Parse("192.0.2.0/24")] };
        var diff = LocalRoutes.Diff(LocalRoutes.From(Everything, Asn), LocalRoutes.From(without, Asn));
        Assert.Empty(diff.Announce);
        Assert.Equal("30" + "20010db8000a", Assert.Single(diff.Withdraw).Nlri);
        diff = LocalRoutes.Diff(LocalRoutes.From(without, Asn), LocalRoutes.From(Everything, Asn));
        Assert.Equal((1, 0), (diff.Announce.Count, diff.Withdraw.Count));
    }

    [Fact]
    public void A_route_whose_encapsulation_changes_is_announced_again_and_not_withdrawn()
    {
        var changed = Everything with { Datacenter = [Owned("192.0.2.2:2048-4095", "10.1.1.1", new Encapsulation(EncapsulationKind.Ipip)), Everything.Datacenter[1]] };
        var diff = LocalRoutes.Diff(LocalRoutes.From(Everything, Asn), LocalRoutes.From(changed, Asn));
        Assert.Equal((1, 0), (diff.Announce.Count, diff.Withdraw.Count));
    }

    [Fact]
    public void The_order_of_communities_makes_no_difference()
    {
        var sorted = Scheme.Ownership(Asn, Scope.Backbone, Ip("10.255.1.0"), new Encapsulation(EncapsulationKind.Gre, 7));
        var bytes = PathAttributeWriter.Write(Family.IPv4FlowSpec, [], sorted with { LargeCommunities = [.. sorted.LargeCommunities.Reverse()] });
        Assert.True(PathAttributeReader.Read(bytes.Select(b => (ReadOnlyMemory<byte>)b)).SaysTheSame(sorted));
    }

    public static TheoryData<string, Announcements, string?> Announced() => new()
    {
        { "everything that is ours", Everything, null },
        { "nothing", Announcements.None, null },
        { "a prefix outside the pools", Announcements.None with { Internet = [IpPrefix.Parse("203.0.113.0/24")] }, "203.0.113.0/24 is in no pool" },
        { "more than the pool", Announcements.None with { Internet = [IpPrefix.Parse("192.0.0.0/16")] }, "192.0.0.0/16 is in no pool" },
        { "less than the Internet routes", Announcements.None with { Internet = [IpPrefix.Parse("192.0.2.0/25")] }, "192.0.2.0/25 is longer than the Internet routes" },
        { "another server's endpoint", Announcements.None with { Underlay = [IpPrefix.Parse("10.1.1.2/32")] }, "10.1.1.2/32 is neither the endpoint of ams-1 nor that of ams" },
        { "a block for another datacenter", Announcements.None with { Backbone = [Owned("192.0.2.1:0-65535", "10.255.2.0")] }, "192.0.2.1:0-65535 is announced with the endpoint 10.255.2.0, which is not 10.255.1.0" },
        { "a slice for another server", Announcements.None with { Datacenter = [Owned("192.0.2.1:2048-4095", "10.1.1.2")] }, "192.0.2.1:2048-4095 is announced with the endpoint 10.1.1.2, which is not 10.1.1.1" },
        { "services inside an egress pool", Announcements.None with { Services = [IpPrefix.Parse("192.0.2.128/25")] }, "192.0.2.128/25 of a service overlaps pool general" },
        { "services over an endpoint", Announcements.None with { Services = [IpPrefix.Parse("10.0.0.0/8")] }, "10.0.0.0/8 of a service holds a tunnel endpoint" },
        { "a slice outside the pools", Announcements.None with { Datacenter = [Owned("203.0.113.1:2048-4095", "10.1.1.1")] }, "203.0.113.1:2048-4095 is in no pool" },
    };

    [Theory]
    [MemberData(nameof(Announced))]
    public void What_is_announced_stays_inside_the_pools_whatever_the_caller_does(string what, Announcements announcements, string? problem)
    {
        Assert.Equal((what, problem), (what, announcements.Problem(TheFleet, Self)));
        var speaker = new Speaker(Lab.RunningSpeaker.Options("/nowhere", 1), TimeProvider.System);
        if (problem is null)
        {
            speaker.Announce(announcements);
        }
        else
        {
            Assert.StartsWith(problem, Assert.Throws<ArgumentException>(() => speaker.Announce(announcements)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_waits_is_unknown_until_the_loop_has_counted_it()
    {
        var speaker = new Speaker(Lab.RunningSpeaker.Options("/nowhere", 1), TimeProvider.System);
        Assert.Equal(0, speaker.Status.Pending);
        speaker.Announce(Everything);
        Assert.Null(speaker.Status.Pending);
    }

    public static TheoryData<string, Func<SpeakerOptions, SpeakerOptions>, bool> Others() => new()
    {
        { "made again", o => o with { Neighbours = [.. o.Neighbours.Select(n => n with { Scopes = [.. n.Scopes] })], ListenAddresses = [.. o.ListenAddresses] }, true },
        { "another socket", o => o with { SocketPath = "/elsewhere" }, false },
        { "another server", o => o with { ServerName = "ams-2" }, false },
        { "another router id", o => o with { RouterId = Ip("10.9.0.9") }, false },
        { "another fleet", o => o with { Fleet = new Fleet(o.Fleet.Asn, o.Fleet.Datacenters.Values, o.Fleet.Servers.Values, []) }, false },
        { "another port", o => o with { ListenPort = 1179 }, false },
        { "another address", o => o with { ListenAddresses = [Ip("10.9.0.9")] }, false },
        { "no neighbour", o => o with { Neighbours = [] }, false },
        { "another scope", o => o with { Neighbours = [Neighbour(Scope.Datacenter)] }, false },
        { "another password", o => o with { Neighbours = [.. o.Neighbours.Select(n => n with { Password = "two" })] }, false },
        { "another hold time", o => o with { Neighbours = [.. o.Neighbours.Select(n => n with { HoldTime = TimeSpan.FromSeconds(30) })] }, false },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void Options_are_the_same_if_they_say_the_same(string what, Func<SpeakerOptions, SpeakerOptions> other, bool isSame)
    {
        var options = Lab.RunningSpeaker.Options("/nowhere", 1, Neighbour(Scope.Backbone) with { Password = "one" });
        Assert.Equal((what, isSame), (what, options.IsSameAs(other(options))));
    }

    public static TheoryData<string, NeighbourOptions[]> Contradictions() => new()
    {
        { "neighbour 10.9.0.100 mixes unicast and FlowSpec scopes: give it two sessions", [Neighbour(Scope.Internet, Scope.Backbone)] },
        { "neighbour 10.9.0.100 has no scope", [Neighbour()] },
        { "neighbour 10.9.0.100 is there twice", [Neighbour(Scope.Internet), Neighbour(Scope.Backbone)] },
        { "neighbour 10.9.0.100 has a hold time of 2 s: 3 to 65535 are legal", [Neighbour(Scope.Internet) with { HoldTime = TimeSpan.FromSeconds(2) }] },
    };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void Options_that_contradict_themselves_are_named(string problem, NeighbourOptions[] neighbours) =>
        Assert.Equal(problem, Assert.Throws<ArgumentException>(() => new Speaker(Lab.RunningSpeaker.Options("/nowhere", 1, neighbours), TimeProvider.System)).Message);

    [Fact]
    public void A_policy_says_which_scopes_go_where_and_never_has_an_empty_set()
    {
        var policy = new ExportPolicy(Asn, [Neighbour(Scope.Internet, Scope.Underlay), Neighbour(Scope.Backbone) with { Address = Ip("10.9.0.101") }]);
        Assert.Equal([Scope.Internet, Scope.Backbone, Scope.Underlay], policy.Rules.Select(r => r.Scope));
        // gobgpd takes an empty neighbour set for "everybody".
        Assert.All(PolicyWriter.Sets(policy), set => Assert.NotEmpty(set.List));
        Assert.Equal(["10.9.0.100/32", "64512:1:1", "10.9.0.101/32", "64512:1:2", "10.9.0.100/32", "64512:1:4"], PolicyWriter.Sets(policy).SelectMany(s => s.List));
        Assert.All(PolicyWriter.Export(policy).Statements, s => Assert.Equal((1, 3), (s.Actions.RouteAction, s.Conditions.RouteType)));
        Assert.Equal(2, PolicyWriter.Assignment(2, policy.ExportName).DefaultAction);
    }

    [Fact]
    public void A_policy_that_says_something_else_has_another_name()
    {
        var one = new ExportPolicy(Asn, [Neighbour(Scope.Internet)]);
        var same = new ExportPolicy(Asn, [Neighbour(Scope.Internet)]);
        var wider = new ExportPolicy(Asn, [Neighbour(Scope.Internet, Scope.Underlay)]);
        Assert.Equal(one.ExportName, same.ExportName);
        Assert.NotEqual(one.ExportName, wider.ExportName);
        Assert.True(wider.IsStale(one.ExportName));
        Assert.False(wider.IsStale(wider.ExportName));
        Assert.False(wider.IsStale("an-operators-own"));
    }

    [Fact]
    public void Neighbours_are_known_again_by_what_they_were_made_from()
    {
        var restart = TimeSpan.FromSeconds(20);
        var neighbour = Neighbour(Scope.Backbone, Scope.Datacenter) with { Password = "secret" };
        var there = Neighbours.ToApi(neighbour, restart, Asn, restarting: true);
        Assert.Equal("softunicast backbone datacenter", there.Conf.Description[..there.Conf.Description.LastIndexOf(' ')]);
        Assert.DoesNotContain("secret", there.Conf.Description, StringComparison.Ordinal);
        Assert.Equal(2, there.AfiSafis.Count);

        Assert.Equal(("", "", ""), Summary(Neighbours.Diff([there], [neighbour], restart)));
        Assert.Equal(("", "10.9.0.100", ""), Summary(Neighbours.Diff([there], [], restart)));
        Assert.Equal(("", "", "10.9.0.100"), Summary(Neighbours.Diff([], [neighbour], restart)));
        Assert.Equal(("", "10.9.0.100", "10.9.0.100"), Summary(Neighbours.Diff([there], [neighbour with { HoldTime = TimeSpan.FromSeconds(30) }], restart)));
        Assert.Equal(("", "10.9.0.100", "10.9.0.100"), Summary(Neighbours.Diff([there], [neighbour with { Password = "other" }], restart)));
        var foreign = new Peer { Conf = new PeerConf { NeighborAddress = "192.0.2.99", Description = "transit" } };
        Assert.Equal(("192.0.2.99", "", ""), Summary(Neighbours.Diff([there, foreign], [neighbour], restart)));

        static (string, string, string) Summary(NeighbourDiff diff) =>
            (string.Join(' ', diff.Foreign), string.Join(' ', diff.Remove), string.Join(' ', diff.Add.Select(n => n.Address)));
    }

    [Fact]
    public void Unicast_sessions_carry_the_family_of_their_address_and_flowspec_sessions_both()
    {
        Assert.Equal([Family.IPv4Unicast], Neighbours.FamiliesOf(Neighbour(Scope.Internet)));
        Assert.Equal([Family.IPv6Unicast], Neighbours.FamiliesOf(Neighbour(Scope.Internet) with { Address = Ip("2001:db8::1") }));
        Assert.Equal([Family.IPv4FlowSpec, Family.IPv6FlowSpec], Neighbours.FamiliesOf(Neighbour(Scope.Backbone)));
    }

    [Theory]
    [InlineData(1, 0, 0, 0, 0, "Idle", "no TCP connection yet: is it up, does it listen, do addresses and TCP MD5 password agree on both sides?")]
    [InlineData(4, 0, 1, 0, 0, "OpenSent", "connected, the session is being opened")]
    [InlineData(3, 0, 1, 1, 0, "Active", "this side closed the session with a NOTIFICATION: is its AS really 64512, its router id unlike ours, its hold time at least 3 s? gobgpd's log names the reason")]
    [InlineData(3, 0, 1, 0, 1, "Active", "it closed the session with a NOTIFICATION: does it expect AS and address of this server, and the families ipv4 flowspec and ipv6 flowspec? Its log names the reason")]
    [InlineData(3, 0, 1, 0, 0, "Active", "the session was lost; it is being connected again")]
    [InlineData(1, 1, 0, 0, 0, "Idle", "shut down by hand in gobgpd")]
    [InlineData(1, 2, 0, 0, 0, "Idle", "it sent more routes than the prefix limit allows")]
    [InlineData(6, 0, 1, 0, 0, "Established", null)]
    [InlineData(99, 0, 0, 0, 0, "Unknown", "no TCP connection yet: is it up, does it listen, do addresses and TCP MD5 password agree on both sides?")]
    public void A_session_that_is_down_says_why_as_far_as_can_be_told(
        int state, int admin, int opens, int notificationsSent, int notificationsReceived, string expected, string? problem)
    {
        var peer = new Peer
        {
            Conf = new PeerConf(),
            State = new PeerState
            {
                SessionState = state,
                AdminState = admin,
                Messages = new Messages
                {
                    Sent = new Message { Open = (ulong)opens, Notification = (ulong)notificationsSent },
                    Received = new Message { Notification = (ulong)notificationsReceived },
                },
            },
        };
        var status = Sessions.Read(Neighbour(Scope.Backbone), peer, DateTimeOffset.UnixEpoch);
        Assert.Equal((expected, problem), (status.State.ToString(), status.Problem));
    }

    [Theory]
    [InlineData("both families ended", true, true, 0, true)]
    [InlineData("one ended, just now", true, false, 1, false)]
    [InlineData("one ended, and the other had its time", true, false, 3, true)]
    [InlineData("none ended", false, false, 9, false)]
    [InlineData("none ended, but it had its time (no RFC 4724)", false, false, 10, true)]
    public void A_neighbours_table_is_whole_at_its_end_of_rib_or_after_its_time(string why, bool first, bool second, int seconds, bool expected)
    {
        var start = DateTimeOffset.FromUnixTimeSeconds(1_000_000);
        var peer = new Peer
        {
            Conf = new PeerConf(),
            State = new PeerState { SessionState = 6 },
            Timers = new Timers { State = new TimersState { Uptime = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 1_000_000 } } },
        };
        foreach (var ended in new[] { first, second })
        {
            peer.AfiSafis.Add(new AfiSafi { MpGracefulRestart = new MpGracefulRestart { State = new MpGracefulRestartState { EndOfRibReceived = ended } } });
        }

        Assert.Equal((why, expected), (why, Sessions.Read(Neighbour(Scope.Backbone), peer, start + TimeSpan.FromSeconds(seconds)).TableReceived));
    }

    private static NeighbourOptions Neighbour(params Scope[] scopes) => new(Ip("10.9.0.100"), Asn, [.. scopes]);
}
