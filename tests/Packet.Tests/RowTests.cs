using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Packet.Tests;

/// <summary>Rows of packets: first the oracle has to say what the row says, then the program what the oracle says.</summary>
public class RowTests
{
    private static readonly Row[] Rows = [.. NativeRows.All(), .. TunnelRows.All()];

    [Fact]
    public void The_oracle_says_what_each_row_says()
    {
        var tables = Enum.GetValues<InterfaceRoles>().ToDictionary(r => r, World.Table);
        foreach (var row in Rows)
        {
            var decision = tables[row.Roles].Decide(row.Frame, Comparison.Ingress, explain: true);
            Assert.True(
                (row.Verdict, row.Reason) == (decision.Verdict, decision.Reason),
                $"{row.Name}: {decision.Verdict} {decision.Reason}\n{string.Join('\n', decision.Steps)}");
            Assert.True(decision.Verdict is Verdict.Drop || decision.Endpoint == row.To, $"{row.Name}: goes to {decision.Endpoint}");
            Assert.NotEmpty(decision.Steps);
        }
    }

    [Fact]
    public void The_program_does_what_the_oracle_says_with_each_row()
    {
        using var comparison = new Comparison(ProgramUnderTest.LoadOrSkip());
        var differences = new List<string>();
        foreach (var rows in Rows.GroupBy(r => r.Roles))
        {
            comparison.Use(World.Table(rows.Key));
            foreach (var row in rows)
            {
                if (comparison.Run(row.Frame).Difference is { } difference)
                {
                    differences.Add($"{row.Name}: {difference}");
                }
            }
        }

        Assert.True(differences.Count == 0, $"{differences.Count} of {Rows.Length} rows differ\n{string.Join('\n', differences)}");
    }

    [Fact]
    public void Every_reason_has_a_row_that_makes_it()
    {
        // HEADROOM needs a packet without room in front: Headroom_that_is_used_up_is_counted makes it.
        var shown = Rows.Select(r => r.Reason).Append(Reason.Headroom).ToHashSet();

        Assert.Empty(Enum.GetValues<Reason>().Except(shown));
    }

    [Fact]
    public void Row_names_are_unique() => Assert.Empty(Rows.GroupBy(r => r.Name).Where(g => g.Count() > 1).Select(g => g.Key));

    [Fact]
    public void Headroom_that_is_used_up_is_counted()
    {
        using var program = ProgramUnderTest.LoadOrSkip();
        using var comparison = new Comparison(program);
        comparison.Use(OnwardForever());
        var frame = Build.Frame(new Ip(World.Internet, World.Closed, 6) { Ttl = 255 }.Around(Build.Tcp(443, 5000)));

        // Not put back between runs, each packet is the last one's tunnel packet: another outer header on top, every time.
        program.Run(frame, repeat: 64);

        Assert.True(program.PacketsCounted(Reason.Headroom) > 0);
    }

    /// <summary>
    /// A tunnel whose outer address is an egress address itself, so that what was sent is sent again. Its outer header goes
    /// to our own MAC.
    /// </summary>
    private static SteeringTable OnwardForever()
    {
        byte[] link = [.. TestEndpoint.OwnMac, 2, 0, 0, 0, 0, 9, 8, 0];
        var outer = TestEndpoint.Outer(World.Own, World.Closed, new Encapsulation(EncapsulationKind.Gue));
        outer[22] = 0x17;
        outer[23] = 0xc0;
        var again = new SteeringEndpoint(IpAddress.Parse(World.Closed), default, Rank.Backbone, link, outer, 9000, Comparison.Ingress);
        var builder = new SteeringTableBuilder().AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(32768), EgressPolicies.None);
        builder.SetOwner(IpAddress.Parse(World.Closed), 0, SliceOwner.At(again));
        builder.AddInterface(new SteeringInterface(Comparison.Ingress, MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both));
        return builder.Build();
    }
}
