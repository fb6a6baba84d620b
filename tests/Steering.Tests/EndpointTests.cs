using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Steering.Tests;

public class EndpointTests
{
    [Theory]
    [InlineData(EncapsulationKind.Gue, null, 32)]
    [InlineData(EncapsulationKind.Gre, null, 24)]
    [InlineData(EncapsulationKind.Gre, 7u, 28)]
    [InlineData(EncapsulationKind.Ipip, null, 20)]
    public void What_goes_into_an_entry_comes_out_again(EncapsulationKind kind, uint? key, int outerBytes)
    {
        var endpoint = TestEndpoint.Make("10.2.1.1", new Encapsulation(kind, key), Rank.Backbone, 1400, 3, 100);

        var entry = endpoint.ToEntry();
        var read = SteeringEndpoint.FromEntry(in entry)!;

        Assert.Equal(endpoint, read);
        Assert.Equal(endpoint.GetHashCode(), read.GetHashCode());
        Assert.Equal(
            ("10.2.1.1", "10.1.1.1", new Encapsulation(kind, key), Rank.Backbone, 1400, 3, 18, outerBytes),
            (read.Address.ToString(), read.Source.ToString(), read.Encapsulation, read.Rank, read.MtuBytes, read.InterfaceIndex, read.L2.Length, read.Outer.Length));
    }

    [Fact]
    public void Whatever_the_packet_path_would_do_differently_makes_another_endpoint()
    {
        SteeringEndpoint[] all =
        [
            TestEndpoint.Make("10.2.1.1"),
            TestEndpoint.Make("10.2.1.2"),
            TestEndpoint.Make("10.2.1.1", new Encapsulation(EncapsulationKind.Gre)),
            TestEndpoint.Make("10.2.1.1", new Encapsulation(EncapsulationKind.Gre, 1)),
            TestEndpoint.Make("10.2.1.1", rank: Rank.Backbone),
            TestEndpoint.Make("10.2.1.1", mtu: 1499),
            TestEndpoint.Make("10.2.1.1", interfaceIndex: 2),
            TestEndpoint.Make("10.2.1.1", vlan: 7),
            TestEndpoint.Make("10.2.1.1", resolved: false),
            TestEndpoint.Make("10.2.1.1", source: "10.1.1.9"),
        ];

        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.True(all[0] == TestEndpoint.Make("10.2.1.1"));
        Assert.True(all[0] != all[1]);
    }

    [Fact]
    public void Headers_that_do_not_fit_are_refused()
    {
        var outer = TestEndpoint.Outer("10.1.1.1", "10.2.1.1", default);
        var address = IpAddress.Parse("10.2.1.1");
        void Make(IpAddress to, Encapsulation by = default, Rank rank = Rank.Datacenter, int link = 14, byte[]? header = null, int mtu = 1500, int device = 1) =>
            _ = new SteeringEndpoint(to, by, rank, new byte[link], header ?? outer, mtu, device);

        Make(address);
        Assert.Throws<ArgumentException>("address", () => Make(IpAddress.Parse("2001:db8::1")));
        Assert.Throws<ArgumentException>("outer", () => Make(address, new Encapsulation(EncapsulationKind.Ipip)));
        Assert.Throws<ArgumentException>("outer", () => Make(IpAddress.Parse("10.2.1.2")));
        Assert.Throws<ArgumentException>("outer", () => Make(address, header: [0x46, .. outer[1..]]));
        Assert.Throws<ArgumentException>("outer", () => Make(address, header: [.. outer[..10], 1, .. outer[11..]]));
        Assert.Throws<ArgumentException>("rank", () => Make(address, rank: Rank.Here));
        Assert.Throws<ArgumentException>("l2", () => Make(address, link: 15));
        Assert.Throws<ArgumentException>("mtuBytes", () => Make(address, mtu: 65536));
        Assert.Throws<ArgumentException>("interfaceIndex", () => Make(address, device: -1));
    }

    [Fact]
    public void An_entry_that_is_not_whole_is_no_endpoint()
    {
        var whole = TestEndpoint.Make("10.2.1.1").ToEntry();
        Assert.NotNull(SteeringEndpoint.FromEntry(in whole));
        foreach (var spoil in new SpoilEntry[]
        {
            (ref SuEndpoint e) => e = default,
            (ref SuEndpoint e) => e.Encap = 4,
            (ref SuEndpoint e) => e.OuterBytes = 24,
            (ref SuEndpoint e) => e.L2Bytes = 15,
            (ref SuEndpoint e) => e.Rank = 0,
            (ref SuEndpoint e) => e.Outer[0] = 0x46,
            (ref SuEndpoint e) => e.Outer[19] = 9,
            (ref SuEndpoint e) => e.CsumBase++,
            (ref SuEndpoint e) => e.L2[17] = 1,
        })
        {
            var entry = whole;
            spoil(ref entry);
            Assert.Null(SteeringEndpoint.FromEntry(in entry));
        }
    }

    private delegate void SpoilEntry(ref SuEndpoint entry);
}
