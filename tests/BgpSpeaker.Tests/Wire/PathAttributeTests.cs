using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Tests.Wire;

/// <summary>Path attributes (RFC 4271 4.3) and what the communities in them say.</summary>
public sealed class PathAttributeTests
{
    private const uint Asn = TestFleet.Asn;

    [Fact]
    public void A_slice_route_has_these_attributes()
    {
        var attributes = Scheme.Ownership(Asn, Scope.Datacenter, TestFleet.Ip("10.1.1.1"), new Encapsulation(EncapsulationKind.Gre, 7));
        Assert.Equal(
            [
                "400101 00",                                // ORIGIN IGP
                "400304 00000000",                          // NEXT_HOP, unspecified
                "c00804 ffffff01",                          // COMMUNITIES: NO_EXPORT
                "c01008 010c 0a010101 0000",                // EXTENDED COMMUNITIES: redirect to 10.1.1.1
                "c02024 0000fc00 00000001 00000003 0000fc00 00000002 00000001 0000fc00 00000003 00000007", // 64512:1:3 64512:2:1 64512:3:7
            ],
            PathAttributeWriter.Write(Family.IPv4FlowSpec, [], attributes).Select(a => Convert.ToHexStringLower(a)),
            (expected, actual) => Convert.ToHexStringLower(Hex.Parse(expected)) == actual);
        Assert.True(Read(Family.IPv4FlowSpec, attributes).SaysTheSame(attributes));
    }

    [Fact]
    public void An_ipv6_prefix_goes_out_in_mp_reach_with_the_unspecified_next_hop()
    {
        var nlri = UnicastNlri.Write(IpPrefix.Parse("2001:db8:a::/48"));
        var written = PathAttributeWriter.Write(Family.IPv6Unicast, nlri, Scheme.Unicast(Asn, Scope.Internet));
        Assert.Equal(
            Convert.ToHexStringLower(Hex.Parse("800e1c 0002 01 10 00000000000000000000000000000000 00 30 20010db8000a")), Convert.ToHexStringLower(written[1]));
        Assert.True(UnicastNlri.TryRead(nlri, true, out var prefix));
        Assert.Equal("2001:db8:a::/48", prefix.ToString());
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("21 c000020000", false)]
    [InlineData("18 c000", false)]
    [InlineData("18 c00002 00", false)]
    [InlineData("18 c00002", true)]
    [InlineData("00", true)]
    public void A_unicast_nlri_has_the_length_that_it_says(string hex, bool good) =>
        Assert.Equal(good, UnicastNlri.TryRead(Hex.Parse(hex), false, out _));

    [Theory]
    [InlineData("two bytes", "4001", "an attribute with a wrong length")]
    [InlineData("cut off", "c00804 ffff", "an attribute with a wrong length")]
    [InlineData("long form cut off", "d008 00", "an attribute with a wrong length")]
    [InlineData("communities of 5 bytes", "c00805 ffffff0100", "attribute 8 with a length of 5")]
    [InlineData("extended communities of 7 bytes", "c01007 010c0a0101010 0", "attribute 16 with a length of 7")]
    [InlineData("large communities of 11 bytes", "c0200b 0000fc00000000010000 03", "attribute 32 with a length of 11")]
    [InlineData("ORIGINATOR_ID of 16 bytes", "800910 20010db8000a00000000000000000001", "attribute 9 with a length of 16")]
    public void A_malformed_attribute_is_a_value_that_says_so(string why, string hex, string malformed) =>
        Assert.Equal((malformed, why), (PathAttributeReader.Read([Hex.Parse(hex)]).Malformed, why));

    [Fact]
    public void Random_attributes_never_throw()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 100_000; round++)
        {
            var bytes = new byte[random.Next(0, 60)];
            random.NextBytes(bytes);
            if (bytes.Length > 2)
            {
                bytes[1] = new byte[] { 8, 9, 16, 32, 99 }[random.Next(5)];
                bytes[2] = (byte)(bytes.Length - 3);
            }

            var exception = Record.Exception(() =>
            {
                var read = PathAttributeReader.Read([bytes]);
                Scheme.TryReadTarget(read, Asn, out _, out _);
                Scheme.TryReadEncapsulation(read, Asn, out _, out _);
            });
            Assert.True(exception is null, $"seed {seed}, round {round}: {Convert.ToHexStringLower(bytes)}: {exception}");
        }
    }

    [Theory]
    [InlineData("10.1.1.1")]
    [InlineData("2001:db8:ffff::1")]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void A_target_comes_back_as_it_went(string target)
    {
        var attributes = Read(Family.IPv4FlowSpec, Scheme.Ownership(Asn, Scope.Backbone, TestFleet.Ip(target), default));
        Assert.True(Scheme.TryReadTarget(attributes, Asn, out var back, out _));
        Assert.Equal(target, back.ToString());
    }

    [Theory]
    [InlineData("none", "", "no redirect-to-IP action")]
    [InlineData("two targets", "010c0a0101010000 010c0a0101020000", "more than one redirect-to-IP action")]
    [InlineData("the copy flag", "010c0a0101010001", "redirect-to-IP with flags 0001")]
    [InlineData("not transitive", "410c0a0101010000", "redirect-to-IP that is not transitive")]
    [InlineData("traffic rate 0 beside it (RFC 8955 7.1)", "010c0a0101010000 8006000000000000", "another action beside or instead of redirect-to-IP: 8006000000000000")]
    [InlineData("redirect to a VRF", "8008fc0000000001", "another action beside or instead of redirect-to-IP: 8008fc0000000001")]
    public void A_malformed_action_is_named(string why, string extended, string problem)
    {
        var attributes = PathAttributes.Empty with
        {
            ExtendedCommunities = [.. extended.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(e => Convert.ToUInt64(e, 16)).Order()],
        };
        Assert.False(Scheme.TryReadTarget(attributes, Asn, out _, out var actual));
        Assert.Equal((problem, why), (actual, why));
    }

    [Fact]
    public void A_route_target_beside_the_action_does_no_harm()
    {
        var attributes = PathAttributes.Empty with { ExtendedCommunities = [0x0002_fc00_0000_0001, 0x010c_0a01_0101_0000] };
        Assert.True(Scheme.TryReadTarget(attributes, Asn, out var target, out _));
        Assert.Equal("10.1.1.1", target.ToString());
    }

    [Theory]
    [InlineData("three words", "16:1 17:2 18:3")]
    [InlineData("a word twice", "16:1 16:2 17:2 18:3 19:4")]
    public void An_ipv6_target_has_four_words(string why, string words)
    {
        var attributes = PathAttributes.Empty with { LargeCommunities = Large(words) };
        Assert.False(Scheme.TryReadTarget(attributes, Asn, out _, out var problem));
        Assert.Equal(("an IPv6 endpoint that is not four words", why), (problem, why));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("2:0", "gue")]
    [InlineData("2:2", "ipip")]
    [InlineData("2:1 3:9", "gre key 9")]
    [InlineData("2:1", "gre")]
    public void A_legal_encapsulation_is_read(string large, string? expected)
    {
        Assert.True(Scheme.TryReadEncapsulation(PathAttributes.Empty with { LargeCommunities = Large(large) }, Asn, out var encapsulation, out _));
        Assert.Equal(expected, encapsulation?.ToString());
    }

    [Theory]
    [InlineData("2:3", "encapsulation 3 is unknown")]
    [InlineData("2:0 3:9", "a GRE key without GRE")]
    [InlineData("3:9", "a GRE key without GRE")]
    [InlineData("2:0 2:1", "two encapsulations")]
    [InlineData("2:1 3:9 3:10", "two GRE keys")]
    public void An_illegal_encapsulation_is_named(string large, string expected)
    {
        Assert.False(Scheme.TryReadEncapsulation(PathAttributes.Empty with { LargeCommunities = Large(large) }, Asn, out _, out var problem));
        Assert.Equal(expected, problem);
    }

    [Fact]
    public void Another_networks_communities_mean_nothing()
    {
        var attributes = PathAttributes.Empty with { LargeCommunities = [new LargeCommunity(65000, 1, 1), new LargeCommunity(65000, 2, 99)] };
        Assert.Null(Scheme.ScopeOf(attributes, Asn));
        Assert.True(Scheme.TryReadEncapsulation(attributes, Asn, out var encapsulation, out _));
        Assert.Null(encapsulation);
    }

    [Fact]
    public void Every_scope_but_the_Internet_asks_not_to_be_exported()
    {
        foreach (var scope in Scopes.All)
        {
            var attributes = scope.IsFlowSpec() ? Scheme.Ownership(Asn, scope, TestFleet.Ip("10.1.1.1"), default) : Scheme.Unicast(Asn, scope);
            Assert.Equal(scope, Scheme.ScopeOf(attributes, Asn));
            Assert.Equal(scope != Scope.Internet, attributes.Communities.Contains(Scheme.NoExport));
        }
    }

    private static System.Collections.Immutable.ImmutableArray<LargeCommunity> Large(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => w.Split(':')).Select(w => new LargeCommunity(Asn, uint.Parse(w[0]), uint.Parse(w[1]))).Order()];

    private static PathAttributes Read(Family family, PathAttributes attributes) =>
        PathAttributeReader.Read(PathAttributeWriter.Write(family, [], attributes).Select(a => (ReadOnlyMemory<byte>)a));
}
