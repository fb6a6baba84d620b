using SoftUnicast.BgpSpeaker.Tests.Lab;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>What peers send that does not count: ignored, counted, shown, and nothing else is disturbed by it.</summary>
public sealed class LiveHostileTests
{
    [Fact]
    public async Task Routes_that_nobody_granted_are_ignored_counted_and_shown()
    {
        await using var lab = await BgpLab.CreateAsync();
        Assert.SkipUnless(File.Exists("/usr/bin/socat"), "needs socat");
        var daemon = lab.Own(new GobgpDaemon(lab, "g1"));
        await daemon.StartAsync();
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(daemon.Socket, 1, RunningSpeaker.Neighbour("10.9.0.200", 1, Asn, Scope.Datacenter)));
        speaker.Speaker.Announce(Announcements.None);
        await speaker.UntilAsync(s => s.Gobgp == GobgpState.Running, "gobgpd is ready");
        await using var peer = new RawPeer(lab, Ip("10.9.0.200"), Asn);
        await peer.ConnectAsync();

        var two = Ip("10.9.0.2");
        var mine = Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.1.2"), default);
        await peer.AnnounceAsync(Slice("192.0.2.1:4096-6143"), mine, two);                                                       // good
        await peer.AnnounceAsync(Slice("192.0.2.1:6144-8191"), Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.2.1"), default), two); // another's endpoint
        await peer.AnnounceAsync(Slice("203.0.113.1:4096-6143"), mine, two);                                                     // outside the pools
        await peer.AnnounceAsync(Slice("198.51.100.1:4096-6143"), mine, two);                                                    // a pool of fra alone
        await peer.AnnounceAsync(Slice("192.0.2.1:0-2047"), mine, two);                                                          // reserved
        await peer.AnnounceAsync(Slice("192.0.2.1:8192-10239"), mine, Ip("10.9.0.66"));                                         // a stranger
        await peer.AnnounceAsync(Slice("192.0.2.1:10240-12287"), mine with { ExtendedCommunities = [] }, two);                   // no action
        await peer.AnnounceAsync(Slice("192.0.2.1:12288-14335"), mine with { ExtendedCommunities = [0x010c_0a01_0102_0001] }, two); // the copy flag
        await peer.AnnounceAsync(Slice("192.0.2.1:14336-16383"), mine with { ExtendedCommunities = [0x8006_0000_0000_0000] }, two); // traffic rate 0
        await peer.AnnounceAsync(Slice("192.0.2.1:16384-18431"), mine with { LargeCommunities = [new LargeCommunity(Asn, 2, 9)] }, two); // encapsulation 9
        await peer.AnnounceAsync(false, FlowSpecWriter.Write(new FlowSpecNlri(false, [FlowSpecComponent.OfPrefix(1, IpPrefix.Parse("192.0.2.0/24"))])), Redirect); // a prefix
        await peer.AnnounceAsync(false, Operands(70), Redirect);                                                                  // seventy operands
        await peer.AnnounceAsync(Slice("192.0.2.1:20480-22527"), mine with { LargeCommunities = [.. Enumerable.Range(0, 110).Select(i => new LargeCommunity(1, 1, (uint)i))] }, two);

        await speaker.UntilAsync(s => s.Rejected.Values.Sum() >= 12, "twelve routes are rejected");
        Assert.Equal("192.0.2.1:4096-6143", Assert.Single(speaker.Speaker.Learned.Routes).Ports.ToString());
        Assert.Equal(
            [
                (RejectReason.TooLarge, 2), (RejectReason.NotOwnership, 1), (RejectReason.MalformedAction, 3), (RejectReason.BadEncapsulation, 1),
                (RejectReason.OutsidePools, 1), (RejectReason.UnknownOrigin, 1), (RejectReason.NotTheOwner, 1), (RejectReason.DatacenterNotServed, 1), (RejectReason.NotASlice, 1),
            ],
            speaker.Status.Rejected.Select(r => (r.Key, (int)r.Value)));
        var shown = Assert.Single(speaker.Status.RecentlyRejected, r => r.Reason == RejectReason.OutsidePools);
        Assert.Equal(
            ("10.9.0.200", "10.9.0.2", "dst 203.0.113.1/32, dst-port >=4096&<=6143", "203.0.113.1 is in no pool"),
            (shown.Neighbour.ToString(), shown.Origin.ToString(), shown.Route, shown.Detail));
        Assert.Contains(speaker.Notices, n => n is SpeakerNotice.RoutesRejected);
        await speaker.UntilAsync(s => s.Sessions[0] is { Received: 13, Accepted: 1 }, "thirteen received, one accepted");

        // A good route that turns bad goes; one that was bad and turns good comes.
        await peer.AnnounceAsync(Slice("192.0.2.1:4096-6143"), Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.2.1"), default), two);
        await peer.AnnounceAsync(Slice("192.0.2.1:6144-8191"), mine, two);
        await speaker.UntilLearnedAsync(t => t.Routes.Select(r => r.Ports.ToString()).SequenceEqual(["192.0.2.1:6144-8191"]), "the two have changed places");

        // The session's end takes the peer's routes along.
        await peer.DisposeAsync();
        await speaker.UntilLearnedAsync(t => t.Count == 0, "the routes went with the peer");
    }

    [Fact]
    public async Task A_list_reads_the_same_verdicts_as_the_watch()
    {
        await using var lab = await BgpLab.CreateAsync();
        Assert.SkipUnless(File.Exists("/usr/bin/socat"), "needs socat");
        var daemon = lab.Own(new GobgpDaemon(lab, "g1"));
        await daemon.StartAsync();
        var options = RunningSpeaker.Options(daemon.Socket, 1, RunningSpeaker.Neighbour("10.9.0.200", 1, Asn, Scope.Datacenter));
        await using var peer = new RawPeer(lab, Ip("10.9.0.200"), Asn);
        SpeakerStatus watched;
        List<OwnershipRoute> routes;
        await using (var first = new RunningSpeaker(options))
        {
            first.Speaker.Announce(Announcements.None);
            await first.UntilAsync(s => s.Gobgp == GobgpState.Running, "gobgpd is ready");
            await peer.ConnectAsync();
            var good = Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.1.2"), new Encapsulation(EncapsulationKind.Gre, 77));
            await peer.AnnounceAsync(Slice("192.0.2.1:4096-6143"), good, Ip("10.9.0.2"));
            await peer.AnnounceAsync(Slice("[2001:db8:a::1]:4096-6143"), good, Ip("10.9.0.2"));
            await peer.AnnounceAsync(OwnershipMatch.Of(OwnershipKind.Block, Ports("192.0.2.2:4096-6143")), Scheme.Ownership(Asn, Scope.Backbone, Ip("10.255.2.0"), default), Ip("10.9.0.3"));
            await peer.AnnounceAsync(Slice("192.0.2.1:6144-8191"), good with { ExtendedCommunities = [0x010c_0a01_0102_0000, 0x8006_0000_0000_0000] }, Ip("10.9.0.2"));
            await peer.AnnounceAsync(Slice("203.0.113.1:4096-6143"), good, Ip("10.9.0.2"));
            await peer.AnnounceAsync(false, Operands(70), Redirect);
            await first.UntilAsync(s => s.Rejected.Values.Sum() == 3 && s.Learned == 3, "three and three");
            watched = first.Status;
            routes = [.. first.Speaker.Learned.Routes.OrderBy(r => r.Ports)];
        }

        await using var second = new RunningSpeaker(options);
        await second.UntilAsync(s => s.Gobgp == GobgpState.Running && s.Learned == 3, "the table is read");
        Assert.Equal(routes, second.Speaker.Learned.Routes.OrderBy(r => r.Ports));
        Assert.Equal(watched.Rejected, second.Status.Rejected);
        Assert.Equal(
            watched.RecentlyRejected.Select(r => (r.Reason, r.Detail, r.Origin)).Order(), second.Status.RecentlyRejected.Select(r => (r.Reason, r.Detail, r.Origin)).Order());
    }

    [Fact]
    public async Task A_thousand_operands_harm_nobody_but_their_sender()
    {
        await using var lab = await BgpLab.CreateAsync();
        Assert.SkipUnless(File.Exists("/usr/bin/socat"), "needs socat");
        var daemon = lab.Own(new GobgpDaemon(lab, "g1"));
        await daemon.StartAsync();
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(daemon.Socket, 1,
            RunningSpeaker.Neighbour("10.9.0.200", 1, Asn, Scope.Datacenter), RunningSpeaker.Neighbour("10.9.0.201", 1, Asn, Scope.Datacenter)));
        speaker.Speaker.Announce(Announcements.None);
        await speaker.UntilAsync(s => s.Gobgp == GobgpState.Running, "gobgpd is ready");
        await using var good = new RawPeer(lab, Ip("10.9.0.200"), Asn);
        await good.ConnectAsync();
        await good.AnnounceAsync(Slice("192.0.2.1:4096-6143"), Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.1.2"), default), Ip("10.9.0.2"));
        await speaker.UntilLearnedAsync(t => t.Count == 1, "the good peer's route");
        await using var bad = new RawPeer(lab, Ip("10.9.0.201"), Asn);
        await bad.ConnectAsync();
        await speaker.UntilAsync(s => s.Sessions[1].State == SessionState.Established, "the bad peer's session");
        await bad.AnnounceAsync(false, Operands(1000), Redirect);

        // gobgpd 3.10 takes a rule of 240 bytes or more for malformed, drops it (RFC 7606) and counts it; what gets past it is the filter's.
        // The route behind it shows that it was read, and the session lives.
        await bad.AnnounceAsync(Slice("203.0.113.1:4096-6143"), Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.1.2"), default), Ip("10.9.0.2"));
        await speaker.UntilAsync(s => s.Rejected.ContainsKey(RejectReason.OutsidePools), "what follows is judged");
        await speaker.UntilAsync(s => s.Sessions[1].Malformed == 1 || s.Rejected.ContainsKey(RejectReason.TooLarge), "it is counted and shown");
        Assert.False(bad.Closed);
        Assert.Equal((GobgpState.Running, SessionState.Established), (speaker.Status.Gobgp, speaker.Status.Sessions[1].State));
        Assert.Equal("192.0.2.1:4096-6143", Assert.Single(speaker.Speaker.Learned.Routes).Ports.ToString());
        Assert.Equal(SessionState.Established, speaker.Status.Sessions[0].State);
    }

    private static byte[] Redirect => RawPeer.Attribute(0xc0, 16, [1, 12, 10, 1, 1, 2, 0, 0]);

    private static OwnershipMatch Slice(string ports) => OwnershipMatch.Of(OwnershipKind.Slice, Ports(ports));

    private static byte[] Operands(int count)
    {
        byte[] components = [1, 32, 192, 0, 2, 7, 5, .. Enumerable.Range(0, count).SelectMany(i => new byte[] { (byte)(i == count - 1 ? 0x81 : 0x01), (byte)i })];
        return components.Length < 240 ? [(byte)components.Length, .. components] : [(byte)(0xf0 | (components.Length >> 8)), (byte)components.Length, .. components];
    }
}
