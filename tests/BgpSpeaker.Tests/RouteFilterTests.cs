using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;
using static SoftUnicast.BgpSpeaker.Tests.TestFleet;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>Which learned routes count. The filter runs on ams-1; each row is what one server announced.</summary>
public sealed class RouteFilterTests
{
    private readonly RouteFilter filter = new(TheFleet, TheFleet.Servers["ams-1"]);

    // origin's router id, kind of the NLRI, ports, target
    public static TheoryData<string, string, string, string, string, string> Rows() => new()
    {
        { "a slice, with its origin's endpoint", "10.9.0.2", "Slice", "192.0.2.1:4096-6143", "10.1.1.2", "Slice" },
        { "the last slice", "10.9.0.2", "Slice", "192.0.2.3:63488-65535", "10.1.1.2", "Slice" },
        { "an IPv6 slice", "10.9.0.3", "Slice", "[2001:db8:a::1]:4096-6143", "10.1.2.1", "Slice" },
        { "a slice of another datacenter", "10.9.0.3", "Slice", "192.0.2.1:4096-6143", "10.1.2.1", "Slice" },
        { "a whole address", "10.9.0.3", "Block", "192.0.2.2:0-65535", "10.255.2.0", "Block" },
        { "half an address", "10.9.0.3", "Block", "192.0.2.2:32768-65535", "10.255.2.0", "Block" },
        { "a part that is one slice long", "10.9.0.3", "Block", "192.0.2.2:4096-6143", "10.255.2.0", "Block" },
        { "a part that holds the reserved slice", "10.9.0.3", "Block", "192.0.2.2:0-32767", "10.255.2.0", "Block" },
        { "this datacenter's own block, from its other server", "10.9.0.2", "Block", "192.0.2.1:0-65535", "10.255.1.0", "Block" },

        { "somebody else's endpoint", "10.9.0.2", "Slice", "192.0.2.1:4096-6143", "10.1.2.1", "NotTheOwner" },
        { "this server's endpoint, from another", "10.9.0.2", "Slice", "192.0.2.1:4096-6143", "10.1.1.1", "NotTheOwner" },
        { "another datacenter's endpoint", "10.9.0.3", "Block", "192.0.2.2:0-65535", "10.255.1.0", "NotTheOwner" },
        { "no endpoint at all", "10.9.0.2", "Slice", "192.0.2.1:4096-6143", "203.0.113.9", "UnknownTarget" },
        { "outside every pool", "10.9.0.2", "Slice", "203.0.113.1:4096-6143", "10.1.1.2", "OutsidePools" },
        { "a stranger", "10.9.0.77", "Slice", "192.0.2.1:4096-6143", "10.1.1.2", "UnknownOrigin" },
        { "ourselves", "10.9.0.1", "Slice", "192.0.2.1:4096-6143", "10.1.1.1", "OwnRoute" },
        { "a pool that its datacenter does not serve", "10.9.0.2", "Slice", "198.51.100.1:4096-6143", "10.1.1.2", "DatacenterNotServed" },
        { "the reserved slice", "10.9.0.2", "Slice", "192.0.2.1:0-2047", "10.1.1.2", "NotASlice" },
        { "two slices at once", "10.9.0.2", "Slice", "192.0.2.1:4096-8191", "10.1.1.2", "NotASlice" },
        { "half a slice", "10.9.0.2", "Slice", "192.0.2.1:4096-5119", "10.1.1.2", "NotASlice" },
        { "a slice that is not aligned", "10.9.0.2", "Slice", "192.0.2.1:4097-6144", "10.1.1.2", "NotASlice" },
        { "all ports as a slice", "10.9.0.2", "Slice", "192.0.2.1:0-65535", "10.1.1.2", "NotASlice" },
        { "a slice in the form of a part", "10.9.0.2", "Block", "192.0.2.1:4096-6143", "10.1.1.2", "NotASlice" },
        { "an address that may not be assigned", "10.9.0.2", "Slice", "192.0.2.4:4096-6143", "10.1.1.2", "NotASlice" },
        { "a block of an address that may not be assigned", "10.9.0.3", "Block", "192.0.2.4:0-65535", "10.255.2.0", "NotABlock" },
        { "a block that cuts a slice", "10.9.0.3", "Block", "192.0.2.2:0-3000", "10.255.2.0", "NotABlock" },
        { "a block in the form of a slice", "10.9.0.3", "Slice", "192.0.2.2:4096-6143", "10.255.2.0", "NotABlock" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_route_counts_only_if_the_fleet_grants_it_to_its_origin(string what, string origin, string form, string ports, string target, string expected)
    {
        var nlri = OwnershipMatch.Of(Enum.Parse<OwnershipKind>(form), Ports(ports)).ToNlri();
        var attributes = Scheme.Ownership(Asn, Scope.Datacenter, Ip(target), default) with { OriginatorId = Ip(origin) };
        var verdict = filter.Judge(nlri, FlowSpecFault.None, attributes, Ip("10.9.0.100"), Ip("10.9.0.100"));
        Assert.Equal((what, expected), (what, verdict.Accepted ? verdict.Route!.Kind.ToString() : verdict.Reason.ToString()));
        Assert.Equal(Ports(ports), verdict.Match!.Value.Ports);
        if (verdict.Route is { } route)
        {
            Assert.Equal((Ip(origin), Ip(target), Ports(ports)), (route.Origin, route.Target, route.Ports));
        }
        else
        {
            Assert.NotEmpty(verdict.Detail);
        }
    }

    [Fact]
    public void Without_an_originator_id_the_neighbour_is_the_origin()
    {
        var attributes = Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.1.2"), default);
        var nlri = OwnershipMatch.Of(OwnershipKind.Slice, Ports("192.0.2.1:4096-6143")).ToNlri();
        Assert.Equal(Ip("10.9.0.2"), filter.Judge(nlri, FlowSpecFault.None, attributes, Ip("10.9.0.2"), Ip("10.9.0.2")).Route!.Origin);
        Assert.Equal(RejectReason.UnknownOrigin, filter.Judge(nlri, FlowSpecFault.None, attributes, Ip("10.9.0.100"), Ip("10.9.0.100")).Reason);
    }

    [Fact]
    public void Without_an_encapsulation_it_is_what_the_endpoint_asks_for_else_the_pools()
    {
        var bare = PathAttributes.Empty with { ExtendedCommunities = [0x010c_0a01_0102_0000] };
        var slice = OwnershipMatch.Of(OwnershipKind.Slice, Ports("192.0.2.1:4096-6143")).ToNlri();
        Assert.Equal("gue", filter.Judge(slice, FlowSpecFault.None, bare, Ip("10.9.0.2"), Ip("10.9.0.2")).Route!.Encapsulation.ToString());
        var block = OwnershipMatch.Of(OwnershipKind.Block, Ports("192.0.2.2:0-65535")).ToNlri();
        bare = PathAttributes.Empty with { ExtendedCommunities = [0x010c_0aff_0200_0000] };
        Assert.Equal("gre key 7", filter.Judge(block, FlowSpecFault.None, bare, Ip("10.9.0.3"), Ip("10.9.0.3")).Route!.Encapsulation.ToString());
    }

    [Fact]
    public void What_cannot_be_read_is_rejected_with_the_reason()
    {
        var good = Scheme.Ownership(Asn, Scope.Datacenter, Ip("10.1.1.2"), default);
        var slice = OwnershipMatch.Of(OwnershipKind.Slice, Ports("192.0.2.1:4096-6143")).ToNlri();
        Assert.Equal(
            [
                (RejectReason.Malformed, "NLRI: components out of order"),
                (RejectReason.TooLarge, "NLRI: more components or operands than are read"),
                (RejectReason.Malformed, "attribute 8 with a length of 5"),
                (RejectReason.TooLarge, "101 communities of one kind"),
                (RejectReason.MalformedAction, "no redirect-to-IP action"),
                (RejectReason.BadEncapsulation, "encapsulation 3 is unknown"),
                (RejectReason.NotOwnership, "dst 192.0.2.0/24 is not one address"),
            ],
            new[]
            {
                Judge(null, FlowSpecFault.Order, good),
                Judge(null, FlowSpecFault.TooMany, good),
                Judge(slice, FlowSpecFault.None, good with { Malformed = "attribute 8 with a length of 5" }),
                Judge(slice, FlowSpecFault.None, good with { LargeCommunities = [.. Enumerable.Range(0, 101).Select(i => new LargeCommunity(1, 2, (uint)i))] }),
                Judge(slice, FlowSpecFault.None, PathAttributes.Empty),
                Judge(slice, FlowSpecFault.None, good with { LargeCommunities = [new LargeCommunity(Asn, 2, 3)] }),
                Judge(new FlowSpecNlri(false, [FlowSpecComponent.OfPrefix(1, IpPrefix.Parse("192.0.2.0/24"))]), FlowSpecFault.None, good),
            });

        (RejectReason, string) Judge(FlowSpecNlri? nlri, FlowSpecFault fault, PathAttributes attributes)
        {
            var verdict = filter.Judge(nlri, fault, attributes, Ip("10.9.0.2"), Ip("10.9.0.2"));
            Assert.False(verdict.Accepted);
            return (verdict.Reason, verdict.Detail);
        }
    }

    [Fact]
    public void Every_reason_is_reached_by_a_row_here()
    {
        var reached = Rows().Select(r => r.Data.Item6).ToHashSet();
        reached.UnionWith(["Malformed", "TooLarge", "MalformedAction", "BadEncapsulation", "NotOwnership"]);
        Assert.Empty(Enum.GetNames<RejectReason>().Except(reached));
    }

    [Fact]
    public void Rejections_are_counted_for_ever_and_the_last_hundred_kept()
    {
        var rejections = new Rejections();
        for (var i = 0; i < 100_000; i++)
        {
            rejections.Add(new RejectedRoute(default, default, default, $"route {i}", i % 2 == 0 ? RejectReason.OutsidePools : RejectReason.NotASlice, ""));
        }

        Assert.Equal((50_000, 50_000), (rejections.Counts[RejectReason.OutsidePools], rejections.Counts[RejectReason.NotASlice]));
        Assert.Equal((Rejections.Kept, "route 99900", "route 99999"), (rejections.Recent.Length, rejections.Recent[0].Route, rejections.Recent[^1].Route));
    }
}
