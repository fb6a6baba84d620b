using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using SoftUnicast.BgpSpeaker.Tests.Lab;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>docs/bgp.md, held to the code and to real daemons: its examples run as they stand, with the lab's addresses.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void Every_reason_and_every_state_is_explained()
    {
        var rows = RowName().Matches(Document()).Select(m => m.Groups[1].Value).ToHashSet();
        Assert.Empty(Enum.GetNames<RejectReason>().Concat(Enum.GetNames<GobgpState>()).Except(rows));
    }

    [Fact]
    public void The_longest_route_of_ours_is_as_long_as_it_says()
    {
        var longest = OwnershipMatch.Of(OwnershipKind.Block, Ports("[2001:db8:a::1]:32768-65535"));
        Assert.Contains($"a route of ours has at most {FlowSpecWriter.Write(longest.ToNlri()).Length}.", Document(), StringComparison.Ordinal);
        Assert.Contains($"more than {FlowSpecNlri.MaxComponents} components, {FlowSpecNlri.MaxItems} operands or {Scheme.MaxLargeCommunities} communities", Document(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_BIRD_reflector_reflects()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        await lab.Own(new BirdDaemon(lab, "bird", Example("bird", "template bgp server"))).StartAsync();
        await AssertReflectsAsync(lab);
    }

    [Fact]
    public async Task The_GoBGP_reflector_reflects()
    {
        await using var lab = await BgpLab.CreateAsync();
        await lab.Own(new GobgpDaemon(lab, "reflector", Example("toml", "peer-groups"))).StartAsync();
        await AssertReflectsAsync(lab);
    }

    [Fact]
    public async Task The_router_example_is_valid()
    {
        await using var lab = await BgpLab.CreateAsync(needsBird: true);
        var file = Path.Combine(lab.Folder, "router.conf");
        await File.WriteAllTextAsync(file, Example("bird", "template bgp rack"), TestContext.Current.CancellationToken);
        await lab.RunInsideAsync("bird", "-p", "-c", file);
    }

    private static async Task AssertReflectsAsync(BgpLab lab)
    {
        var first = lab.Own(new GobgpDaemon(lab, "g1"));
        var second = lab.Own(new GobgpDaemon(lab, "g2"));
        await first.StartAsync();
        await second.StartAsync();
        await using var one = new RunningSpeaker(RunningSpeaker.Options(first.Socket, 1, RunningSpeaker.Neighbour("10.9.0.100", 1, Asn, Scope.Datacenter, Scope.Backbone) with { Passive = false }));
        await using var two = new RunningSpeaker(RunningSpeaker.Options(second.Socket, 2, RunningSpeaker.Neighbour("10.9.0.100", 2, Asn, Scope.Datacenter, Scope.Backbone) with { Passive = false }));
        one.Speaker.Announce(Announcements.None with { Datacenter = [Owned("192.0.2.1:4096-6143", "10.1.1.1")] });
        two.Speaker.Announce(Announcements.None with { Backbone = [Owned("192.0.2.1:4096-6143", "10.255.1.0")], Datacenter = [Owned("[2001:db8:a::1]:4096-6143", "10.1.1.2")] });
        await one.UntilLearnedAsync(t => t.Count == 2 && t.Synchronised, "ams-1 learns from ams-2", 60);
        await two.UntilLearnedAsync(t => t.Count == 1 && t.Synchronised, "ams-2 learns from ams-1", 60);
        Assert.Equal([OwnershipKind.Block, OwnershipKind.Slice], one.Speaker.Learned.Routes.OrderBy(r => r.Ports).Select(r => r.Kind));
        Assert.Equal(Ip("10.9.0.1"), Assert.Single(two.Speaker.Learned.Routes).Origin);
    }

    private static string Document([CallerFilePath] string here = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "../../docs/bgp.md"));

    private static string Example(string language, string contains) => Fence().Matches(Document())
        .Where(m => m.Groups[1].Value == language).Select(m => m.Groups[2].Value).Single(t => t.Contains(contains, StringComparison.Ordinal))
        .Replace("10.1.0.", "10.9.0.", StringComparison.Ordinal).Replace("10.1.1.", "10.9.0.", StringComparison.Ordinal);

    [GeneratedRegex(@"^\| (\w+) \|", RegexOptions.Multiline)]
    private static partial Regex RowName();

    [GeneratedRegex(@"^```(\w+)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
