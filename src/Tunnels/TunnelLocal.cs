using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels;

/// <summary>Encapsulations that are taken off; the bits are those of su_local.accept (bpf/abi.h).</summary>
[Flags]
public enum AcceptedEncapsulations
{
    None = 0,
    Gue = 1,
    Gre = 2,
    Ipip = 4,
    GreKey = 8,
}

/// <summary>An outer address that this server answers for.</summary>
/// <param name="Accept">What is decapsulated there; everything else passes to the kernel untouched.</param>
/// <param name="GreKey">The key that GRE with a key must carry, host byte order; null if none is accepted.</param>
public readonly record struct TunnelLocal(IpAddress Address, AcceptedEncapsulations Accept, uint? GreKey);

/// <summary>What a server decapsulates, from the fleet file.</summary>
/// <param name="Problems">Sentences for the operator: what cannot be carried, and what would do. Empty when all is well.</param>
public sealed record TunnelLocals(ImmutableArray<TunnelLocal> Locals, ImmutableArray<string> Problems)
{
    /// <summary>
    /// The server's own endpoint and its datacenter's. Each accepts what the endpoint asks for; where it asks for nothing,
    /// what the pools that its datacenter serves use.
    /// </summary>
    public static TunnelLocals For(Fleet fleet, Server server)
    {
        ArgumentNullException.ThrowIfNull(fleet);
        ArgumentNullException.ThrowIfNull(server);
        var datacenter = fleet.Datacenters[server.Datacenter];
        var pools = fleet.Pools.Where(p => p.Weights.ContainsKey(datacenter.Name)).ToImmutableArray();
        var locals = ImmutableArray.CreateBuilder<TunnelLocal>();
        var problems = ImmutableArray.CreateBuilder<string>();
        foreach (var (owner, endpoint) in new[] { ($"server {server.Name}", server.Endpoint), ($"datacenter {datacenter.Name}", datacenter.Endpoint) })
        {
            if (!OuterHeader.Carries(endpoint.Address))
            {
                problems.Add($"{owner}: endpoint {endpoint.Address} is IPv6, which the packet path does not carry yet: give it an IPv4 endpoint");
                continue;
            }

            locals.Add(Local(owner, endpoint, pools, problems));
        }

        return new TunnelLocals(locals.ToImmutable(), problems.ToImmutable());
    }

    public static AcceptedEncapsulations AcceptBit(Encapsulation encapsulation) => (encapsulation.Kind, encapsulation.Key) switch
    {
        (EncapsulationKind.Gue, _) => AcceptedEncapsulations.Gue,
        (EncapsulationKind.Ipip, _) => AcceptedEncapsulations.Ipip,
        (_, null) => AcceptedEncapsulations.Gre,
        _ => AcceptedEncapsulations.GreKey,
    };

    private static TunnelLocal Local(
        string owner, TunnelEndpoint endpoint, ImmutableArray<EgressPool> pools, ImmutableArray<string>.Builder problems)
    {
        var accept = AcceptedEncapsulations.None;
        (uint Key, string Pool)? first = null;
        foreach (var pool in pools)
        {
            var encapsulation = pool.EncapsulationTo(endpoint);
            accept |= AcceptBit(encapsulation);
            if (encapsulation.Key is not { } key)
            {
                continue;
            }

            first ??= (key, pool.Name);
            if (first.Value.Key != key)
            {
                problems.Add(
                    $"{owner}: pools {first.Value.Pool} and {pool.Name} want GRE keys {first.Value.Key} and {key} at {endpoint.Address}, "
                    + "but an endpoint takes one key: give both pools the same, or the endpoint one of its own");
            }
        }

        return new TunnelLocal(endpoint.Address, accept, first?.Key);
    }
}
