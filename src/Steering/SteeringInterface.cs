using SoftUnicast.Model;

namespace SoftUnicast.Steering;

/// <summary>An interface that the packet path works on.</summary>
/// <param name="Index">ifindex, 1 to 4,095.</param>
/// <param name="Mac">Its address: frames to another one are not ours.</param>
/// <param name="Roles">What arrives there.</param>
public readonly record struct SteeringInterface(int Index, MacAddress Mac, InterfaceRoles Roles);
