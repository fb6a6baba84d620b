using SoftUnicast.Model;

namespace SoftUnicast.Dispatch.Tests;

/// <summary>Random tables: oracle and compiled image against a slow, obvious search.</summary>
public class RandomTableTests
{
    private static readonly IpPrefix[] Everywhere = [IpPrefix.Parse("0.0.0.0/0"), IpPrefix.Parse("::/0")];

    [Theory]
    [InlineData(1, 200)]
    [InlineData(2, 200)]
    [InlineData(3, 3)]
    [InlineData(4, 40)]
    public void Oracle_and_image_find_what_a_slow_search_finds(int seed, int count)
    {
        var random = new Random(seed);
        for (var round = 0; round < 8; round++)
        {
            var table = Table(random, count);
            var indexes = table.Bindings.Select((b, i) => (b, i)).ToDictionary(p => p.b, p => (ushort)(p.i + 1));
            var image = DispatchCompiler.Compile(table, indexes, _ => 1).Image!;
            for (var i = 0; i < 1000; i++)
            {
                var protocol = random.Next(2) == 0 ? DispatchProtocol.Tcp : DispatchProtocol.Udp;
                var (address, port) = (Address(random), (ushort)random.Next(40));
                var expected = table.Bindings.Where(b => b.Matches(protocol, address, port))
                    .OrderByDescending(b => b.Prefix.Length).ThenBy(b => b.Ports.Count).FirstOrDefault();

                Assert.True(expected == table.Match(protocol, address, port), $"seed {seed}, round {round}: {protocol} {address} {port}: {expected}");
                Assert.True((expected is null ? 0 : indexes[expected]) == image.Find(protocol, address, port), $"seed {seed}, round {round}, image: {protocol} {address} {port}: {expected}");
            }
        }
    }

    [Fact]
    public void Ports_with_the_same_bindings_share_a_class()
    {
        Binding[] bindings = [.. Enumerable.Range(1, 13).Select(port => Bind("a", "10.0.0.0/20", 100 * port)), Bind("b", "10.0.16.0/20", 80), Bind("b", "10.0.16.0/20", 81)];
        var table = BindingTable.Create(bindings, Everywhere).Table!;

        var image = Compile(table);

        // Each port has a binding of its own, so a class of its own; a range has one for all of its ports.
        Assert.Equal(1 + 15, image.Classes.Count);
        Assert.Equal(1 + 1, Compile(BindingTable.Create([new Binding(Label.Parse("a"), DispatchProtocol.Tcp, IpPrefix.Parse("10.0.0.0/20"), new PortRange(1000, 60000))], Everywhere).Table!).Classes.Count);
    }

    [Fact]
    public void Ports_with_the_same_prefixes_share_their_ranges_and_lead_to_bindings_of_their_own()
    {
        Binding[] bindings = [.. from i in Enumerable.Range(0, 770) from port in Enumerable.Range(1, 13) select Bind("a", $"10.{i / 256}.{i % 256}.0/24", port)];
        var table = BindingTable.Create(bindings, Everywhere).Table!;

        var image = Compile(table);

        Assert.InRange(image.V4.Count, 770, 772);
        Assert.Equal(770 * 13, image.ClassBindingsSpan.Length);
        Assert.All(table.Bindings.Select((b, i) => (b, i)), p => Assert.Equal(p.i + 1, image.Find(DispatchProtocol.Tcp, p.b.Prefix.Network.Add(7), p.b.Ports.First)));
    }

    [Fact]
    public void Ten_thousand_bindings_of_one_port_and_ten_thousand_ports_fit()
    {
        Binding[] bindings =
        [
            .. Enumerable.Range(0, 8000).Select(i => Bind("a", $"10.{i / 256}.{i % 256}.0/24", 443)),
            .. Enumerable.Range(0, 8000).Select(i => Bind("a", "192.0.2.0/24", 1000 + i)),
        ];

        var image = Compile(BindingTable.Create(bindings, Everywhere).Table!);

        Assert.True(image.V4.Count < 40000);
    }

    [Fact]
    public void Wide_ranges_that_would_fill_the_tables_are_refused()
    {
        Binding[] bindings =
        [
            .. Enumerable.Range(0, 1000).Select(i => new Binding(Label.Parse("a"), DispatchProtocol.Tcp, IpPrefix.Parse($"10.{i / 256}.{i % 256}.0/24"), new PortRange(1, 65000))),
            .. Enumerable.Range(0, 1000).Select(i => Bind("a", "192.0.2.0/24", 1000 + i)),
        ];
        var table = BindingTable.Create(bindings, Everywhere).Table!;

        var result = DispatchCompiler.Compile(table, table.Bindings.Select((b, i) => (b, i)).ToDictionary(p => p.b, p => (ushort)(p.i + 1)), _ => 1);

        Assert.Null(result.Image);
        Assert.StartsWith("the port ranges overlap too much: 32767 different sets of bindings a port, with 131072 bindings and address ranges of a family, fit", result.Refusal, StringComparison.Ordinal);
        foreach (var any in bindings.Take(1000).ToArray())
        {
            bindings[Array.IndexOf(bindings, any)] = any with { Ports = PortRange.All };
        }

        Assert.True(Compile(BindingTable.Create(bindings, Everywhere).Table!).V4.Count < 10000);
    }

    private static DispatchImage Compile(BindingTable table) =>
        DispatchCompiler.Compile(table, table.Bindings.Select((b, i) => (b, i)).ToDictionary(p => p.b, p => (ushort)(p.i + 1)), _ => 1).Image!;

    private static Binding Bind(string label, string prefix, int port) =>
        new(Label.Parse(label), DispatchProtocol.Tcp, IpPrefix.Parse(prefix), new PortRange((ushort)port, (ushort)port));

    private static BindingTable Table(Random random, int count)
    {
        var bindings = new List<Binding>();
        while (bindings.Count < count)
        {
            var address = Address(random);
            var first = random.Next(40);
            var ports = random.Next(4) == 0 ? PortRange.All : new PortRange((ushort)first, (ushort)Math.Min(39, first + (random.Next(2) * random.Next(20))));
            var length = random.Next(10) == 0 ? 0 : address.BitCount - random.Next(10);
            bindings.Add(new Binding(Label.Parse($"l{random.Next(5)}"), random.Next(2) == 0 ? DispatchProtocol.Tcp : DispatchProtocol.Udp, IpPrefix.Covering(address, length), ports));
            while (BindingTable.Create(bindings, Everywhere).Problems.Count > 0)
            {
                bindings.RemoveAt(bindings.Count - 1);
                count--;
            }
        }

        return BindingTable.Create(bindings, Everywhere).Table!;
    }

    // Few enough that prefixes nest, at both ends of the space and in the middle.
    private static IpAddress Address(Random random)
    {
        var low = (uint)random.Next(512);
        return random.Next(6) switch
        {
            0 => IpAddress.FromUInt32(low),
            1 => IpAddress.FromUInt32(uint.MaxValue - low),
            2 => IpAddress.FromUInt32(0xc0000200 + low),
            3 => IpAddress.FromUInt128(low),
            4 => IpAddress.FromUInt128(UInt128.MaxValue - low),
            _ => IpAddress.FromUInt128(new UInt128(0x20010db800000000 + (ulong)random.Next(2), ulong.MaxValue - low)),
        };
    }
}
