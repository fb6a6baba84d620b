using System.Buffers.Binary;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Packet.Tests;

/// <summary>Slices move while packets flow: each packet goes to the old or to the new owner, whole, and to nobody else.</summary>
public class MoveUnderLoadTests(ITestOutputHelper log)
{
    private const int Moves = 400;
    private const int MinPackets = 20_000;
    private static readonly IpAddress Address = IpAddress.Parse(World.Closed);

    [Fact]
    public async Task Packets_meet_the_old_or_the_new_owner_while_slices_move()
    {
        using var program = ProgramUnderTest.LoadOrSkip();
        var writer = new SteeringWriter(program.Maps);
        writer.Apply(TableOf(0));
        var frames = Enumerable.Range(0, 32).Select(slice => Build.Frame(new Ip(World.Internet, World.Closed, 6).Around(Build.Tcp(443, World.Port(slice))))).ToArray();

        using var done = new CancellationTokenSource();
        var misdelivered = new List<string>();
        long packets = 0;
        var load = Task.Run(
            () =>
            {
                var output = new byte[256];
                for (var i = 0; !done.IsCancellationRequested || packets < MinPackets; i++, packets++)
                {
                    var slice = i % frames.Length;
                    var (action, bytes) = program.RunOnly(frames[slice], output);
                    if (Misdelivered(slice, action, output.AsSpan(0, bytes), frames[slice]) is { } what)
                    {
                        misdelivered.Add($"packet {i}: {what}");
                    }
                }
            },
            TestContext.Current.CancellationToken);

        // Every table moves slices, changes next hops (new entries), and now and then the whole /24 gets other rows.
        for (var move = 1; move <= Moves; move++)
        {
            Assert.Null(writer.Apply(TableOf(move)).Refusal);
        }

        await done.CancelAsync();
        await load;
        log.WriteLine($"{packets} packets, {Moves} tables, {misdelivered.Count} misdelivered");
        Assert.True(misdelivered.Count == 0, string.Join('\n', misdelivered.Take(10)));
    }

    /// <summary>
    /// Slice s belongs to 10.s.0.1 or 10.s.0.2 in every table, by next hops whose MAC ends in the same number and in s.
    /// Anything else is misdelivered.
    /// </summary>
    private static SteeringTable TableOf(int move)
    {
        var size = SliceSize.Create(move % 50 < 25 ? 2048 : 1024);
        var builder = new SteeringTableBuilder()
            .AddPrefix(IpPrefix.Covering(Address, 24), size, EgressPolicies.None)
            .AddInterface(new SteeringInterface(Comparison.Ingress, MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both));
        var perSlice = 2048 / size.PortCount;
        for (var slice = 0; slice < 32; slice++)
        {
            var owner = 1 + (((slice * 7) + move) / (1 + (slice % 5)) % 2);
            var endpoint = EndpointOf(slice, owner, move / 3);
            for (var part = 0; part < perSlice; part++)
            {
                builder.SetOwner(Address, (slice * perSlice) + part, SliceOwner.At(endpoint));
            }
        }

        return builder.Build();
    }

    private static SteeringEndpoint EndpointOf(int slice, int owner, int generation)
    {
        byte[] link = [2, 0, (byte)(generation >> 8), (byte)generation, (byte)slice, (byte)owner, .. TestEndpoint.OwnMac, 8, 0];
        var address = $"10.{slice}.0.{owner}";
        return new SteeringEndpoint(IpAddress.Parse(address), default, Rank.Datacenter, link, TestEndpoint.Outer(World.Own, address, default), 1500, Comparison.Ingress);
    }

    private static string? Misdelivered(int slice, uint action, ReadOnlySpan<byte> output, ReadOnlySpan<byte> frame)
    {
        const uint XdpTx = 3;
        if (action != XdpTx || output.Length != frame.Length + 32)
        {
            return $"action {action}, {output.Length} bytes";
        }

        var destination = BinaryPrimitives.ReadUInt32BigEndian(output[30..]);
        var owner = destination & 0xff;
        return destination >> 8 != ((10u << 16) | ((uint)slice << 8)) || owner is not (1 or 2)
            ? $"slice {slice} went to {IpAddress.FromUInt32(destination)}"
            : output[4] != slice || output[5] != owner
            ? $"slice {slice} for {IpAddress.FromUInt32(destination)} went by the next hop of another"
            : Build.Sum(output[14..34]) != 0
            ? $"slice {slice}: outer checksum is wrong"
            : null;
    }
}
