using SoftUnicast.Control.Commands;
using SoftUnicast.Daemon.Reports;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests.Reports;

public class PacketSummaryTests
{
    private static readonly PacketSketch Answer =
        new(TraceProtocol.Tcp, IpAddress.Parse("203.0.113.10"), 80, IpAddress.Parse("192.0.2.1"), 2050);

    [Fact]
    public void Says_protocol_addresses_and_ports() => Assert.Equal("TCP 203.0.113.10:80 > 192.0.2.1:2050", Of(Answer));

    [Fact]
    public void Says_the_tag() => Assert.Equal("vlan 7 TCP 203.0.113.10:80 > 192.0.2.1:2050", Of(Answer with { VlanId = 7 }));

    [Theory]
    [InlineData(EncapsulationKind.Gre, null, "GRE 10.2.0.1 > 10.255.0.1 [TCP 203.0.113.10:80 > 192.0.2.1:2050]")]
    [InlineData(EncapsulationKind.Gre, 7u, "GRE 10.2.0.1 > 10.255.0.1 [TCP 203.0.113.10:80 > 192.0.2.1:2050]")]
    [InlineData(EncapsulationKind.Ipip, null, "IPIP 10.2.0.1 > 10.255.0.1 [TCP 203.0.113.10:80 > 192.0.2.1:2050]")]
    public void Says_what_is_inside_a_tunnel(EncapsulationKind kind, uint? key, string expected) => Assert.Equal(expected, Of(Answer with
    {
        Tunnel = new TunnelSketch(new Encapsulation(kind, key), IpAddress.Parse("10.2.0.1"), IpAddress.Parse("10.255.0.1")),
    }));

    [Fact]
    public void A_later_fragment_has_no_ports() => Assert.Equal("203.0.113.10 > 192.0.2.1 protocol 6, later fragment", Of(Answer with { FragmentOffsetBytes = 8 }));

    [Fact]
    public void Every_length_of_a_frame_has_a_summary()
    {
        var frame = (Answer with { Tunnel = new TunnelSketch(default, IpAddress.Parse("10.2.0.1"), IpAddress.Parse("10.255.0.1")) }).FrameFor(default);
        for (var length = 0; length <= frame.Length; length++)
        {
            Assert.NotEmpty(PacketSummary.Of(frame.AsSpan(0, length)));
        }
    }

    private static string Of(PacketSketch sketch) => PacketSummary.Of(sketch.FrameFor(default));
}
