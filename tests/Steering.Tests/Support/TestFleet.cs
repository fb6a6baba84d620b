using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>A small fleet: ams and fra with two servers each, this server is ams-1.</summary>
internal static class TestFleet
{
    public static Fleet With(params EgressPool[] pools) => With(pools, []);

    public static Fleet With(EgressPool[] pools, Server[] more) => new(
        64512,
        [
            new Datacenter("ams", new TunnelEndpoint(IpAddress.Parse("10.255.1.0")), 64512),
            new Datacenter("fra", new TunnelEndpoint(IpAddress.Parse("10.255.2.0")), 64512),
        ],
        [Server("ams-1", "ams", "10.1.1.1"), Server("ams-2", "ams", "10.1.1.2"), Server("fra-1", "fra", "10.2.1.1"), Server("fra-2", "fra", "10.2.1.2"), .. more],
        pools);

    public static Server Server(string name, string datacenter, string endpoint) =>
        new(name, datacenter, new TunnelEndpoint(IpAddress.Parse(endpoint)), IpAddress.Parse(endpoint));

    public static EgressPool Pool(string name, string prefix, int sliceSize = 2048, bool connections = false, EchoPolicy echo = EchoPolicy.Drop)
    {
        var network = IpPrefix.Parse(prefix);
        return new EgressPool(
            name,
            network,
            network.Network,
            network.Last,
            ImmutableSortedDictionary<string, string>.Empty,
            SliceSize.Create(sliceSize),
            [0],
            1,
            default,
            ImmutableSortedDictionary<string, int>.Empty.Add("ams", 1).Add("fra", 1),
            connections,
            echo);
    }
}
