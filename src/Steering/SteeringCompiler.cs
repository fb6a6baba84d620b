using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>
/// Makes the steering table from the fleet, this server's slices and what was learned. The most specific owner of a slice
/// wins: the one with the fewest ports. Of equals, this server wins, then an endpoint in this datacenter, then the lower
/// endpoint address, then the lower entry byte by byte: the order of the input does not matter.
/// </summary>
public static class SteeringCompiler
{
    /// <summary>
    /// Endpoints that one table may have: half of what the kernel holds, so that all of them can change at once while
    /// packets still use the old ones.
    /// </summary>
    public const int MaxEndpoints = (AbiLimits.Endpoints - AbiLimits.FirstEndpoint) / 2;

    private const int PeerRowSlots = 256;

    public static CompiledSteering Compile(SteeringInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var errors = ImmutableArray.CreateBuilder<string>();
        var pools = input.Fleet.Pools.Where(p => !p.Prefix.IsIPv6).ToList();
        var peers = Peers(input, errors);
        CheckInput(input, errors);
        CheckSpace(pools, peers.Keys, errors);
        CheckLocals(input, errors);
        ImmutableArray<IpPrefix> notCarried = [.. input.Fleet.Pools.Where(p => p.Prefix.IsIPv6).Select(p => p.Prefix)];
        if (errors.Count > 0)
        {
            return new CompiledSteering(null, errors.ToImmutable(), notCarried, []);
        }

        var builder = new SteeringTableBuilder();
        foreach (var pool in pools)
        {
            foreach (var prefix in pool.AnnouncedPrefixes())
            {
                builder.AddPrefix(prefix, pool.SliceSize, PoliciesOf(pool));
            }
        }

        var ignored = SetOwners(input, builder);
        foreach (var (peer, rank) in peers)
        {
            builder.AddPeer(peer, rank);
        }

        foreach (var local in input.Locals)
        {
            builder.AddLocal(local);
        }

        foreach (var device in input.Interfaces)
        {
            builder.AddInterface(device);
        }

        if (builder.EndpointCount > MaxEndpoints)
        {
            errors.Add(Text($"{builder.EndpointCount} tunnel endpoints own slices, the packet path holds {MaxEndpoints}: import fewer slice routes from other datacenters"));
            return new CompiledSteering(null, errors.ToImmutable(), notCarried, ignored);
        }

        return new CompiledSteering(builder.Build(), [], notCarried, ignored);
    }

    private static EgressPolicies PoliciesOf(EgressPool pool) =>
        (pool.LetConnectionsIn ? EgressPolicies.OpenToOwner : EgressPolicies.None) | pool.Echo switch
        {
            EchoPolicy.Owner => EgressPolicies.EchoToOwner,
            EchoPolicy.Answer => EgressPolicies.EchoAnswer,
            _ => EgressPolicies.None,
        };

    /// <summary>Every other server, with its rank seen from here.</summary>
    private static SortedDictionary<IpAddress, Rank> Peers(SteeringInput input, ImmutableArray<string>.Builder errors)
    {
        var peers = new SortedDictionary<IpAddress, Rank>();
        if (!input.Fleet.Servers.TryGetValue(input.Server, out var self))
        {
            errors.Add(Text($"the fleet has no server {input.Server}"));
            return peers;
        }

        foreach (var server in input.Fleet.Servers.Values)
        {
            if (server.Name != self.Name && !server.Endpoint.Address.IsIPv6)
            {
                peers[server.Endpoint.Address] = server.Datacenter == self.Datacenter ? Rank.Datacenter : Rank.Backbone;
            }
        }

        return peers;
    }

    private static void CheckInput(SteeringInput input, ImmutableArray<string>.Builder errors)
    {
        foreach (var device in input.Interfaces.Where(d => d.Index is < 1 or >= AbiLimits.Interfaces))
        {
            errors.Add(Text($"interface index {device.Index} is out of range: the packet path knows 1 to {AbiLimits.Interfaces - 1}"));
        }

        foreach (var index in input.Interfaces.GroupBy(d => d.Index).Where(g => g.Count() > 1).Select(g => g.Key))
        {
            errors.Add(Text($"interface index {index} is given twice"));
        }

        if (input.Locals.Count > AbiLimits.Locals)
        {
            errors.Add(Text($"{input.Locals.Count} outer addresses of this server, the packet path holds {AbiLimits.Locals}"));
        }

        foreach (var local in input.Locals.Where(l => l.Address.IsIPv6 || l.Address == default))
        {
            errors.Add(Text($"{local.Address} cannot be an outer address: the packet path tunnels over IPv4"));
        }

        foreach (var address in input.Locals.GroupBy(l => l.Address).Where(g => g.Count() > 1).Select(g => g.Key))
        {
            errors.Add(Text($"outer address {address} is given twice"));
        }

        foreach (var local in input.Locals.Where(l => l.Accept.HasFlag(AcceptedEncapsulations.GreKey) != l.GreKey.HasValue))
        {
            errors.Add(Text($"outer address {local.Address}: GRE with a key needs the key, and only it has one"));
        }
    }

    /// <summary>The packet path knows a /24 either for egress addresses or for tunnel ends.</summary>
    private static void CheckLocals(SteeringInput input, ImmutableArray<string>.Builder errors)
    {
        foreach (var local in input.Locals)
        {
            if (input.Fleet.PoolOf(local.Address) is { Prefix.IsIPv6: false } pool)
            {
                errors.Add(Text($"outer address {local.Address} of this server lies in pool {pool.Name}: take an underlay address"));
            }
        }
    }

    private static void CheckSpace(List<EgressPool> pools, IEnumerable<IpAddress> peers, ImmutableArray<string>.Builder errors)
    {
        var egress = new Dictionary<uint, EgressPool>();
        long slots = 0;
        foreach (var pool in pools)
        {
            var prefixCount = 1L << (24 - pool.Prefix.Length);
            slots += prefixCount * 256 * pool.SliceSize.SlicesPerAddress;
            if (slots <= AbiLimits.RowSlots)
            {
                foreach (var prefix in pool.AnnouncedPrefixes())
                {
                    egress[prefix.Network.ToUInt32() >> 8] = pool;
                }
            }
        }

        var peerPrefixes = new HashSet<uint>();
        foreach (var peer in peers)
        {
            var prefix = peer.ToUInt32() >> 8;
            if (peerPrefixes.Add(prefix) && egress.TryGetValue(prefix, out var pool))
            {
                errors.Add(Text($"the /24 of server endpoint {peer} holds egress addresses of pool {pool.Name}: give one of them another /24"));
            }
        }

        var peerSlots = (long)peerPrefixes.Count * PeerRowSlots;
        if (slots + peerSlots > AbiLimits.RowSlots)
        {
            errors.Add(Text($"the pools have {slots} slices and the servers take {peerSlots} slots, the packet path holds {AbiLimits.RowSlots}: use larger slices or fewer addresses"));
        }

        var blocks = egress.Keys.Concat(peerPrefixes).Select(p => p >> 8).Distinct().Count();
        if (blocks > AbiLimits.L2Blocks - 1)
        {
            errors.Add(Text($"pools and server endpoints lie in {blocks} different /16s, the packet path holds {AbiLimits.L2Blocks - 1}"));
        }
    }

    private static ImmutableArray<LearnedOwner> SetOwners(SteeringInput input, SteeringTableBuilder builder)
    {
        var ignored = ImmutableArray.CreateBuilder<LearnedOwner>();
        var locals = input.Locals.Select(l => l.Address).ToHashSet();
        var claims = new List<LearnedOwner>(input.Owners.Count + input.OwnSlices.Count);
        claims.AddRange(input.OwnSlices.Select(s => new LearnedOwner(s, null)));
        claims.AddRange(input.Owners);
        claims.Sort(LastWins);
        foreach (var claim in claims)
        {
            var pool = input.Fleet.PoolOf(claim.Ports.Address);
            if (pool is null || pool.Prefix.IsIPv6 || (claim.Endpoint is { } endpoint && locals.Contains(endpoint.Address)))
            {
                ignored.Add(claim);
                continue;
            }

            // Whole slices only: who owns a part of a slice owns none of it.
            var size = pool.SliceSize;
            var first = (claim.Ports.Ports.First + size.PortCount - 1) >> size.Shift;
            var end = (claim.Ports.Ports.Last + 1) >> size.Shift;
            var owner = claim.Endpoint is null ? SliceOwner.Here : SliceOwner.At(claim.Endpoint);
            for (var slice = first; slice < end; slice++)
            {
                builder.SetOwner(claim.Ports.Address, slice, owner);
            }

            if (first >= end)
            {
                ignored.Add(claim);
            }
        }

        return ignored.ToImmutable();
    }

    /// <summary>Orders claims so that of two on the same slice the one that wins comes last.</summary>
    private static int LastWins(LearnedOwner left, LearnedOwner right)
    {
        var order = right.Ports.Ports.Count.CompareTo(left.Ports.Ports.Count);
        if (order == 0)
        {
            order = (left.Endpoint is null).CompareTo(right.Endpoint is null);
        }

        if (order != 0 || left.Endpoint is null || right.Endpoint is null)
        {
            return order != 0 ? order : left.Ports.CompareTo(right.Ports);
        }

        order = right.Endpoint.Rank.CompareTo(left.Endpoint.Rank);
        order = order != 0 ? order : right.Endpoint.Address.CompareTo(left.Endpoint.Address);
        return order != 0 ? order : SteeringEndpoint.BytesOf(right.Endpoint.ToEntry()).SequenceCompareTo(SteeringEndpoint.BytesOf(left.Endpoint.ToEntry()));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
