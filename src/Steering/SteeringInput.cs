using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Steering;

/// <summary>What a route, or this server's own assignment, says about who owns a part of an address.</summary>
/// <param name="Ports">A slice, or a block of whole slices up to the whole address.</param>
/// <param name="Endpoint">Where it is owned; null: here.</param>
public readonly record struct LearnedOwner(AddressPorts Ports, SteeringEndpoint? Endpoint);

/// <summary>Everything that a steering table is made of.</summary>
/// <param name="Server">This server's name in the fleet.</param>
/// <param name="OwnSlices">Slices that this server owns: they win over anything learned about the same slice.</param>
/// <param name="Owners">What was learned, in any order.</param>
/// <param name="Locals">Outer addresses that this server answers for, IPv4.</param>
/// <param name="Interfaces">Interfaces with a role.</param>
public sealed record SteeringInput(
    string Server,
    Fleet Fleet,
    IReadOnlyCollection<AddressPorts> OwnSlices,
    IReadOnlyCollection<LearnedOwner> Owners,
    IReadOnlyCollection<SteeringLocal> Locals,
    IReadOnlyCollection<SteeringInterface> Interfaces);

/// <summary>A steering table, or why there is none.</summary>
/// <param name="Table">Null if there is any error.</param>
/// <param name="Errors">Why nothing may be applied, one sentence each, with numbers.</param>
/// <param name="NotCarried">IPv6 pools: configured and announced, but not in this packet path.</param>
/// <param name="Ignored">Owners without effect: outside every IPv4 pool, no whole slice, or at an address of this server.</param>
public sealed record CompiledSteering(
    SteeringTable? Table,
    ImmutableArray<string> Errors,
    ImmutableArray<IpPrefix> NotCarried,
    ImmutableArray<LearnedOwner> Ignored);
