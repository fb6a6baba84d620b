using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>What the checks against the fleet need of a server's file, with its places, as far as it could be read.</summary>
internal sealed class ServerPlaces
{
    public (string Name, Place Place)? Server { get; set; }

    public (IpAddress Id, Place Place)? RouterId { get; set; }

    /// <summary>The union of all interfaces' roles, and the key to blame if one is missing; null if a role could not be read.</summary>
    public (InterfaceRoles Roles, Place Place)? Roles { get; set; }

    public List<NeighbourPlaces> Neighbours { get; } = [];

    public Place? NeighboursKey { get; set; }

    /// <summary>The pools of <c>nat</c>, as they are called there.</summary>
    public List<(string Name, Place Place)> NatPools { get; } = [];

    public List<(IpPrefix Prefix, Place Place)> NatSources { get; } = [];

    /// <summary>The prefixes of the pools of <c>dispatch</c>.</summary>
    public List<(IpPrefix Prefix, Place Place)> DispatchPrefixes { get; } = [];
}

/// <param name="Multihop">The place of the key, if it is there.</param>
internal sealed record NeighbourPlaces(
    IpAddress? Address, Place AddressPlace, uint? Asn, NeighbourScopes? Scopes, IpAddress? LocalAddress, Place LocalAddressPlace, Place? Multihop);
