using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>One egress /24 and the owners of its slices.</summary>
public sealed class EgressPrefix
{
    /// <summary>Owner codes: 0 nobody, 1 here, else 2 and an index of <see cref="endpoints"/>. By address, then by slice.</summary>
    private readonly ushort[] owners;
    private readonly SteeringEndpoint[] endpoints;

    internal EgressPrefix(IpPrefix prefix, SliceSize sliceSize, EgressPolicies policies, ushort[] owners, SteeringEndpoint[] endpoints)
    {
        Prefix = prefix;
        SliceSize = sliceSize;
        Policies = policies;
        this.owners = owners;
        this.endpoints = endpoints;
    }

    /// <summary>The /24.</summary>
    public IpPrefix Prefix { get; }

    public SliceSize SliceSize { get; }

    public EgressPolicies Policies { get; }

    internal ReadOnlyMemory<ushort> OwnerCodes => owners;

    /// <summary>The owner of the slice that holds the port.</summary>
    /// <param name="address">An address of the /24.</param>
    public SliceOwner OwnerOf(IpAddress address, ushort port) => FromCode(owners[SlotOf(address, SliceSize.IndexOf(port))]);

    /// <summary>Every slice with an owner, ascending.</summary>
    public IEnumerable<(AddressPorts Slice, SliceOwner Owner)> OwnedSlices()
    {
        for (var slot = 0; slot < owners.Length; slot++)
        {
            if (owners[slot] != AbiLimits.SlotUnowned)
            {
                var address = Prefix.Network.Add((UInt128)(slot / SliceSize.SlicesPerAddress));
                yield return (new AddressPorts(address, SliceSize.PortsOf(slot % SliceSize.SlicesPerAddress)), FromCode(owners[slot]));
            }
        }
    }

    internal int SlotOf(IpAddress address, int sliceIndex) =>
        ((byte)address.ToUInt32() * SliceSize.SlicesPerAddress) + sliceIndex;

    private SliceOwner FromCode(ushort code) => code switch
    {
        AbiLimits.SlotUnowned => SliceOwner.Unowned,
        AbiLimits.SlotHere => SliceOwner.Here,
        _ => SliceOwner.At(endpoints[code - AbiLimits.FirstEndpoint]),
    };
}
