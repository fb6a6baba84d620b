using SoftUnicast.Egress.Abi;
using SoftUnicast.Steering.Tests.Support;
using static SoftUnicast.Linux.Tests.Guard.GuardUnderTest;
using static SoftUnicast.Steering.Tests.Support.Build;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>Packets that leave, cut at every byte: what cannot be read does not leave.</summary>
public class GuardTruncationTests
{
    /// <summary>The shortest packet that BPF_PROG_TEST_RUN takes for tc.</summary>
    private const int MinFrameBytes = 15;

    /// <summary>The same, if it says right behind the MAC addresses that it is IPv4. Shorter ones leave for real in GuardFrameTests.</summary>
    private const int MinIPv4FrameBytes = 34;

    private const string Away = "198.51.100.9";

    public static TheoryData<string> Packets => [.. Exact().Keys];

    [Theory]
    [MemberData(nameof(Packets))]
    public void Cut_at_any_byte_it_does_not_leave(string name)
    {
        var frame = Exact()[name];
        using var guard = new GuardUnderTest();
        Assert.Equal(GuardReason.Owned, guard.Judge(frame));
        for (var bytes = NetworkOffset(frame) == 14 ? MinIPv4FrameBytes : MinFrameBytes; bytes < frame.Length; bytes++)
        {
            var reason = guard.Judge(frame.AsSpan(0, bytes));

            Assert.True(reason is GuardReason.Unreadable or GuardReason.IcmpQuote, $"{name}, {bytes} bytes: {reason}");
        }
    }

    [Theory]
    [MemberData(nameof(Packets))]
    public void Cut_with_a_total_length_that_agrees_it_does_not_leave_though_the_frame_is_padded(string name)
    {
        var frame = Exact()[name];
        var network = NetworkOffset(frame);
        using var guard = new GuardUnderTest();
        for (var bytes = network + 20; bytes < frame.Length; bytes++)
        {
            var cut = frame.ToArray();
            Word(bytes - network).CopyTo(cut, network + 2);

            var reason = guard.Judge(cut);

            Assert.True(reason is GuardReason.Unreadable or GuardReason.IcmpQuote, $"{name}, total length {bytes - network}: {reason}");
        }
    }

    /// <summary>Packets that end with the last byte that has to be read.</summary>
    private static Dictionary<string, byte[]> Exact()
    {
        byte[] From(byte protocol, byte[] payload) => new Ip(Shared, Away, protocol) { Options = new byte[8] }.Around(payload);
        byte[] Quoted(byte protocol, byte[] payload) => new Ip(Away, Shared, protocol) { Options = new byte[12] }.Around(payload[..8]);
        return new Dictionary<string, byte[]>
        {
            ["TCP"] = Frame(From(6, Tcp(Owned, 443)[..8])),
            ["TCP in two tags"] = Frame(From(6, Tcp(Owned, 443)[..8]), tags: [(0x88a8, 5), (0x8100, 100)]),
            ["UDP"] = Frame(From(17, Udp(Owned, 53))),
            ["UDP-Lite"] = Frame(From(136, Udp(Owned, 53))),
            ["SCTP"] = Frame(From(132, Sctp(Owned, 9)[..8])),
            ["echo request"] = Frame(From(1, Echo(8, Owned))),
            ["ICMP error about TCP"] = Frame(From(1, Error(3, Quoted(6, Tcp(443, Owned)))), tags: (0x8100, 100)),
            ["ICMP error about an echo"] = Frame(From(1, Error(11, Quoted(1, Echo(8, Owned))))),
        };
    }

    private static int NetworkOffset(byte[] frame)
    {
        var offset = 12;
        while (frame[offset] != 0x08)
        {
            offset += 4;
        }

        return offset + 2;
    }
}
