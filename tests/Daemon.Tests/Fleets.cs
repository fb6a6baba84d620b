using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Tests;

/// <summary>Two datacenters with two servers each, one IPv4 pool and one IPv6 pool; ams-1 is the server under test.</summary>
internal static class Fleets
{
    public static Fleet Two { get; } = new(
        64512,
        [
            new Datacenter("ams", new TunnelEndpoint(IpAddress.Parse("10.255.0.1")), 64512),
            new Datacenter("fra", new TunnelEndpoint(IpAddress.Parse("10.255.0.2")), 64512),
        ],
        [Server("ams-1", "10.1.0.1"), Server("ams-2", "10.1.0.2"), Server("fra-1", "10.2.0.1"), Server("fra-2", "10.2.0.2")],
        [Pool("us", "192.0.2.0/24", "192.0.2.1", "192.0.2.2"), Pool("six", "2001:db8::/48", "2001:db8::1", "2001:db8::2")]);

    public static Server Self => Two.Servers["ams-1"];

    public static AddressPorts Ports(string text) => AddressPorts.Parse(text);

    public static IpAddress Address(string text) => IpAddress.Parse(text);

    public static Assignment Assigned(params (string Slice, string Server)[] slices) => new(1,
    [
        new PoolAssignment(
            "us",
            SliceSize.Create(2048),
            [new OwnedBlock(Ports("192.0.2.1:0-65535"), "ams"), new OwnedBlock(Ports("192.0.2.2:0-65535"), "fra")],
            [.. slices.Select(s => new OwnedSlice(Ports(s.Slice), s.Server))],
            []),
    ]);

    public static OwnershipRoute Slice(string ports, string server) => new(
        Ports(ports), OwnershipKind.Slice, Two.Servers[server].Endpoint.Address, default, Two.Servers[server].RouterId, Address("10.0.0.9"));

    public static OwnershipRoute Block(string ports, string datacenter, string origin) => new(
        Ports(ports), OwnershipKind.Block, Two.Datacenters[datacenter].Endpoint.Address, default, Two.Servers[origin].RouterId, Address("10.0.0.9"));

    private static Server Server(string name, string endpoint) =>
        new(name, name[..3], new TunnelEndpoint(IpAddress.Parse(endpoint)), IpAddress.Parse(endpoint));

    private static EgressPool Pool(string name, string prefix, string first, string last) => new(
        name,
        IpPrefix.Parse(prefix),
        IpAddress.Parse(first),
        IpAddress.Parse(last),
        ImmutableSortedDictionary<string, string>.Empty,
        SliceSize.Create(2048),
        [0],
        1,
        default,
        ImmutableSortedDictionary<string, int>.Empty.Add("ams", 1).Add("fra", 1),
        false,
        EchoPolicy.Drop);
}
