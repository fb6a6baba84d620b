using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Packet.Tests;

/// <summary>Packets of every layer, cut at every byte, and with every byte of their headers bent.</summary>
public class TruncationTests
{
    /// <summary>The shortest packet that BPF_PROG_TEST_RUN takes; shorter ones are the oracle's tests alone.</summary>
    private const int MinFrameBytes = 14;

    public static TheoryData<string> Packets => [.. Deep().Keys];

    [Theory]
    [MemberData(nameof(Packets))]
    public void Cut_at_any_byte_it_is_never_sent_on_and_counted(string name)
    {
        var frame = Deep()[name];
        using var comparison = new Comparison(ProgramUnderTest.LoadOrSkip());
        comparison.Use(World.Table());
        Assert.True(comparison.Run(frame).Expected.Verdict is Verdict.Steer or Verdict.Transit or Verdict.Decapsulate or Verdict.Answer);
        for (var bytes = MinFrameBytes; bytes < frame.Length; bytes++)
        {
            var (expected, difference) = comparison.Run(frame.AsSpan(0, bytes));

            Assert.True(difference is null, $"{name}, {bytes} bytes: {difference}");
            Assert.True(
                expected.Verdict == Verdict.Drop ? expected.Reason == Reason.Malformed : expected.Reason == Reason.Unreadable,
                $"{name}, {bytes} bytes: {expected.Verdict} {expected.Reason}");
        }
    }

    /// <summary>The total lengths agree with the cut, so that every layer inside finds the end.</summary>
    [Theory]
    [MemberData(nameof(Packets))]
    public void Cut_with_lengths_that_agree_oracle_and_program_agree(string name)
    {
        var frame = Deep()[name];
        using var comparison = new Comparison(ProgramUnderTest.LoadOrSkip());
        comparison.Use(World.Table());
        var network = NetworkOffset(frame);
        for (var bytes = network + 20; bytes < frame.Length; bytes++)
        {
            var cut = frame[..bytes];
            Build.Word(bytes - network).CopyTo(cut, network + 2);
            var headerBytes = (cut[network] & 15) * 4;
            if (cut[network + 9] == 17 && bytes >= network + headerBytes + 6)
            {
                Build.Word(bytes - network - headerBytes).CopyTo(cut, network + headerBytes + 4);
            }

            var difference = comparison.Run(cut).Difference;
            Assert.True(difference is null, $"{name}, {bytes} bytes: {difference}\n{Convert.ToHexString(cut)}");

            // The same in a frame that is padded: what the lengths exclude is not there.
            difference = comparison.Run([.. cut, .. frame[bytes..]]).Difference;
            Assert.True(difference is null, $"{name}, {bytes} bytes and padding: {difference}\n{Convert.ToHexString(cut)}");
        }
    }

    [Theory]
    [MemberData(nameof(Packets))]
    public void With_any_bit_of_its_headers_bent_oracle_and_program_agree(string name)
    {
        var frame = Deep()[name];
        using var comparison = new Comparison(ProgramUnderTest.LoadOrSkip());
        comparison.Use(World.Table());
        for (var bit = 0; bit < Math.Min(frame.Length, 130) * 8; bit++)
        {
            var bent = frame.ToArray();
            bent[bit / 8] ^= (byte)(1 << (bit % 8));

            var difference = comparison.Run(bent).Difference;

            Assert.True(difference is null, $"{name}, bit {bit % 8} of byte {bit / 8}: {difference}\n{Convert.ToHexString(bent)}");
        }
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

    private static Dictionary<string, byte[]> Deep()
    {
        var port = World.PortOf(World.NearGue);
        byte[] To(byte protocol, byte[] payload, string address = World.Closed) => new Ip(World.Internet, address, protocol) { Options = new byte[8] }.Around(payload);
        var quoted = (new Ip(World.Closed, World.Internet, 6) { Options = new byte[12] }).Around(Build.Tcp(port, 443));
        var error = To(1, Build.Error(3, quoted));
        var segment = To(6, Build.Tcp(443, port));
        return new Dictionary<string, byte[]>
        {
            ["TCP"] = Build.Frame(segment),
            ["TCP in two tags"] = Build.Frame(segment, tags: [(0x88a8, 5), (0x8100, 100)]),
            ["UDP"] = Build.Frame(To(17, Build.Udp(53, port, 1, 2, 3))),
            ["SCTP"] = Build.Frame(To(132, Build.Sctp(9, port))),
            ["echo reply"] = Build.Frame(To(1, Build.Echo(0, port, 1, 2))),
            ["echo request, answered"] = Build.Frame(new Ip(World.Internet, World.Answers, 1).Around(Build.Echo(8, port, 1, 2))),
            ["echo request, let in"] = Build.Frame(To(1, Build.Echo(8, port, 1, 2), World.Open)),
            ["ICMP error"] = Build.Frame(error),
            ["GUE, carried on"] = Build.Frame(Build.Gue(World.Far, World.Own, segment)),
            ["GUE, delivered"] = Build.Frame(Build.Gue(World.Far, World.Own, To(6, Build.Tcp(443, World.Port(1))))),
            ["GRE"] = Build.Frame(Build.Gre(World.Far, World.Own, null, segment), tags: [(0x8100, 100)]),
            ["GRE with key"] = Build.Frame(Build.Gre(World.Far, World.Own, World.Key, error)),
            ["IPIP"] = Build.Frame(new Ip(World.Far, World.Own, 4) { Options = new byte[4] }.Around(error)),
        };
    }
}
