using SoftUnicast.Model;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>A table as sorted lines of text, so that two can be compared and a difference can be read.</summary>
internal static class Snapshot
{
    public static List<string> Of(SteeringTable table) =>
    [
        .. table.Prefixes.Select(p => $"{p.Prefix} {p.SliceSize} {p.Policies}"),
        .. table.Prefixes.SelectMany(p => p.OwnedSlices()).Select(s => $"{s.Slice} {s.Owner}"),
        .. table.Peers.OrderBy(p => p.Key).Select(p => $"peer {p.Key} {p.Value}"),
        .. table.Locals.OrderBy(l => l.Address).Select(l => $"local {l.Address} {l.Accept} {l.GreKey}"),
        .. table.Interfaces.Values.OrderBy(i => i.Index).Where(i => i.Roles != InterfaceRoles.None).Select(i => $"interface {i.Index} {i.Mac} {i.Roles}"),
    ];
}
