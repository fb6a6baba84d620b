using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Packet.Tests;

/// <summary>A packet and what has to become of it.</summary>
/// <param name="Name">The rule that it shows, with its clause where a standard says so.</param>
/// <param name="To">Where it is sent, if it is.</param>
/// <param name="Roles">Of the interface that it arrives on.</param>
internal sealed record Row(
    string Name, byte[] Frame, Verdict Verdict, Reason Reason, SteeringEndpoint? To = null, InterfaceRoles Roles = InterfaceRoles.Both);
