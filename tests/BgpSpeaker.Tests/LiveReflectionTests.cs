using SoftUnicast.BgpSpeaker.Tests.Lab;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>Two speakers, each on its gobgpd, through a BIRD route reflector.</summary>
public sealed class LiveReflectionTests
{
    [Fact]
    public async Task Two_speakers_behind_a_reflector_see_each_others_slices()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var first = lab.Own(new GobgpDaemon(lab, "g1"));
        var second = lab.Own(new GobgpDaemon(lab, "g2"));
        await first.StartAsync();
        await second.StartAsync();
        var bird = lab.Own(new BirdDaemon(lab, "bird", Configurations.BirdReflector(2)));
        await bird.StartAsync();
        await using var one = new RunningSpeaker(RunningSpeaker.Options(first.Socket, 1, RunningSpeaker.Neighbour("10.9.0.100", 1, Asn, Scope.Datacenter)));
        await using var two = new RunningSpeaker(RunningSpeaker.Options(second.Socket, 2, RunningSpeaker.Neighbour("10.9.0.100", 2, Asn, Scope.Datacenter)));
        one.Speaker.Announce(Announcements.None with { Datacenter = [Owned("192.0.2.1:2048-4095", "10.1.1.1"), Owned("[2001:db8:a::1]:2048-4095", "10.1.1.1")] });
        two.Speaker.Announce(Announcements.None with { Datacenter = [Owned("192.0.2.1:4096-6143", "10.1.1.2", new Encapsulation(EncapsulationKind.Gre, 9))] });

        await two.UntilLearnedAsync(t => t.Count == 2 && t.Synchronised, "ams-2 learns both slices of ams-1");
        await one.UntilLearnedAsync(t => t.Count == 1 && t.Synchronised, "ams-1 learns the slice of ams-2");
        Assert.Equal(
            new OwnershipRoute(Ports("192.0.2.1:4096-6143"), OwnershipKind.Slice, Ip("10.1.1.2"), new Encapsulation(EncapsulationKind.Gre, 9), Ip("10.9.0.2"), Ip("10.9.0.100")),
            Assert.Single(one.Speaker.Learned.Routes));
        Assert.Equal(
            ["192.0.2.1:2048-4095", "[2001:db8:a::1]:2048-4095"], two.Speaker.Learned.Routes.Select(r => r.Ports).Order().Select(p => p.ToString()));
    }
}
