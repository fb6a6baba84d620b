using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Packet.Tests;

/// <summary>Random tables and packets: the oracle and the program must agree on each.</summary>
public class RandomPacketTests(ITestOutputHelper log)
{
    private const int Tables = 240;
    private const int PacketsPerTable = 500;

    [Fact]
    public void Oracle_and_program_agree_on_120_000_random_packets()
    {
        var seed = Seed.Choose();
        var random = new Random(seed);
        using var comparison = new Comparison(ProgramUnderTest.LoadOrSkip());
        var reasons = new long[AbiLimits.Reasons];
        for (var tables = 0; tables < Tables; tables++)
        {
            comparison.Use(RandomTables.Make(random, Comparison.Ingress));
            if (tables % 40 == 39)
            {
                comparison.RestartWriter();
            }

            for (var packets = 0; packets < PacketsPerTable; packets++)
            {
                var frame = RandomPackets.Make(random);
                var (expected, difference) = comparison.Run(frame);
                reasons[(int)expected.Reason]++;
                Assert.True(difference is null, $"table {tables}, packet {packets}: {difference}\n  frame   {Convert.ToHexString(frame)}\n  {Seed.Hint(seed)}");
            }
        }

        log.WriteLine($"{comparison.Packets} packets, {Seed.Hint(seed)}");
        foreach (var reason in Enum.GetValues<Reason>())
        {
            log.WriteLine($"{reasons[(int)reason],8} {reason}");
        }

        // A generator that stops reaching a rule shows nothing about it. No random packet uses up the headroom.
        Assert.True(reasons.Take((int)Reason.Headroom).All(count => count > 20), Seed.Hint(seed));
    }
}
