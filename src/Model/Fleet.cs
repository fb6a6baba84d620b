using System.Collections.Frozen;
using System.Collections.Immutable;

namespace SoftUnicast.Model;

/// <summary>A datacenter: a place that announces the pools, and the endpoint that all its servers answer for.</summary>
/// <param name="Asn">The AS number of its servers (RFC 6793: 32 bits).</param>
public sealed record Datacenter(string Name, TunnelEndpoint Endpoint, uint Asn);

/// <summary>A server, in one datacenter.</summary>
/// <param name="RouterId">Its BGP identifier (RFC 6286), unique in the fleet: how a learned route names its origin.</param>
public sealed record Server(string Name, string Datacenter, TunnelEndpoint Endpoint, IpAddress RouterId);

/// <summary>What becomes of an echo request to an egress address, which would open a flow from outside.</summary>
public enum EchoPolicy
{
    Drop = 0,

    /// <summary>Steered to the owner of its identifier.</summary>
    Owner = 1,

    /// <summary>Answered by the server it lands on, by the packet path itself.</summary>
    Answer = 2,
}

/// <summary>Egress addresses of one meaning, cut into slices.</summary>
/// <param name="Prefix">What is announced, as /24s (IPv6: /48s): never longer than that.</param>
/// <param name="FirstAddress">First address of the prefix that may be assigned.</param>
/// <param name="LastAddress">Last address of the prefix that may be assigned.</param>
/// <param name="ReservedSlices">Slice indices that are never assigned, ascending; by default the first.</param>
/// <param name="SlicesPerServer">How many slices each server gets, at least 1.</param>
/// <param name="Encapsulation">How its packets travel to an endpoint that does not ask for another encapsulation.</param>
/// <param name="Weights">Datacenter name to weight (1 to 1,000,000), for the datacenters that it serves.</param>
/// <param name="LetConnectionsIn">True: a bare TCP SYN or the like from outside goes to the owner of its port; false: dropped.</param>
public sealed record EgressPool(
    string Name,
    IpPrefix Prefix,
    IpAddress FirstAddress,
    IpAddress LastAddress,
    ImmutableSortedDictionary<string, string> Tags,
    SliceSize SliceSize,
    ImmutableArray<int> ReservedSlices,
    int SlicesPerServer,
    Encapsulation Encapsulation,
    ImmutableSortedDictionary<string, int> Weights,
    bool LetConnectionsIn,
    EchoPolicy Echo)
{
    /// <summary>Length of the prefixes that it is announced as.</summary>
    public int AnnouncedLength => Prefix.IsIPv6 ? 48 : 24;

    /// <summary>Addresses that may be assigned; 2^31 - 1 if there are more.</summary>
    public int AddressCount => (int)UInt128.Min(LastAddress.Value - FirstAddress.Value, int.MaxValue - 1) + 1;

    /// <summary>Slices of one address that may be assigned.</summary>
    public int UsableSlicesPerAddress => SliceSize.SlicesPerAddress - ReservedSlices.Length;

    /// <summary>The announced prefixes, ascending: the /24s of an IPv4 pool, the /48s of an IPv6 one.</summary>
    public IEnumerable<IpPrefix> AnnouncedPrefixes()
    {
        var step = UInt128.One << (Prefix.Network.BitCount - AnnouncedLength);
        for (UInt128 i = 0; i < (UInt128.One << (AnnouncedLength - Prefix.Length)); i++)
        {
            yield return new IpPrefix(Prefix.Network.Add(i * step), AnnouncedLength);
        }
    }

    public bool MayAssign(IpAddress address) =>
        address.IsIPv6 == FirstAddress.IsIPv6 && address >= FirstAddress && address <= LastAddress;

    /// <summary>True if the range is one whole slice that this pool may assign.</summary>
    public bool MayAssign(AddressPorts slice) =>
        MayAssign(slice.Address) && SliceSize.IsSlice(slice.Ports) && !ReservedSlices.Contains(SliceSize.IndexOf(slice.Ports.First));

    /// <summary>The encapsulation towards an endpoint: what the endpoint asks for, else the pool's.</summary>
    public Encapsulation EncapsulationTo(TunnelEndpoint endpoint) => endpoint.Encapsulation ?? Encapsulation;

    /// <summary>True if the other says the same. (Two records that hold collections are equal only if they hold the same ones.)</summary>
    public bool IsSameAs(EgressPool other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return this with { Tags = other.Tags, ReservedSlices = other.ReservedSlices, Weights = other.Weights } == other
            && Tags.SequenceEqual(other.Tags) && ReservedSlices.SequenceEqual(other.ReservedSlices) && Weights.SequenceEqual(other.Weights);
    }
}

/// <summary>Everything that is the same on every server: what the fleet file says, checked.</summary>
public sealed class Fleet
{
    public Fleet(uint asn, IEnumerable<Datacenter> datacenters, IEnumerable<Server> servers, IEnumerable<EgressPool> pools)
    {
        Asn = asn;
        Datacenters = datacenters.ToFrozenDictionary(d => d.Name);
        Servers = servers.ToFrozenDictionary(s => s.Name);
        Pools = [.. pools.OrderBy(p => p.Prefix)];
        ServersByEndpoint = Servers.Values.ToFrozenDictionary(s => s.Endpoint.Address);
        ServersByRouterId = Servers.Values.ToFrozenDictionary(s => s.RouterId);
        DatacentersByEndpoint = Datacenters.Values.ToFrozenDictionary(d => d.Endpoint.Address);
    }

    /// <summary>The fleet's AS number, which scopes its large communities (RFC 8092).</summary>
    public uint Asn { get; }

    public FrozenDictionary<string, Datacenter> Datacenters { get; }

    public FrozenDictionary<string, Server> Servers { get; }

    /// <summary>By prefix, ascending; prefixes never overlap.</summary>
    public ImmutableArray<EgressPool> Pools { get; }

    public FrozenDictionary<IpAddress, Server> ServersByEndpoint { get; }

    public FrozenDictionary<IpAddress, Server> ServersByRouterId { get; }

    public FrozenDictionary<IpAddress, Datacenter> DatacentersByEndpoint { get; }

    /// <summary>The pool whose prefix holds the address, or null.</summary>
    public EgressPool? PoolOf(IpAddress address)
    {
        int low = 0, high = Pools.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var pool = Pools[middle];
            if (pool.Prefix.Contains(address))
            {
                return pool;
            }

            if (pool.Prefix.Network < address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return null;
    }

    /// <summary>True if the other says the same, as it does when the file was read again and nothing in it has changed.</summary>
    public bool IsSameAs(Fleet other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return ReferenceEquals(this, other)
            || (Asn == other.Asn && Pools.Length == other.Pools.Length && Pools.Zip(other.Pools).All(p => p.First.IsSameAs(p.Second))
                && Datacenters.Count == other.Datacenters.Count && Datacenters.Values.All(d => other.Datacenters.GetValueOrDefault(d.Name) == d)
                && Servers.Count == other.Servers.Count && Servers.Values.All(s => other.Servers.GetValueOrDefault(s.Name) == s));
    }

    public EgressPool? PoolNamed(string name) => Pools.FirstOrDefault(p => p.Name == name);

    public IEnumerable<Server> ServersOf(string datacenter) => Servers.Values.Where(s => s.Datacenter == datacenter);
}
