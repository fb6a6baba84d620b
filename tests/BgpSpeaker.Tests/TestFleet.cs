using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Tests;

/// <summary>
/// Two datacenters; ams has two servers, fra one. Router ids are the addresses that the servers speak BGP from in the live tests.
/// Pools: 192.0.2.0/24 (.1 to .3 may be assigned, slices of 2,048, the first reserved) in both, 198.51.100.0/24 in fra alone, and
/// 2001:db8:a::/48 in both.
/// </summary>
internal static class TestFleet
{
    public const uint Asn = 64512;

    public static Fleet TheFleet { get; } = new(
        Asn,
        [
            new Datacenter("ams", new TunnelEndpoint(Ip("10.255.1.0")), Asn),
            new Datacenter("fra", new TunnelEndpoint(Ip("10.255.2.0"), new Encapsulation(EncapsulationKind.Gre, 7)), Asn),
        ],
        [
            new Server("ams-1", "ams", new TunnelEndpoint(Ip("10.1.1.1")), Ip("10.9.0.1")),
            new Server("ams-2", "ams", new TunnelEndpoint(Ip("10.1.1.2")), Ip("10.9.0.2")),
            new Server("fra-1", "fra", new TunnelEndpoint(Ip("10.1.2.1")), Ip("10.9.0.3")),
        ],
        [
            Pool("general", "192.0.2.0/24", "192.0.2.1", "192.0.2.3", "ams", "fra"),
            Pool("german", "198.51.100.0/24", "198.51.100.0", "198.51.100.255", "fra"),
            Pool("six", "2001:db8:a::/48", "2001:db8:a::1", "2001:db8:a::ff", "ams", "fra"),
        ]);

    public static IpAddress Ip(string text) => IpAddress.Parse(text);

    public static AddressPorts Ports(string text) => AddressPorts.Parse(text);

    public static OwnershipAnnouncement Owned(string ports, string target, Encapsulation encapsulation = default) =>
        new(Ports(ports), Ip(target), encapsulation);

    private static EgressPool Pool(string name, string prefix, string first, string last, params string[] datacenters) => new(
        name, IpPrefix.Parse(prefix), Ip(first), Ip(last), ImmutableSortedDictionary<string, string>.Empty, SliceSize.Create(2048), [0], 1,
        new Encapsulation(EncapsulationKind.Gue), datacenters.ToImmutableSortedDictionary(d => d, _ => 1), false, EchoPolicy.Drop);
}
