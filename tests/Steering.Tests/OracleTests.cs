using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Steering.Tests;

/// <summary>What holds for every packet. What each packet gets is held row by row in Packet.Tests.</summary>
public class OracleTests
{
    [Fact]
    public void It_never_throws_and_what_it_drops_has_no_output()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        for (var tables = 0; tables < 100; tables++)
        {
            var table = RandomTables.Make(random);
            for (var packets = 0; packets < 500; packets++)
            {
                var frame = packets % 50 == 0 ? Noise(random) : RandomPackets.Make(random);
                var decision = table.Decide(frame.AsSpan(0, random.Next(Math.Max(0, frame.Length - 200), frame.Length + 1)), 1);
                Assert.True(decision.Output.IsEmpty || decision.Verdict != Verdict.Drop, Seed.Hint(seed));
                Assert.True(decision.Steps.IsEmpty, Seed.Hint(seed));
            }
        }
    }

    [Fact]
    public void Explaining_changes_nothing_but_the_steps()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        var table = RandomTables.Make(random);
        for (var packets = 0; packets < 1000; packets++)
        {
            var frame = RandomPackets.Make(random);
            var (plain, explained) = (table.Decide(frame, 1), table.Decide(frame, 1, explain: true));
            Assert.NotEmpty(explained.Steps);
            Assert.True(plain.Output.Span.SequenceEqual(explained.Output.Span), Seed.Hint(seed));
            Assert.Equal(plain with { Output = default }, explained with { Output = default, Steps = [] });
        }
    }

    [Fact]
    public void Frames_shorter_than_an_Ethernet_header_are_unreadable()
    {
        var table = RandomTables.Make(new Random(0));
        var device = table.Interfaces.Keys.First();
        for (var bytes = 0; bytes < 14; bytes++)
        {
            Assert.Equal(Reason.Unreadable, table.Decide(new byte[bytes], device).Reason);
        }
    }

    [Fact]
    public void What_is_sent_on_goes_to_a_lower_rank_than_it_came_from()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        var sent = 0;
        for (var tables = 0; tables < 40; tables++)
        {
            var table = RandomTables.Make(random);
            for (var packets = 0; packets < 500; packets++)
            {
                var frame = RandomPackets.Make(random);
                var decision = table.Decide(frame, 1, explain: true);
                if (decision.Verdict is Verdict.Steer or Verdict.Transit)
                {
                    var from = decision.Steps.Any(s => s.EndsWith("is a server of this datacenter", StringComparison.Ordinal)) ? Rank.Datacenter
                        : decision.Steps.Any(s => s.EndsWith("is a server of another datacenter", StringComparison.Ordinal)) ? Rank.Backbone
                        : Rank.Internet;
                    Assert.True(decision.Endpoint!.Rank < from, Seed.Hint(seed));
                    Assert.Equal(from == Rank.Internet, decision.Verdict == Verdict.Steer);
                    sent++;
                }
            }
        }

        Assert.True(sent > 1000, Seed.Hint(seed));
    }

    [Theory]
    [InlineData(Verdict.Steer, "arrives on interface 1 (internet and backbone)|192.0.2.7 is an egress address of 192.0.2.0/24, slices of 2048 ports|protocol 6, owner's port 5000|192.0.2.7:4096-6143 is owned at 10.1.1.2 by gue, this datacenter, interface 1, MTU 1500|sent into the tunnel (Steered)")]
    public void The_steps_tell_the_way_of_a_packet(Verdict verdict, string steps)
    {
        var builder = new SteeringTableBuilder()
            .AddPrefix(IpPrefix.Parse("192.0.2.0/24"), default, EgressPolicies.None)
            .SetOwner(IpAddress.Parse("192.0.2.7"), 2, SliceOwner.At(TestEndpoint.Make("10.1.1.2")))
            .AddInterface(new SteeringInterface(1, MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both));
        var frame = Build.Frame(new Ip("100.64.9.9", "192.0.2.7", 6).Around(Build.Tcp(443, 5000)));

        var decision = builder.Build().Decide(frame, 1, explain: true);

        Assert.Equal(verdict, decision.Verdict);
        Assert.Equal(steps.Split('|'), decision.Steps);
        Assert.Equal(AddressPorts.Parse("192.0.2.7:4096-6143"), decision.Slice);
    }

    /// <summary>
    /// GUE over IPv4 from 10.1.1.1 to 10.1.1.2, 40 bytes inside, written out. The outer words 4510 0048 0000 4000 4011 0a01
    /// 0101 0a01 0102 add up to db6e, whose complement is 2491.
    /// </summary>
    [Fact]
    public void A_steered_packet_byte_for_byte()
    {
        var table = new SteeringTableBuilder()
            .AddPrefix(IpPrefix.Parse("192.0.2.0/24"), default, EgressPolicies.None)
            .SetOwner(IpAddress.Parse("192.0.2.7"), 2, SliceOwner.At(TestEndpoint.Make("10.1.1.2")))
            .AddInterface(new SteeringInterface(1, MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both))
            .Build();
        var frame = Build.Frame(new Ip("100.64.9.9", "192.0.2.7", 6) { Tos = 0x10 }.Around(Build.Tcp(443, 5000)));

        var output = table.Decide(frame, 1).Output.Span;

        var outer = output[14..34];
        Assert.Equal("0200000000EE0200000000010800", Convert.ToHexString(output[..14]));
        Assert.Equal("451000480000400040112491" + "0A010101" + "0A010102", Convert.ToHexString(outer));
        Assert.Equal(0, Build.Sum(outer));
        Assert.Equal("17C000340000" + "00040000", Convert.ToHexString(output[36..46]));
        Assert.True(output[34] >= 0xc0);
        Assert.Equal(63, output[46 + 8]);
        Assert.Equal(0, Build.Sum(output[46..66]));
        Assert.Equal(Convert.ToHexString(frame.AsSpan(34)), Convert.ToHexString(output[66..]));
    }

    private static byte[] Noise(Random random)
    {
        var bytes = new byte[random.Next(300)];
        random.NextBytes(bytes);
        return bytes;
    }
}
