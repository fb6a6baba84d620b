using System.Diagnostics;
using SoftUnicast.BgpSpeaker.Tests.Lab;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;
using Api = SoftUnicast.BgpSpeaker.Gobgp;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>gobgpd going away, hanging, coming back, being somebody else's; and the speaker restarting beside it.</summary>
public sealed class LiveLifeTests
{
    private static readonly Announcements OfOne = Announcements.None with { Datacenter = [Owned("192.0.2.1:2048-4095", "10.1.1.1"), Owned("192.0.2.2:2048-4095", "10.1.1.1")] };
    private static readonly Announcements OfTwo = Announcements.None with { Datacenter = [Owned("192.0.2.1:4096-6143", "10.1.1.2")] };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_absent_gobgpd_is_named_and_used_as_soon_as_it_is_there()
    {
        await using var lab = await BgpLab.CreateAsync();
        var daemon = lab.Own(new GobgpDaemon(lab, "g1"));
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(daemon.Socket, 1));
        speaker.Speaker.Announce(OfOne);
        await speaker.UntilAsync(s => s.Problem?.Contains("does not exist", StringComparison.Ordinal) == true && s.Pending == 2, "the missing socket is named, and what waits for it");
        Assert.Equal((GobgpState.Absent, false), (speaker.Status.Gobgp, speaker.Status.Synchronised));
        Assert.StartsWith("start gobgpd", speaker.Status.NextStep, StringComparison.Ordinal);
        await daemon.StartAsync();
        await speaker.UntilAsync(s => s.Gobgp == GobgpState.Running && s.Announced.GetValueOrDefault(Scope.Datacenter) == 2 && s.Pending == 0, "the routes are in");
        Assert.Null(speaker.Status.Problem);
    }

    [Fact]
    public async Task A_killed_gobgpd_is_filled_again_within_three_seconds_and_its_table_held_meanwhile()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var (first, _, one, two) = await PairAsync(lab);
        await using var __ = one;
        await using var ___ = two;

        await first.KillAsync();
        await one.UntilAsync(s => s.Gobgp == GobgpState.Absent, "the loss is seen");
        Assert.Equal((1, 1, false), (one.Status.Learned, one.Status.Held, one.Status.Synchronised));
        Assert.Equal("192.0.2.1:4096-6143", Assert.Single(one.Speaker.Learned.Routes).Ports.ToString());
        // Graceful restart: the peers keep what they had from it.
        Assert.Equal(2, two.Speaker.Learned.Count);

        var watch = Stopwatch.StartNew();
        await first.StartAsync();
        var answering = watch.Elapsed;
        await one.UntilAsync(s => s.Gobgp == GobgpState.Running && s.Announced.GetValueOrDefault(Scope.Datacenter) == 2 && s.Pending == 0, "everything is in gobgpd again");
        var refilled = watch.Elapsed - answering;
        TestContext.Current.TestOutputHelper?.WriteLine($"re-announced {refilled.TotalMilliseconds:F0} ms after the socket was there");
        Assert.Equal(1, one.Speaker.Learned.Count);
        await one.UntilAsync(s => s.Synchronised && s.Held == 0 && s.Learned == 1 && s.Sessions[0].State == SessionState.Established, "the table is resynchronised");
        TestContext.Current.TestOutputHelper?.WriteLine($"resynchronised {(watch.Elapsed - answering).TotalMilliseconds:F0} ms after the socket was there");
        Assert.Equal(2, two.Speaker.Learned.Count);
        Assert.DoesNotContain(two.Notices, n => n is SpeakerNotice.SessionChanged { To: not SessionState.Established });
        await AssertNothingWasWithdrawnAsync(two, "the routes of ams-1 never left ams-2");
    }

    [Fact]
    public async Task What_went_while_gobgpd_was_away_leaves_when_the_peer_has_sent_its_table()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var (first, _, one, two) = await PairAsync(lab);
        await using var __ = one;
        await using var ___ = two;
        await first.KillAsync();
        await one.UntilAsync(s => s.Gobgp == GobgpState.Absent, "the loss is seen");
        two.Speaker.Announce(Announcements.None with { Datacenter = [Owned("192.0.2.1:8192-10239", "10.1.1.2")] });
        await two.UntilAsync(s => s.Pending == 0, "the change is announced");
        Assert.Equal("192.0.2.1:4096-6143", Assert.Single(one.Speaker.Learned.Routes).Ports.ToString());
        await first.StartAsync();
        await one.UntilLearnedAsync(t => t.Synchronised && t.HeldCount == 0, "the table is resynchronised");
        Assert.Equal("192.0.2.1:8192-10239", Assert.Single(one.Speaker.Learned.Routes).Ports.ToString());
    }

    [Fact]
    public async Task A_restarted_speaker_takes_over_without_an_event_at_any_peer()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var (first, _, one, two) = await PairAsync(lab);
        await using var __ = two;
        using var client = new GobgpClient(first.Socket, TimeSpan.FromSeconds(5));
        var before = Assert.Single(await client.ListPeersAsync(true, Cancellation));
        await one.DisposeAsync();

        await using var again = new RunningSpeaker(RunningSpeaker.Options(first.Socket, 1, RunningSpeaker.Neighbour("10.9.0.100", 1, Asn, Scope.Datacenter)));
        // It knows what peers say before it is told what to announce.
        await again.UntilAsync(s => s.Synchronised && s.Learned == 1 && s.Announced.GetValueOrDefault(Scope.Datacenter) == 2, "it adopts what is there");
        again.Speaker.Announce(OfOne);
        await again.UntilAsync(s => s.Pending == 0 && s.Gobgp == GobgpState.Running, "it finds everything in place");
        var after = Assert.Single(await client.ListPeersAsync(true, Cancellation));
        Assert.Equal(
            (before.Timers.State.Uptime, before.State.Flops, before.State.Messages.Sent.Update, before.State.Messages.Sent.Open),
            (after.Timers.State.Uptime, after.State.Flops, after.State.Messages.Sent.Update, after.State.Messages.Sent.Open));
        Assert.Equal(2, two.Speaker.Learned.Count);
        await AssertNothingWasWithdrawnAsync(two, "ams-2 heard of nothing");

        // And what differs is repaired, and only that.
        again.Speaker.Announce(OfOne with { Datacenter = [OfOne.Datacenter[0]] });
        await two.UntilLearnedAsync(t => t.Count == 1, "the one route that went is withdrawn");
        Assert.Equal(after.Timers.State.Uptime, Assert.Single(await client.ListPeersAsync(true, Cancellation)).Timers.State.Uptime);
    }

    [Fact]
    public async Task A_hung_gobgpd_is_named_and_taken_up_again_when_it_goes_on()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var (first, _, one, two) = await PairAsync(lab);
        await using var __ = one;
        await using var ___ = two;
        await first.SignalAsync("STOP");
        await one.UntilAsync(s => s.Gobgp == GobgpState.Hung, "the hang is seen");
        Assert.Equal((1, false), (one.Status.Learned, one.Status.Synchronised));
        Assert.NotNull(one.Status.NextStep);
        await first.SignalAsync("CONT");
        await one.UntilAsync(s => s.Gobgp == GobgpState.Running && s.Synchronised && s.Learned == 1, "it runs again");
        Assert.Equal(2, one.Status.Announced[Scope.Datacenter]);
    }

    [Fact]
    public async Task A_gobgpd_with_another_AS_is_refused_and_left_alone()
    {
        await using var lab = await BgpLab.CreateAsync();
        var daemon = lab.Own(new GobgpDaemon(lab, "g1"));
        await daemon.StartAsync();
        using var client = new GobgpClient(daemon.Socket, TimeSpan.FromSeconds(5));
        await client.StartBgpAsync(new Api.Global { Asn = 65000, RouterId = "10.9.0.1", ListenPort = -1 }, Cancellation);
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(daemon.Socket, 1));
        speaker.Speaker.Announce(OfOne);
        await speaker.UntilAsync(s => s.Gobgp == GobgpState.Refused, "it is refused");
        Assert.Equal("gobgpd runs with AS 65000 and router id 10.9.0.1, not with AS 64512 and router id 10.9.0.1", speaker.Status.Problem);
        Assert.Empty(await client.ListPoliciesAsync(Cancellation));
        Assert.Equal(65000u, (await client.GetBgpAsync(Cancellation)).Global.Asn);
        await foreach (var path in client.ListPathsAsync(BgpSpeaker.Wire.Family.IPv4FlowSpec, Cancellation))
        {
            Assert.Fail($"a route was put into it: {path}");
        }
    }

    [Fact]
    public async Task A_neighbour_in_gobgpds_own_file_is_an_error_until_it_is_gone()
    {
        await using var lab = await BgpLab.CreateAsync();
        var daemon = lab.Own(new GobgpDaemon(lab, "g1", """
            [global.config]
              as = 64512
              router-id = "10.9.0.1"
              port = -1
            [[neighbors]]
              [neighbors.config]
                neighbor-address = "10.9.0.99"
                peer-as = 65099
            """));
        await daemon.StartAsync();
        using var client = new GobgpClient(daemon.Socket, TimeSpan.FromSeconds(5));
        // Its socket answers before it has read its file; whoever is quicker would start it.
        await BgpLab.UntilAsync(
            async () => (await client.GetBgpAsync(Cancellation)).Global?.Asn == 64512 && (await client.ListPeersAsync(false, Cancellation)).Count == 1,
            "it has read its file");
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(daemon.Socket, 1));
        speaker.Speaker.Announce(OfOne);
        await speaker.UntilAsync(s => s.Gobgp == GobgpState.Refused, "it is refused");
        Assert.Equal("gobgpd has neighbours that softunicast did not make: 10.9.0.99", speaker.Status.Problem);
        Assert.Empty(await client.ListPoliciesAsync(Cancellation));
        await client.DeletePeerAsync("10.9.0.99", Cancellation);
        await speaker.UntilAsync(s => s.Gobgp == GobgpState.Running && s.Pending == 0, "it is taken once the neighbour is gone");
        // Port -1 stands in its file, 179 in our configuration.
        Assert.Equal(["gobgpd listens on port -1, not on 179 as configured: it takes a restart of gobgpd to change"], speaker.Status.Notes);
    }

    [Fact]
    public async Task On_the_way_down_every_route_is_withdrawn_and_the_neighbours_removed()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var (first, _, one, two) = await PairAsync(lab);
        await using var __ = one;
        await using var ___ = two;
        Assert.Equal(new WithdrawResult(2, 1, null), await one.Speaker.WithdrawAllAsync(Cancellation));
        await two.UntilLearnedAsync(t => t.Count == 0, "ams-2 loses the routes of ams-1");
        using var client = new GobgpClient(first.Socket, TimeSpan.FromSeconds(5));
        Assert.Empty(await client.ListPeersAsync(false, Cancellation));
        await one.UntilAsync(s => s.Announced.Values.Sum() == 0, "nothing is announced");
        one.Speaker.Announce(OfOne);
        await two.UntilLearnedAsync(t => t.Count == 2, "the next announcement brings all of it back");
    }

    [Fact]
    public async Task Withdrawing_from_an_absent_gobgpd_says_so_instead_of_waiting()
    {
        await using var lab = await BgpLab.CreateAsync();
        await using var speaker = new RunningSpeaker(RunningSpeaker.Options(System.IO.Path.Combine(lab.Folder, "none.sock"), 1));
        var result = await speaker.Speaker.WithdrawAllAsync(Cancellation);
        Assert.Equal((0, 0), (result.Routes, result.Neighbours));
        Assert.NotNull(result.Problem);
    }

    /// <summary>ams-1 and ams-2, each on its gobgpd, behind a BIRD reflector, each with the other's slices learned.</summary>
    private static async Task<(GobgpDaemon First, GobgpDaemon Second, RunningSpeaker One, RunningSpeaker Two)> PairAsync(BgpLab lab)
    {
        var first = lab.Own(new GobgpDaemon(lab, "g1"));
        var second = lab.Own(new GobgpDaemon(lab, "g2"));
        await first.StartAsync();
        await second.StartAsync();
        await lab.Own(new BirdDaemon(lab, "bird", Configurations.BirdReflector(2))).StartAsync();
        var one = new RunningSpeaker(RunningSpeaker.Options(first.Socket, 1, RunningSpeaker.Neighbour("10.9.0.100", 1, Asn, Scope.Datacenter)));
        var two = new RunningSpeaker(RunningSpeaker.Options(second.Socket, 2, RunningSpeaker.Neighbour("10.9.0.100", 2, Asn, Scope.Datacenter)));
        one.Speaker.Announce(OfOne);
        two.Speaker.Announce(OfTwo);
        await one.UntilLearnedAsync(t => t.Count == 1 && t.Synchronised, "ams-1 learns one slice");
        await two.UntilLearnedAsync(t => t.Count == 2 && t.Synchronised, "ams-2 learns two slices");
        return (first, second, one, two);
    }

    /// <summary>Reads every change so far: none withdrew anything.</summary>
    private static async Task AssertNothingWasWithdrawnAsync(RunningSpeaker speaker, string what)
    {
        var last = 0L;
        while (speaker.Speaker.Changes.TryRead(out var change))
        {
            Assert.True(change.Withdrawn.IsEmpty, $"{what}, but {string.Join(", ", change.Withdrawn)} was withdrawn");
            Assert.Equal(last + 1, change.Table.Version);
            last = change.Table.Version;
        }

        await Task.CompletedTask;
        Assert.True(last > 0, "there were changes to read");
    }
}
