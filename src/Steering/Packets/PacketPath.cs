using System.Buffers.Binary;
using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering.Packets;

/// <summary>
/// One frame's way through the steering table: read the link, tell a native packet from a tunnel packet, step inside,
/// find the owner, send. The first rule that applies decides.
/// </summary>
internal ref struct PacketPath(SteeringTable table, ReadOnlySpan<byte> frame, int interfaceIndex, Explanation? explanation)
{
    private readonly SteeringTable table = table;
    private readonly ReadOnlySpan<byte> frame = frame;
    private readonly int interfaceIndex = interfaceIndex;
    private readonly Explanation? explanation = explanation;

    /// <summary>Length of the Ethernet header with its tags.</summary>
    private int linkBytes;
    private bool fromTunnel;
    private bool markedOutside;
    private Rank rank;
    private AddressPorts? slice;

    public Decision Run()
    {
        if (!table.Interfaces.TryGetValue(interfaceIndex, out var device) || device.Roles == InterfaceRoles.None)
        {
            explanation?.Add($"interface {interfaceIndex} has no role: everything that arrives there passes");
            return Pass(Reason.NotOurs);
        }

        explanation?.Add($"arrives on interface {interfaceIndex} ({RolesText(device.Roles)})");
        if (!EthernetLayer.TryReadDestination(frame, out var mac))
        {
            explanation?.Add($"the Ethernet header is cut short at {frame.Length} bytes");
            return Pass(Reason.Unreadable);
        }

        if (mac != device.Mac)
        {
            explanation?.Add($"the frame goes to {mac}, not to this interface's {device.Mac}");
            return Pass(Reason.NotOurs);
        }

        return ReadNetwork(device);
    }

    private Decision ReadNetwork(SteeringInterface device)
    {
        var cursor = new PacketCursor(frame);
        cursor.TryTake(EthernetLayer.AddressBytes, out _);
        if (!EthernetLayer.TrySkipTags(ref cursor, out var etherType))
        {
            explanation?.Add($"cut short inside a VLAN tag");
            return Pass(Reason.Unreadable);
        }

        linkBytes = cursor.Offset;
        if (etherType != EthernetLayer.Ipv4)
        {
            explanation?.Add($"ethertype 0x{etherType:x4} is not IPv4");
            return Pass(Reason.NotOurs);
        }

        if (cursor.Rest.Length < Ipv4Layer.MinHeaderBytes)
        {
            explanation?.Add($"the IPv4 header is cut short at {cursor.Rest.Length} bytes");
            return Pass(Reason.Unreadable);
        }

        var ip = new Ipv4Layer(cursor.Rest);
        var destination = ip.Destination;
        foreach (var local in table.Locals)
        {
            if (local.Address == destination)
            {
                explanation?.Add($"{destination} is an endpoint of this server");
                return FromTunnel(device, local, in ip);
            }
        }

        if (table.PrefixOf(destination) is { } prefix)
        {
            explanation?.Add($"{destination} is an egress address of {prefix.Prefix}, slices of {prefix.SliceSize} ports");
            return Native(device, prefix, in ip);
        }

        explanation?.Add($"{destination} is neither an egress address nor an endpoint of this server");
        return Pass(Reason.NotOurs);
    }

    private Decision Native(SteeringInterface device, EgressPrefix prefix, in Ipv4Layer ip)
    {
        if (!ip.IsSane)
        {
            return DropInsane();
        }

        if (!device.Roles.HasFlag(InterfaceRoles.Internet))
        {
            explanation?.Add($"packets to egress addresses are taken on internet interfaces only");
            return Drop(Reason.Role);
        }

        rank = Rank.Internet;
        return ToOwner(prefix, in ip);
    }

    private Decision FromTunnel(SteeringInterface device, SteeringLocal local, in Ipv4Layer outer)
    {
        if ((TunnelLayer.EncapsulationsOf(outer.Protocol) & local.Accept) == AcceptedEncapsulations.None)
        {
            explanation?.Add($"protocol {outer.Protocol} is no tunnel that is taken off there");
            return Pass(Reason.NotOurs);
        }

        if (!outer.IsSane)
        {
            return DropInsane();
        }

        var cursor = new PacketCursor(outer.Payload);
        if (outer.Protocol == TransportLayer.Udp)
        {
            if (RefuseUdp(in outer, ref cursor) is { } refused)
            {
                return refused;
            }
        }
        else if (outer.MoreFragments || outer.FragmentOffset != 0)
        {
            explanation?.Add($"the tunnel packet is a fragment");
            return Drop(Reason.Fragment);
        }

        if (!device.Roles.HasFlag(InterfaceRoles.Backbone))
        {
            explanation?.Add($"tunnel packets are taken on backbone interfaces only");
            return Drop(Reason.Role);
        }

        if (!table.Peers.TryGetValue(outer.Source, out rank))
        {
            explanation?.Add($"{outer.Source} is no server of the fleet");
            return Drop(Reason.UnknownPeer);
        }

        explanation?.Add($"{outer.Source} is a server of {(rank == Rank.Datacenter ? "this datacenter" : "another datacenter")}");
        var refusal = outer.Protocol switch
        {
            TransportLayer.Udp => TunnelLayer.SkipGue(ref cursor),
            TunnelLayer.Gre => TunnelLayer.SkipGre(ref cursor, local),
            _ => null,
        };
        if (refusal is { } reason)
        {
            explanation?.Add($"the tunnel header is {(reason == Reason.Malformed ? "cut short" : reason == Reason.TunnelKey ? "not the one agreed (GRE key)" : "not one that is carried")}");
            return Drop(reason);
        }

        fromTunnel = true;
        markedOutside = (outer.TypeOfService & Ipv4Layer.EcnMask) == Ipv4Layer.CongestionExperienced;
        return StepInside(in outer, cursor.Offset);
    }

    /// <summary>UDP may be a tunnel packet, or anything else that this server is sent.</summary>
    private Decision? RefuseUdp(in Ipv4Layer outer, ref PacketCursor cursor)
    {
        if (outer.FragmentOffset != 0)
        {
            explanation?.Add($"a later fragment of UDP: it has no port");
            return Pass(Reason.NotOurs);
        }

        if (!cursor.TryTake(TunnelLayer.UdpHeaderBytes, out var udp))
        {
            explanation?.Add($"the UDP header is cut short");
            return Drop(Reason.Malformed);
        }

        var port = BinaryPrimitives.ReadUInt16BigEndian(udp[2..]);
        if (port != AbiLimits.GuePort)
        {
            explanation?.Add($"UDP port {port} is not GUE's {AbiLimits.GuePort}");
            return Pass(Reason.NotOurs);
        }

        if (outer.MoreFragments)
        {
            explanation?.Add($"the tunnel packet is a fragment");
            return Drop(Reason.Fragment);
        }

        if (BinaryPrimitives.ReadUInt16BigEndian(udp[TunnelLayer.UdpLengthOffset..]) != outer.TotalLength - outer.HeaderBytes)
        {
            explanation?.Add($"the UDP length contradicts the IP total length");
            return Drop(Reason.Malformed);
        }

        return null;
    }

    private Decision StepInside(in Ipv4Layer outer, int tunnelBytes)
    {
        var offset = outer.HeaderBytes + tunnelBytes;
        var promised = outer.Bytes[offset..outer.TotalLength];
        if (promised.Length < Ipv4Layer.MinHeaderBytes)
        {
            explanation?.Add($"the inner IPv4 header is cut short at {promised.Length} bytes");
            return Drop(Reason.Malformed);
        }

        var inner = new Ipv4Layer(promised);
        if (table.PrefixOf(inner.Destination) is not { } prefix)
        {
            explanation?.Add($"inside: {inner.Destination} is no egress address");
            return Drop(Reason.InnerNotEgress);
        }

        explanation?.Add($"inside: {inner.Destination} is an egress address of {prefix.Prefix}, slices of {prefix.SliceSize} ports");
        // Its lengths are held to what the outer packet promised; the padding of the frame travels along.
        return inner.IsSane ? ToOwner(prefix, new Ipv4Layer(outer.Bytes[offset..])) : DropInsane();
    }

    private Decision ToOwner(EgressPrefix prefix, in Ipv4Layer ip)
    {
        if (ip.FragmentOffset != 0)
        {
            explanation?.Add($"a later fragment: it has no ports");
            return Drop(Reason.Fragment);
        }

        if (TransportLayer.Read(in ip, out var port) is { } reason)
        {
            explanation?.Add($"protocol {ip.Protocol}: {TransportText(reason)}");
            return Drop(reason);
        }

        explanation?.Add($"protocol {ip.Protocol}, owner's port {port.Port}");
        slice = new AddressPorts(ip.Destination, prefix.SliceSize.PortsOf(prefix.SliceSize.IndexOf(port.Port)));
        if (port.Opening == Opening.Echo && prefix.Policies.HasFlag(EgressPolicies.EchoAnswer) && rank == Rank.Internet)
        {
            return AnswerEcho(in ip);
        }

        var policy = port.Opening == Opening.Echo ? EgressPolicies.EchoToOwner : EgressPolicies.OpenToOwner;
        if (port.Opening != Opening.Nothing && !prefix.Policies.HasFlag(policy))
        {
            explanation?.Add($"it would open a flow from outside, which the pool does not let in");
            return Drop(Reason.Opens);
        }

        return Deliver(prefix.OwnerOf(ip.Destination, port.Port), in ip, port);
    }

    private Decision AnswerEcho(in Ipv4Layer ip)
    {
        if (ip.MoreFragments)
        {
            explanation?.Add($"a fragmented echo request is not answered");
            return Drop(Reason.Fragment);
        }

        if (ip.HasOptions)
        {
            explanation?.Add($"an echo request with IP options is not answered");
            return Drop(Reason.Opens);
        }

        explanation?.Add($"the echo request is answered here");
        return Made(Verdict.Answer, Reason.EchoAnswered, interfaceIndex, FrameRewriter.Answer(frame, linkBytes), null);
    }

    private Decision Deliver(SliceOwner owner, in Ipv4Layer ip, OwnerPort port)
    {
        if (owner.IsHere)
        {
            explanation?.Add($"{slice} is owned here");
            if (!fromTunnel)
            {
                return Pass(Reason.Delivered);
            }

            return RefuseCongestion(in ip, null) ?? Made(
                Verdict.Decapsulate, Reason.Decapsulated, 0, FrameRewriter.Decapsulate(frame[..linkBytes], ip.Bytes, markedOutside), null);
        }

        if (owner.Endpoint is not { } endpoint)
        {
            explanation?.Add($"{slice} is owned by nobody");
            return Drop(Reason.Unowned);
        }

        explanation?.Add($"{slice} is owned at {endpoint}");
        return RefuseSend(endpoint, in ip) ?? RefuseCongestion(in ip, endpoint) ?? Made(
            fromTunnel ? Verdict.Transit : Verdict.Steer,
            fromTunnel ? Reason.CarriedOn : Reason.Steered,
            endpoint.InterfaceIndex,
            FrameRewriter.Encapsulate(endpoint, ip.Bytes, port, markedOutside),
            endpoint);
    }

    private Decision? RefuseSend(SteeringEndpoint endpoint, in Ipv4Layer ip)
    {
        if (endpoint.Rank >= rank)
        {
            explanation?.Add($"ranks only fall: what came from {RankText(rank)} does not go on to {RankText(endpoint.Rank)}");
            return Drop(Reason.Rank, endpoint);
        }

        if (!endpoint.IsResolved)
        {
            explanation?.Add($"the next hop towards {endpoint.Address} is not resolved");
            return Drop(Reason.Unresolved, endpoint);
        }

        if (ip.Ttl <= 1)
        {
            explanation?.Add($"the TTL is used up");
            return Drop(Reason.Ttl, endpoint);
        }

        var outerBytes = ip.TotalLength + endpoint.Outer.Length;
        if (outerBytes > endpoint.MtuBytes)
        {
            explanation?.Add($"{outerBytes} bytes with the outer header are more than the MTU of {endpoint.MtuBytes}");
            return Drop(Reason.TooBig, endpoint);
        }

        return null;
    }

    /// <summary>RFC 6040 4.2: a mark on the outside cannot be handed to a packet that does not know marks.</summary>
    private readonly Decision? RefuseCongestion(in Ipv4Layer ip, SteeringEndpoint? endpoint)
    {
        if (!markedOutside)
        {
            return null;
        }

        if ((ip.TypeOfService & Ipv4Layer.EcnMask) == 0)
        {
            explanation?.Add($"congestion is marked outside, and the packet inside is not ECN-capable");
            return Drop(Reason.Ecn, endpoint);
        }

        explanation?.Add($"the congestion mark is carried inside");
        return null;
    }

    private readonly Decision DropInsane()
    {
        explanation?.Add($"its lengths contradict each other or the frame is cut short");
        return Drop(Reason.Malformed);
    }

    private readonly Decision Pass(Reason reason) => Made(Verdict.Pass, reason, 0, frame.ToArray(), null);

    private readonly Decision Drop(Reason reason, SteeringEndpoint? endpoint = null) => Made(Verdict.Drop, reason, 0, [], endpoint);

    private readonly Decision Made(Verdict verdict, Reason reason, int egress, byte[] output, SteeringEndpoint? endpoint)
    {
        explanation?.Add($"{VerdictText(verdict)} ({reason})");
        return new Decision(verdict, reason, egress, output, endpoint, slice, explanation?.Steps ?? []);
    }

    private static string RolesText(InterfaceRoles roles) => roles == InterfaceRoles.Both ? "internet and backbone" : roles.ToString().ToLowerInvariant();

    private static string RankText(Rank rank) => rank switch
    {
        Rank.Datacenter => "this datacenter",
        Rank.Backbone => "another datacenter",
        _ => "the internet",
    };

    private static string VerdictText(Verdict verdict) => verdict switch
    {
        Verdict.Pass => "passes to the kernel as it came",
        Verdict.Steer => "sent into the tunnel",
        Verdict.Decapsulate => "out of the tunnel, to the kernel",
        Verdict.Transit => "out of one tunnel, into the next",
        Verdict.Answer => "answered",
        _ => "dropped",
    };

    private static string TransportText(Reason reason) => reason switch
    {
        Reason.Malformed => "the transport header is cut short",
        Reason.IcmpType => "ICMP that is neither echo nor an error",
        Reason.IcmpQuote => "the quoted packet did not come from this address, or quotes no ports",
        _ => "neither TCP, UDP, SCTP nor ICMP",
    };
}
