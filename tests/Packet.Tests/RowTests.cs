using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Packet.Tests;

/// <summary>Rows of packets: first the oracle has to say what the row says, then the program what the oracle says.</summary>
public class RowTests
{
    private static readonly Row[] Rows = [.. NativeRows.All(), .. TunnelRows.All(), .. PlainRows.All()];

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

    /// <summary>A buffer holds some 3,500 bytes of a frame here; what is longer lies in several.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Around_the_end_of_a_buffer_oracle_and_program_agree(bool tunnelled)
    {
        using var comparison = new Comparison(ProgramUnderTest.LoadOrSkip());
        comparison.Use(World.Table());
        foreach (var port in new[] { World.Port(1), World.PortOf(World.Wide) })
        {
            for (var bytes = 3300; bytes < 3600; bytes++)
            {
                var packet = new Ip(World.Internet, World.Closed, 17).Around(Build.Udp(53, port, new byte[bytes]));
                var frame = Build.Frame(tunnelled ? Build.Gue(World.Far, World.Own, packet) : packet);

                Assert.True(comparison.Run(frame).Difference is null, $"{frame.Length} bytes to port {port}");
                Assert.True(comparison.Run(frame.AsSpan(..^1)).Difference is null, $"{frame.Length - 1} bytes of one more to port {port}");
            }
        }
    }

    /// <param name="port">Of the outer header: GUE's goes through the layers, another the straight way.</param>
    [Theory]
    [InlineData(6080)]
    [InlineData(6081)]
    public void Headroom_that_is_used_up_is_counted(int port)
    {
        const int Runs = 64;
        using var program = ProgramUnderTest.LoadOrSkip();
        using var comparison = new Comparison(program);
        comparison.Use(OnwardForever(port));
        var frame = Build.Frame(new Ip(World.Internet, World.Closed, 6) { Ttl = 255 }.Around(Build.Tcp(443, 5000)));

        // Not put back between runs, each packet is the last one's tunnel packet: another outer header on top, every time.
        program.Run(frame, repeat: Runs);

        var (steered, headroom) = (program.PacketsCounted(Reason.Steered), program.PacketsCounted(Reason.Headroom));
        Assert.True(steered > 0 && headroom > 0, $"{steered} were steered, {headroom} had no room");
        Assert.Equal((ulong)Runs, steered + headroom);
    }

    /// <summary>
    /// A tunnel whose outer address is an egress address itself, so that what was sent is sent again. Its outer header goes
    /// to our own MAC.
    /// </summary>
    private static SteeringTable OnwardForever(int port)
    {
        byte[] link = [.. TestEndpoint.OwnMac, 2, 0, 0, 0, 0, 9, 8, 0];
        var outer = TestEndpoint.Outer(World.Own, World.Closed, new Encapsulation(EncapsulationKind.Gue));
        Build.Word(port).CopyTo(outer, 22);
        var again = new SteeringEndpoint(IpAddress.Parse(World.Closed), default, Rank.Backbone, link, outer, 9000, Comparison.Ingress);
        var builder = new SteeringTableBuilder().AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(32768), EgressPolicies.None);
        builder.SetOwner(IpAddress.Parse(World.Closed), 0, SliceOwner.At(again));
        builder.AddInterface(new SteeringInterface(Comparison.Ingress, MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both));
        return builder.Build();
    }
}
