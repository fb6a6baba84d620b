using System.Buffers.Binary;
using System.Collections.Immutable;
using SoftUnicast.Egress.Abi;
using SoftUnicast.Model;

namespace SoftUnicast.Egress;

/// <summary>
/// What the programs of one cgroup send from: slices of use <see cref="SliceUse.Exec"/>, in the order in which a full one is
/// followed by the next; where a search begins is random. With none, connect(2) says EADDRNOTAVAIL.
/// </summary>
public sealed record ChooserPolicy
{
    /// <param name="slices">IPv4; those of one address are put together.</param>
    /// <param name="datagramsAreNated">
    /// Datagrams of sockets that are neither bound nor connected are let go, for a NAT rule behind. Without, they are refused.
    /// </param>
    /// <exception cref="ArgumentException">Too many slices, or one that is none.</exception>
    public ChooserPolicy(IEnumerable<AddressPorts> slices, bool datagramsAreNated = false)
    {
        ArgumentNullException.ThrowIfNull(slices);
        Slices = [.. slices.Order()];
        DatagramsAreNated = datagramsAreNated;
        if (Slices.Length > ChooserLimits.Slices)
        {
            throw new ArgumentException($"a policy has at most {ChooserLimits.Slices} slices, not {Slices.Length}", nameof(slices));
        }

        foreach (var slice in Slices)
        {
            if (slice.Address.IsIPv6 || !SliceSize.TryCreate(slice.Ports.Count, out var size) || !size.IsSlice(slice.Ports))
            {
                throw new ArgumentException($"{slice} is no slice of an IPv4 address", nameof(slices));
            }
        }
    }

    public ImmutableArray<AddressPorts> Slices { get; }

    public bool DatagramsAreNated { get; }

    public bool Equals(ChooserPolicy? other) =>
        other is not null && DatagramsAreNated == other.DatagramsAreNated && Slices.SequenceEqual(other.Slices);

    public override int GetHashCode() => HashCode.Combine(Slices.Length, Slices.FirstOrDefault(), DatagramsAreNated);

    /// <summary>As the kernel holds it.</summary>
    public SuChooser ToAbi()
    {
        var chooser = new SuChooser
        {
            Count = (uint)Slices.Length,
            Flags = (uint)(DatagramsAreNated ? ChooserTraits.DatagramsNated : ChooserTraits.None),
        };
        for (var i = 0; i < Slices.Length; i++)
        {
            chooser.Slices[i] = new SuChooserSlice
            {
                AddressBe = SwapNetworkOrder(Slices[i].Address.ToUInt32()),
                FirstPort = Slices[i].Ports.First,
                PortCount = (ushort)Slices[i].Ports.Count,
            };
        }

        return chooser;
    }

    /// <summary>Back again.</summary>
    public static ChooserPolicy FromAbi(in SuChooser chooser)
    {
        var slices = new List<AddressPorts>();
        for (var i = 0; i < Math.Min((int)chooser.Count, ChooserLimits.Slices); i++)
        {
            var slice = chooser.Slices[i];
            slices.Add(new AddressPorts(
                IpAddress.FromUInt32(SwapNetworkOrder(slice.AddressBe)),
                new PortRange(slice.FirstPort, (ushort)(slice.FirstPort + slice.PortCount - 1))));
        }

        return new ChooserPolicy(slices, ((ChooserTraits)chooser.Flags).HasFlag(ChooserTraits.DatagramsNated));
    }

    private static uint SwapNetworkOrder(uint value) =>
        BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
}
