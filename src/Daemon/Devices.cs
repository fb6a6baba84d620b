using System.Collections.Immutable;
using SoftUnicast.Config;
using SoftUnicast.Control.Replies;
using SoftUnicast.Linux.Net;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Daemon;

/// <summary>A configured interface that exists and can carry the packet path.</summary>
internal sealed record Device(InterfaceConfig Config, Link Link)
{
    public SteeringInterface Steering => new(Link.Index, Link.Mac!.Value, Config.Roles);
}

/// <summary>Finds the configured interfaces among the kernel's.</summary>
internal static class Devices
{
    public static ImmutableArray<Device> Find(
        ImmutableArray<InterfaceConfig> configured, IEnumerable<Link> links, ImmutableArray<Problem>.Builder problems)
    {
        var byName = links.GroupBy(l => l.Name).ToDictionary(g => g.Key, g => g.First());
        var found = ImmutableArray.CreateBuilder<Device>();
        foreach (var config in configured)
        {
            if (!byName.TryGetValue(config.Name, out var link))
            {
                problems.Add(new Problem($"interface {config.Name} does not exist", "it is used as soon as it is there"));
            }
            else if (!link.IsEthernet || link.Mac is null)
            {
                problems.Add(new Problem($"interface {config.Name} is no Ethernet device", "the packet path needs Ethernet frames: name the device below it"));
            }
            else if (link.VlanId is not null)
            {
                problems.Add(new Problem($"interface {config.Name} is a VLAN device", "name the device below it: the packet path reads and writes tags itself"));
            }
            else if (link.Index >= AbiLimits.Interfaces)
            {
                problems.Add(new Problem($"interface {config.Name} has index {link.Index}, the packet path knows 1 to {AbiLimits.Interfaces - 1}", "remove and load its driver again, or restart the machine"));
            }
            else
            {
                if (!link.IsUp || !link.HasCarrier)
                {
                    problems.Add(new Problem($"interface {config.Name} is {(link.IsUp ? "without carrier" : "down")}", null));
                }

                found.Add(new Device(config, link));
            }
        }

        return found.ToImmutable();
    }
}
