using SoftUnicast.Model;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Steering;

/// <summary>An outer address that this server answers for, and which tunnel headers it takes off there.</summary>
/// <param name="Address">IPv4, not 0.0.0.0.</param>
/// <param name="GreKey">The key that <see cref="AcceptedEncapsulations.GreKey"/> asks for, host byte order; null without that bit.</param>
public readonly record struct SteeringLocal(IpAddress Address, AcceptedEncapsulations Accept, uint? GreKey = null);
