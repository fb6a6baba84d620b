using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Steering.Packets;

namespace SoftUnicast.Steering;

/// <summary>
/// The steering table: everything that decides where a packet goes, and the oracle of the packet path. What
/// <see cref="Decide"/> says is what <c>bpf/steer.bpf.c</c> has to do, byte for byte.
/// </summary>
public sealed class SteeringTable
{
    private readonly Dictionary<uint, EgressPrefix> prefixes;
    private readonly Dictionary<IpAddress, Rank> peers;
    private readonly Dictionary<int, SteeringInterface> interfaces;

    internal SteeringTable(
        Dictionary<uint, EgressPrefix> prefixes,
        SteeringEndpoint[] endpoints,
        Dictionary<IpAddress, Rank> peers,
        ImmutableArray<SteeringLocal> locals,
        Dictionary<int, SteeringInterface> interfaces)
    {
        this.prefixes = prefixes;
        this.peers = peers;
        this.interfaces = interfaces;
        Endpoints = ImmutableCollectionsMarshal.AsImmutableArray(endpoints);
        Locals = locals;
        Prefixes = [.. prefixes.Values.OrderBy(p => p.Prefix)];
    }

    public static SteeringTable Empty { get; } = new SteeringTableBuilder().Build();

    /// <summary>The egress /24s, ascending.</summary>
    public ImmutableArray<EgressPrefix> Prefixes { get; }

    /// <summary>Every endpoint that owns a slice, each once.</summary>
    public ImmutableArray<SteeringEndpoint> Endpoints { get; }

    /// <summary>Servers whose tunnel packets are taken, by outer source address: of this datacenter or of another.</summary>
    public IReadOnlyDictionary<IpAddress, Rank> Peers => peers;

    /// <summary>At most four.</summary>
    public ImmutableArray<SteeringLocal> Locals { get; }

    /// <summary>By ifindex.</summary>
    public IReadOnlyDictionary<int, SteeringInterface> Interfaces => interfaces;

    /// <summary>The egress /24 that holds the address, or null.</summary>
    public EgressPrefix? PrefixOf(IpAddress address) =>
        !address.IsIPv6 && prefixes.TryGetValue(address.ToUInt32() >> 8, out var prefix) ? prefix : null;

    /// <summary>The owner of the slice that holds the port; unowned if the address is no egress address.</summary>
    public SliceOwner OwnerOf(IpAddress address, ushort port) => PrefixOf(address)?.OwnerOf(address, port) ?? SliceOwner.Unowned;

    /// <summary>What becomes of a frame that arrives here. Never throws, whatever the bytes are.</summary>
    /// <param name="frame">From the Ethernet header on.</param>
    /// <param name="interfaceIndex">ifindex that it arrives on.</param>
    /// <param name="explain">True: the decision carries the steps that led to it.</param>
    public Decision Decide(ReadOnlySpan<byte> frame, int interfaceIndex, bool explain = false) =>
        new PacketPath(this, frame, interfaceIndex, explain ? new Explanation() : null).Run();
}
