using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels.Tests;

public sealed class TunnelLocalsTests
{
    private static readonly Encapsulation Gue = new(EncapsulationKind.Gue);
    private static readonly Encapsulation Gre = new(EncapsulationKind.Gre);
    private static readonly Encapsulation Ipip = new(EncapsulationKind.Ipip);

    [Fact]
    public void An_endpoint_accepts_what_the_pools_of_its_datacenter_use()
    {
        var locals = Locals(null, null, Pool("a", "192.0.2.0/24", Gue), Pool("b", "198.51.100.0/24", Ipip), Pool("c", "203.0.113.0/24", Gre, "fra"));

        Assert.Empty(locals.Problems);
        var accept = AcceptedEncapsulations.Gue | AcceptedEncapsulations.Ipip;
        Assert.Equal(
            [new TunnelLocal(IpAddress.Parse("10.1.1.1"), accept, null), new TunnelLocal(IpAddress.Parse("10.255.1.0"), accept, null)],
            locals.Locals);
    }

    [Fact]
    public void An_endpoint_that_asks_for_an_encapsulation_accepts_that_alone()
    {
        var locals = Locals(new Encapsulation(EncapsulationKind.Gre, 7), Gre, Pool("a", "192.0.2.0/24", Gue));

        Assert.Equal(
            [
                new TunnelLocal(IpAddress.Parse("10.1.1.1"), AcceptedEncapsulations.GreKey, 7),
                new TunnelLocal(IpAddress.Parse("10.255.1.0"), AcceptedEncapsulations.Gre, null),
            ],
            locals.Locals);
    }

    [Fact]
    public void A_server_whose_datacenter_serves_no_pool_accepts_nothing() =>
        Assert.All(Locals(null, null, Pool("c", "203.0.113.0/24", Gre, "fra")).Locals, l => Assert.Equal(AcceptedEncapsulations.None, l.Accept));

    [Fact]
    public void Two_keys_at_one_endpoint_are_a_problem_and_the_first_stays()
    {
        var locals = Locals(
            Gue,
            null,
            Pool("a", "192.0.2.0/24", new Encapsulation(EncapsulationKind.Gre, 7)),
            Pool("b", "198.51.100.0/24", new Encapsulation(EncapsulationKind.Gre, 8)),
            Pool("c", "203.0.113.0/24", new Encapsulation(EncapsulationKind.Gre, 7)));

        Assert.Equal(
            "datacenter ams: pools a and b want GRE keys 7 and 8 at 10.255.1.0, but an endpoint takes one key: "
            + "give both pools the same, or the endpoint one of its own",
            Assert.Single(locals.Problems));
        Assert.Equal([null, 7u], locals.Locals.Select(l => l.GreKey));
    }

    [Fact]
    public void An_IPv6_endpoint_is_a_problem_and_no_local()
    {
        var fleet = Fleet(null, null, Pool("a", "192.0.2.0/24", Gue));
        var server = fleet.Servers["ams-1"] with { Endpoint = new TunnelEndpoint(IpAddress.Parse("2001:db8::1")) };

        var locals = TunnelLocals.For(fleet, server);

        Assert.Equal(IpAddress.Parse("10.255.1.0"), Assert.Single(locals.Locals).Address);
        Assert.Equal(
            "server ams-1: endpoint 2001:db8::1 is IPv6, which the packet path does not carry yet: give it an IPv4 endpoint",
            Assert.Single(locals.Problems));
    }

    // enum su_encapsulation in bpf/abi.h: GUE 0, GRE 1, IPIP 2, GRE with a key 3; su_local.accept has bit 1 << that.
    [Fact]
    public void The_accept_bits_are_those_of_the_packet_path()
    {
        Assert.Equal(1 << 0, (int)TunnelLocals.AcceptBit(Gue));
        Assert.Equal(1 << 1, (int)TunnelLocals.AcceptBit(Gre));
        Assert.Equal(1 << 2, (int)TunnelLocals.AcceptBit(Ipip));
        Assert.Equal(1 << 3, (int)TunnelLocals.AcceptBit(new Encapsulation(EncapsulationKind.Gre, 0)));
    }

    private static TunnelLocals Locals(Encapsulation? server, Encapsulation? datacenter, params EgressPool[] pools)
    {
        var fleet = Fleet(server, datacenter, pools);
        return TunnelLocals.For(fleet, fleet.Servers["ams-1"]);
    }

    private static Fleet Fleet(Encapsulation? server, Encapsulation? datacenter, params EgressPool[] pools) => new(
        64512,
        [new Datacenter("ams", new TunnelEndpoint(IpAddress.Parse("10.255.1.0"), datacenter), 64512)],
        [new Server("ams-1", "ams", new TunnelEndpoint(IpAddress.Parse("10.1.1.1"), server), IpAddress.Parse("10.1.1.1"))],
        pools);

    private static EgressPool Pool(string name, string prefix, Encapsulation encapsulation, string datacenter = "ams")
    {
        var parsed = IpPrefix.Parse(prefix);
        return new EgressPool(
            name,
            parsed,
            parsed.Network,
            parsed.Last,
            ImmutableSortedDictionary<string, string>.Empty,
            default,
            [0],
            1,
            encapsulation,
            ImmutableSortedDictionary<string, int>.Empty.Add(datacenter, 1),
            false,
            EchoPolicy.Drop);
    }
}
