using SoftUnicast.Control.Commands;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Tests.Commands;

public sealed class PacketBuilderTests
{
    private static readonly MacAddress Interface = MacAddress.Parse("02:00:00:00:00:aa");

    // Frames written by hand from the RFCs' drawings; blanks and slashes are for the reader.
    public static TheoryData<string, string> Rows => new()
    {
        {
            "tcp from 203.0.113.9:443 to 192.0.2.1:5000",
            "0200000000aa 020000000001 0800 / 45000028 00004000 40063cc5 cb007109 c0000201 / 01bb1388 00000000 00000000 5010ffff 00000000"
        },
        {
            "udp from 203.0.113.9:53 to 192.0.2.1:5000 vlan 100 ttl 1 length 30",
            "0200000000aa 020000000001 8100 0064 0800 / 4500001e 00004000 01117bc4 cb007109 c0000201 / 00351388 000a0000 0000"
        },
        {
            "echo-request from 203.0.113.9 to 192.0.2.1:5000",
            "0200000000aa 020000000001 0800 / 4500001c 00004000 40013cd6 cb007109 c0000201 / 0800e477 13880000"
        },
        {
            "icmp-error from 203.0.113.9 to 192.0.2.1:5000 quoting udp type 11",
            "0200000000aa 020000000001 0800 / 45000038 00004000 40013cba cb007109 c0000201 / 0b00dfb4 00000000 / 4500001c 00004000 01117bc6 c0000201 cb007109 / 138801bb 00080000"
        },
        {
            "udp from 203.0.113.9:53 to 192.0.2.1:5000 through ipip from 10.1.1.2 to 10.1.1.1",
            "0200000000aa 020000000001 0800 / 45000030 00004000 400424c6 0a010102 0a010101 / 4500001c 00004000 40113cc6 cb007109 c0000201 / 00351388 00080000"
        },
        {
            "udp from 203.0.113.9:53 to 192.0.2.1:5000 through gre from 10.1.1.2 to 10.1.1.1 key 7",
            "0200000000aa 020000000001 0800 / 45000038 00004000 402f2493 0a010102 0a010101 / 20000800 00000007 / 4500001c 00004000 40113cc6 cb007109 c0000201 / 00351388 00080000"
        },
        {
            "udp from 203.0.113.9:53 to 192.0.2.1:5000 through gue from 10.1.1.2 to 10.1.1.1",
            "0200000000aa 020000000001 0800 / 4500003c 00004000 401124ad 0a010102 0a010101 / c00017c0 00280000 00040000 / 4500001c 00004000 40113cc6 cb007109 c0000201 / 00351388 00080000"
        },
        {
            "udp from 203.0.113.9:53 to 192.0.2.1:5000 fragment 8 more-fragments",
            "0200000000aa 020000000001 0800 / 4500001c 00002001 40115cc5 cb007109 c0000201 / 00351388 00080000"
        },
        {
            "sctp from 203.0.113.9:9 to 192.0.2.1:5000 syn tos 3",
            "0200000000aa 020000000001 0800 / 45030034 00004000 40843c38 cb007109 c0000201 / 00091388 00000000 00000000 01000014 00000000 00000000 00000000 00000000"
        },
        {
            "udp from 2001:db8::9 to [2001:db8::1]:5000",
            "0200000000aa 020000000001 86dd / 60000000 00081140 20010db8000000000000000000000009 20010db8000000000000000000000001 / 01bb1388 00080000"
        },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_described_packet_has_these_bytes(string description, string frame)
    {
        var expected = frame.Replace(" ", "", StringComparison.Ordinal).Replace("/", "", StringComparison.Ordinal);
        Assert.Equal(expected, Convert.ToHexStringLower(Build(description)), ignoreCase: true);
    }

    [Fact]
    public void Checksums_of_ip_and_icmp_sum_to_all_ones()
    {
        var frame = Build("icmp-error from 203.0.113.9 to 192.0.2.1:5000 quoting tcp length 99");
        Assert.Equal(0xFFFF, Folded(frame.AsSpan(14, 20)));
        Assert.Equal(0xFFFF, Folded(frame.AsSpan(34)));
        Assert.Equal(0xFFFF, Folded(frame.AsSpan(42, 20)));
    }

    [Fact]
    public void A_raw_frame_is_taken_as_it_is() =>
        Assert.Equal(new byte[] { 1, 2, 3 }, new RawFrame([1, 2, 3]).FrameFor(Interface));

    private static byte[] Build(string description) =>
        ((TracePacket)Assert.IsType<Parsed>(CommandParser.Parse("trace packet " + description)).Command).Packet.FrameFor(Interface);

    private static int Folded(ReadOnlySpan<byte> bytes)
    {
        var sum = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
        }

        return (sum & 0xFFFF) + (sum >> 16);
    }
}
