using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Tests.Support;

namespace SoftUnicast.Packet.Tests;

/// <summary>What the program makes of the tables: slice sizes, and values that no writer writes.</summary>
public class TableTests
{
    private static readonly IpAddress Address = IpAddress.Parse(World.Closed);

    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    [InlineData(4096)]
    [InlineData(8192)]
    [InlineData(16384)]
    [InlineData(32768)]
    public void The_first_and_last_port_of_every_slice_find_its_owner(int portCount)
    {
        using var comparison = new Comparison(ProgramUnderTest.LoadOrSkip());
        var size = SliceSize.Create(portCount);
        var builder = Builder(size);
        for (var slice = 0; slice < size.SlicesPerAddress; slice++)
        {
            builder.SetOwner(Address, slice, SliceOwner.At(TestEndpoint.Make($"10.9.{slice}.1")));
        }

        comparison.Use(builder.Build());
        for (var slice = 0; slice < size.SlicesPerAddress; slice++)
        {
            var ports = size.PortsOf(slice);
            foreach (var port in new[] { ports.First, ports.Last })
            {
                var (expected, difference) = comparison.Run(ToPort(port));
                Assert.Null(difference);
                Assert.Equal($"10.9.{slice}.1", expected.Endpoint!.Address.ToString());
            }
        }
    }

    [Theory]
    [InlineData(32768)]
    [InlineData(65535)]
    public void A_slot_beyond_the_endpoints_is_unowned(int slot)
    {
        using var program = ProgramUnderTest.LoadOrSkip();
        new SteeringWriter(program.Maps).Apply(Builder(default).SetOwner(Address, 2, SliceOwner.Here).Build());
        program.Maps.Rows[program.Maps.Rows.IndexOf(AbiLimits.SlotHere)] = (ushort)slot;

        Assert.Equal(Reason.Unowned, program.Run(ToPort(5000)).Reason);
        Assert.Single(KernelTable.Read(program.Maps).Problems);
        Assert.Equal(SliceOwner.Unowned, KernelTable.Read(program.Maps).Table.OwnerOf(Address, 5000));
    }

    [Fact]
    public void Moved_by_one_store_the_next_packet_goes_to_the_new_owner()
    {
        using var program = ProgramUnderTest.LoadOrSkip();
        var (old, next) = (TestEndpoint.Make("10.9.0.1"), TestEndpoint.Make("10.9.0.2"));
        var writer = new SteeringWriter(program.Maps);
        writer.Apply(Builder(default).SetOwner(Address, 2, SliceOwner.At(old)).SetOwner(Address, 3, SliceOwner.At(next)).Build());

        Assert.Equal(1, program.Run(ToPort(5000)).Output[33]);
        Assert.True(writer.TryMove(new AddressPorts(Address, new PortRange(4096, 6143)), SliceOwner.At(next)));
        Assert.Equal(2, program.Run(ToPort(5000)).Output[33]);
    }

    [Fact]
    public void Endpoint_counters_of_a_reused_entry_start_at_zero()
    {
        using var program = ProgramUnderTest.LoadOrSkip();
        program.Maps.ClearEndpointCounter(AbiLimits.SlotHere);
        new SteeringWriter(program.Maps).Apply(Builder(default).SetOwner(Address, 2, SliceOwner.At(TestEndpoint.Make("10.9.0.1"))).Build());
        program.Run(ToPort(5000));
        Assert.Equal(1UL, program.EndpointCounter(AbiLimits.FirstEndpoint).Packets);

        // Nothing points to it any more; a writer that starts then finds it free, with another's counts in it.
        new SteeringWriter(program.Maps).Apply(Builder(default).Build());
        var other = TestEndpoint.Make("10.9.0.2");
        var writer = new SteeringWriter(program.Maps);
        writer.Apply(Builder(default).SetOwner(Address, 2, SliceOwner.At(other)).Build());

        Assert.Equal(AbiLimits.FirstEndpoint, writer.IndexOf(other));
        Assert.Equal(default, program.EndpointCounter(AbiLimits.FirstEndpoint));
    }

    private static SteeringTableBuilder Builder(SliceSize size) => new SteeringTableBuilder()
        .AddPrefix(IpPrefix.Covering(Address, 24), size, EgressPolicies.None)
        .AddInterface(new SteeringInterface(Comparison.Ingress, MacAddress.FromBytes(TestEndpoint.OwnMac), InterfaceRoles.Both));

    private static byte[] ToPort(int port) => Build.Frame(new Ip(World.Internet, World.Closed, 6).Around(Build.Tcp(443, port)));
}
