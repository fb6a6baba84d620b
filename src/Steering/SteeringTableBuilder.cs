using System.Collections.Immutable;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>Puts a <see cref="SteeringTable"/> together. What cannot be in one table throws: callers check first.</summary>
public sealed class SteeringTableBuilder
{
    private readonly Dictionary<uint, (EgressPrefix Prefix, int[] Owners)> prefixes = [];
    private readonly Dictionary<SteeringEndpoint, int> numbers = [];
    private readonly List<SteeringEndpoint> numbered = [];
    private readonly Dictionary<IpAddress, Rank> peers = [];
    private readonly Dictionary<int, SteeringInterface> interfaces = [];
    private readonly List<SteeringLocal> locals = [];

    /// <summary>How many endpoints own a slice so far.</summary>
    internal int EndpointCount
    {
        get
        {
            var used = new bool[numbered.Count];
            foreach (var (_, owners) in prefixes.Values)
            {
                foreach (var owner in owners.Where(o => o >= AbiLimits.FirstEndpoint))
                {
                    used[owner - AbiLimits.FirstEndpoint] = true;
                }
            }

            return used.Count(u => u);
        }
    }

    /// <summary>Is this an egress address so far?</summary>
    internal bool HasPrefixOf(IpAddress address) => prefixes.ContainsKey(address.ToUInt32() >> 8);

    /// <summary>Adds an egress /24, all of it unowned.</summary>
    public SteeringTableBuilder AddPrefix(IpPrefix prefix, SliceSize sliceSize, EgressPolicies policies)
    {
        if (prefix.IsIPv6 || prefix.Length != 24)
        {
            throw new ArgumentException($"the packet path knows IPv4 /24s, not {prefix}", nameof(prefix));
        }

        var owners = new int[256 * sliceSize.SlicesPerAddress];
        prefixes.Add(prefix.Network.ToUInt32() >> 8, (new EgressPrefix(prefix, sliceSize, policies, [], []), owners));
        return this;
    }

    /// <summary>Sets the owner of one slice.</summary>
    /// <param name="address">An address of a /24 that was added.</param>
    /// <param name="sliceIndex">Index by the /24's slice size.</param>
    public SteeringTableBuilder SetOwner(IpAddress address, int sliceIndex, SliceOwner owner)
    {
        var (prefix, owners) = prefixes[address.ToUInt32() >> 8];
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)sliceIndex, (uint)prefix.SliceSize.SlicesPerAddress, nameof(sliceIndex));
        owners[prefix.SlotOf(address, sliceIndex)] = CodeOf(owner);
        return this;
    }

    /// <summary>Takes tunnel packets from a server.</summary>
    /// <param name="rank"><see cref="Rank.Datacenter"/> if it is of this datacenter, else <see cref="Rank.Backbone"/>.</param>
    public SteeringTableBuilder AddPeer(IpAddress address, Rank rank)
    {
        if (address.IsIPv6 || rank is not (Rank.Datacenter or Rank.Backbone))
        {
            throw new ArgumentException("a peer is an IPv4 address of this datacenter or of another", nameof(address));
        }

        peers.Add(address, rank);
        return this;
    }

    public SteeringTableBuilder AddLocal(SteeringLocal local)
    {
        if (local.Address.IsIPv6 || local.Address == default || locals.Count == AbiLimits.Locals
            || locals.Any(l => l.Address == local.Address) || local.Accept.HasFlag(AcceptedEncapsulations.GreKey) != local.GreKey.HasValue)
        {
            throw new ArgumentException($"at most {AbiLimits.Locals} different IPv4 addresses, with a key if one is asked for", nameof(local));
        }

        locals.Add(local);
        return this;
    }

    public SteeringTableBuilder AddInterface(SteeringInterface device)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)device.Index, (uint)AbiLimits.Interfaces, nameof(device));
        interfaces.Add(device.Index, device);
        return this;
    }

    /// <summary>
    /// The table so far. A /24 of egress addresses that also holds a peer or an outer address of this server throws, and so
    /// do too many endpoints: the packet path knows a /24 for one thing.
    /// </summary>
    public SteeringTable Build()
    {
        if (peers.Keys.Concat(locals.Select(l => l.Address)).FirstOrDefault(HasPrefixOf) is var both && both != default)
        {
            throw new InvalidOperationException($"the /24 of tunnel end {both} holds egress addresses");
        }

        // Number anew those that own a slice at the end: an endpoint may have lost all of its slices to others.
        var endpoints = new List<SteeringEndpoint>();
        var codes = new ushort[numbered.Count + AbiLimits.FirstEndpoint];
        codes[AbiLimits.SlotHere] = AbiLimits.SlotHere;
        var built = new Dictionary<uint, (EgressPrefix Prefix, ushort[] Owners)>(prefixes.Count);
        foreach (var (key, (prefix, owners)) in prefixes.OrderBy(p => p.Key))
        {
            var slots = new ushort[owners.Length];
            for (var slot = 0; slot < owners.Length; slot++)
            {
                var owner = owners[slot];
                if (owner >= AbiLimits.FirstEndpoint && codes[owner] == 0)
                {
                    codes[owner] = checked((ushort)(endpoints.Count + AbiLimits.FirstEndpoint));
                    endpoints.Add(numbered[owner - AbiLimits.FirstEndpoint]);
                }

                slots[slot] = codes[owner];
            }

            built.Add(key, (prefix, slots));
        }

        SteeringEndpoint[] all = [.. endpoints];
        return new SteeringTable(
            built.ToDictionary(p => p.Key, p => new EgressPrefix(p.Value.Prefix.Prefix, p.Value.Prefix.SliceSize, p.Value.Prefix.Policies, p.Value.Owners, all)),
            all,
            new Dictionary<IpAddress, Rank>(peers),
            [.. locals],
            new Dictionary<int, SteeringInterface>(interfaces));
    }

    private int CodeOf(SliceOwner owner)
    {
        if (owner.Endpoint is not { } endpoint)
        {
            return owner.IsHere ? AbiLimits.SlotHere : AbiLimits.SlotUnowned;
        }

        if (!numbers.TryGetValue(endpoint, out var number))
        {
            number = numbered.Count + AbiLimits.FirstEndpoint;
            numbers.Add(endpoint, number);
            numbered.Add(endpoint);
        }

        return number;
    }
}
