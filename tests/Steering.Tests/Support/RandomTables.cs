using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>Random steering tables around a few fixed addresses, so that random packets hit them often.</summary>
internal static class RandomTables
{
    public static readonly string[] Networks = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "192.0.3.0/24"];
    public static readonly string[] Peers = ["10.1.1.2", "10.1.1.3", "10.2.1.1", "10.2.1.2", "10.2.200.255"];
    public static readonly string[] Locals = ["10.1.1.1", "10.255.1.0"];
    public const uint GreKey = 0x01020304;

    public static SteeringTable Make(Random random, int interfaceIndex = 1)
    {
        var builder = new SteeringTableBuilder();
        var endpoints = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Endpoint(random)).ToArray();
        foreach (var network in Networks.Where(_ => random.Next(5) > 0))
        {
            AddPrefix(random, builder, IpPrefix.Parse(network), endpoints);
        }

        foreach (var peer in Peers.Where(_ => random.Next(6) > 0))
        {
            builder.AddPeer(IpAddress.Parse(peer), random.Next(2) == 0 ? Rank.Datacenter : Rank.Backbone);
        }

        foreach (var local in Locals.Where(_ => random.Next(8) > 0))
        {
            var accept = random.Next(3) == 0 ? (AcceptedEncapsulations)random.Next(16) : (AcceptedEncapsulations)15;
            builder.AddLocal(new SteeringLocal(IpAddress.Parse(local), accept, accept.HasFlag(AcceptedEncapsulations.GreKey) ? GreKey : null));
        }

        if (random.Next(20) > 0)
        {
            var roles = random.Next(3) > 0 ? InterfaceRoles.Both : (InterfaceRoles)random.Next(1, 3);
            builder.AddInterface(new SteeringInterface(interfaceIndex, MacAddress.FromBytes(TestEndpoint.OwnMac), roles));
        }

        return builder.Build();
    }

    public static SteeringEndpoint Endpoint(Random random) => TestEndpoint.Make(
        $"10.{random.Next(1, 3)}.{random.Next(4)}.{random.Next(1, 255)}",
        random.Next(4) switch
        {
            0 => new Encapsulation(EncapsulationKind.Gue),
            1 => new Encapsulation(EncapsulationKind.Gre),
            2 => new Encapsulation(EncapsulationKind.Gre, (uint)random.Next()),
            _ => new Encapsulation(EncapsulationKind.Ipip),
        },
        random.Next(2) == 0 ? Rank.Datacenter : Rank.Backbone,
        random.Next(8) switch { 0 or 1 => random.Next(40, 200), 2 => 9000, _ => 1500 },
        random.Next(1, 4),
        random.Next(3) == 0 ? (ushort)random.Next(1, 4095) : null,
        random.Next(10) > 0);

    private static void AddPrefix(Random random, SteeringTableBuilder builder, IpPrefix prefix, SteeringEndpoint[] endpoints)
    {
        var size = SliceSize.Create(256 << random.Next(8));
        builder.AddPrefix(prefix, size, (EgressPolicies)random.Next(8));

        // Four addresses are in use, so that packets find owners.
        for (uint last = 0; last < 4; last++)
        {
            for (var slice = 0; slice < size.SlicesPerAddress; slice++)
            {
                var owner = random.Next(10) switch
                {
                    0 => SliceOwner.Unowned,
                    1 or 2 => SliceOwner.Here,
                    _ => SliceOwner.At(endpoints[random.Next(endpoints.Length)]),
                };
                builder.SetOwner(prefix.Network.Add(last * 85), slice, owner);
            }
        }
    }
}
