using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

public enum OwnershipKind
{
    /// <summary>A server owns one slice.</summary>
    Slice = 0,

    /// <summary>A datacenter owns an address or a part of one.</summary>
    Block = 1,
}

/// <summary>A learned route that was accepted: who owns these ports, and how to get there.</summary>
/// <param name="Target">The tunnel endpoint: a server's for a slice, a datacenter's for a block.</param>
/// <param name="Origin">Router id of the server that announced it, and that the fleet lists.</param>
/// <param name="Neighbour">The neighbour that it came from; the same route may come from several.</param>
public sealed record OwnershipRoute(
    AddressPorts Ports,
    OwnershipKind Kind,
    IpAddress Target,
    Encapsulation Encapsulation,
    IpAddress Origin,
    IpAddress Neighbour);
