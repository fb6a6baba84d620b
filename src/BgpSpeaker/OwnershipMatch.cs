using System.Globalization;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>
/// What an ownership route matches, which is also its identity among the routes of one neighbour. As FlowSpec, in one of three forms:
/// <code>
/// dst ADDRESS/32                                            a whole address
/// dst ADDRESS/32, dst-port &gt;=A &amp; &lt;=B                        a slice
/// dst ADDRESS/32, src 0.0.0.0/0, dst-port &gt;=A &amp; &lt;=B         a part of an address
/// </code>
/// The source prefix of length zero matches everything. It keeps a part that is one slice long from being the same NLRI as that slice:
/// of two routes with one NLRI, BGP would pass on only the better.
/// </summary>
internal readonly record struct OwnershipMatch(AddressPorts Ports, bool AnySource)
{
    private const byte AtLeast = FlowSpecItem.Greater | FlowSpecItem.Equal;
    private const byte AndAtMost = FlowSpecItem.And | FlowSpecItem.Less | FlowSpecItem.Equal;

    public static OwnershipMatch Of(OwnershipKind kind, AddressPorts ports) =>
        new(ports, kind == OwnershipKind.Block && ports.Ports != PortRange.All);

    public FlowSpecNlri ToNlri()
    {
        var address = FlowSpecComponent.OfPrefix(FlowSpecComponent.DestinationPrefix, IpPrefix.Host(Ports.Address));
        if (Ports.Ports == PortRange.All)
        {
            return new FlowSpecNlri(Ports.Address.IsIPv6, [address]);
        }

        var range = FlowSpecComponent.OfItems(FlowSpecComponent.DestinationPort,
            new FlowSpecItem(AtLeast, Ports.Ports.First), new FlowSpecItem(AndAtMost, Ports.Ports.Last));
        if (!AnySource)
        {
            return new FlowSpecNlri(Ports.Address.IsIPv6, [address, range]);
        }

        var anySource = FlowSpecComponent.OfPrefix(FlowSpecComponent.SourcePrefix, IpPrefix.Covering(Ports.Address, 0));
        return new FlowSpecNlri(Ports.Address.IsIPv6, [address, anySource, range]);
    }

    /// <summary>Reads one of the three forms; <paramref name="problem"/> says what else it is.</summary>
    public static bool TryRead(FlowSpecNlri nlri, out OwnershipMatch match, out string problem)
    {
        match = default;
        IpAddress? address = null;
        PortRange? ports = null;
        var anySource = false;
        foreach (var component in nlri.Components)
        {
            switch (component.Type)
            {
                case FlowSpecComponent.DestinationPrefix when component.PrefixOffset == 0 && component.Prefix is { } prefix
                    && prefix.Length == prefix.Network.BitCount:
                    address = prefix.Network;
                    break;
                case FlowSpecComponent.DestinationPrefix:
                    problem = $"{component} is not one address";
                    return false;
                case FlowSpecComponent.SourcePrefix when component.PrefixOffset == 0 && component.Prefix is { Length: 0 }:
                    anySource = true;
                    break;
                case FlowSpecComponent.DestinationPort when TryReadRange(component, out var range):
                    ports = range;
                    break;
                case FlowSpecComponent.DestinationPort:
                    problem = $"{component} is not one range of ports";
                    return false;
                default:
                    problem = $"{component} is no part of an ownership route";
                    return false;
            }
        }

        problem = address is null ? "no destination address" : "";
        match = new OwnershipMatch(new AddressPorts(address.GetValueOrDefault(), ports ?? PortRange.All), anySource);
        return address is not null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Ports}{(AnySource ? " (part)" : "")}");

    private static bool TryReadRange(FlowSpecComponent component, out PortRange range)
    {
        range = default;
        if (component.Items is not [{ Operator: AtLeast, Value: <= ushort.MaxValue } first, { Operator: AndAtMost, Value: <= ushort.MaxValue } last]
            || last.Value < first.Value)
        {
            return false;
        }

        range = new PortRange((ushort)first.Value, (ushort)last.Value);
        return true;
    }
}
