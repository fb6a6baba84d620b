using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>An interface, by the kernel's word.</summary>
/// <param name="Role">internet, backbone, both; null: not configured.</param>
/// <param name="XdpMode">native, generic, offload; null: no XDP program.</param>
/// <param name="ProgramId">Id of the XDP program on it, or null.</param>
/// <param name="Ours">True if that is the pinned program of this project.</param>
/// <param name="Link">Pin of the link that holds the program there, or null.</param>
public sealed record InterfaceRow(
    string Name,
    int Index,
    MacAddress? Mac,
    string State,
    int MtuBytes,
    string? Role,
    string? XdpMode,
    uint? ProgramId,
    bool Ours,
    string? Link);

/// <summary>A kernel setting.</summary>
/// <param name="Value">Null: the kernel does not have it.</param>
/// <param name="Wanted">What this project wants, or null if it only tells.</param>
/// <param name="Why">Why it matters.</param>
public sealed record SysctlRow(string Name, string? Value, string? Wanted, bool Right, string Why);

/// <summary>A kernel setting that the daemon changed, and puts back on <c>down</c>.</summary>
/// <param name="Was">Null: there was none.</param>
public sealed record ChangedSetting(string Name, string? Was, string Is, string Why);

/// <summary>A route towards a tunnel endpoint or a BGP neighbour, as the kernel would take it.</summary>
/// <param name="Via">The next hop; null: on the link.</param>
/// <param name="Problem">Why there is none, or null.</param>
public sealed record RouteRow(IpAddress To, string For, IpAddress? Via, string? Interface, int? MtuBytes, string? Problem);

/// <summary><c>show host</c>.</summary>
/// <param name="Pins">Names pinned in the pin folder, ascending.</param>
public sealed record HostReply(
    string Kernel,
    string Architecture,
    string PinFolder,
    bool BpffsMounted,
    ImmutableArray<string> Pins,
    ImmutableArray<InterfaceRow> Interfaces,
    ImmutableArray<SysctlRow> Sysctls,
    ImmutableArray<RouteRow> Routes) : ControlReply
{
    /// <summary>What this daemon changed for egress.</summary>
    public ImmutableArray<ChangedSetting> Changed { get; init; } = [];

    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Host;

    public override IEnumerable<string> Lines()
    {
        yield return $"kernel  {Kernel} {Architecture}";
        yield return $"bpffs   {PinFolder}: {(BpffsMounted ? Units.Of(Pins.Length, "pin") : "! not mounted; mount -t bpf bpf /sys/fs/bpf")}";
        foreach (var pin in Pins)
        {
            yield return $"        {pin}";
        }

        var interfaces = new TextTable<InterfaceRow>(Interfaces)
            .Left("interface", i => i.Name)
            .Right("index", i => Units.Count(i.Index))
            .Left("role", i => i.Role)
            .Left("state", i => i.State)
            .Left("mac", i => i.Mac?.ToString())
            .Right("mtu", i => Units.Count(i.MtuBytes))
            .Left("xdp", i => i.ProgramId is null ? (i.Role is null ? null : "! none") : i.Ours ? i.XdpMode : $"! foreign, {i.XdpMode}")
            .Right("program", i => i.ProgramId is { } id ? Units.Count(id) : null)
            .Left("link", i => i.Link);
        var sysctls = new TextTable<SysctlRow>(Sysctls)
            .Left("setting", s => s.Name)
            .Left("value", s => s.Value ?? "missing")
            .Left("wanted", s => s.Right ? s.Wanted : $"! {s.Wanted}")
            .Left("why", s => s.Why);
        var routes = new TextTable<RouteRow>(Routes)
            .Left("route to", r => r.To.ToString())
            .Left("for", r => r.For)
            .Left("via", r => r.Via?.ToString() ?? (r.Problem is null ? "link" : null))
            .Left("interface", r => r.Interface)
            .Right("mtu", r => r.MtuBytes is { } mtu ? Units.Count(mtu) : null)
            .Left("problem", r => r.Problem is null ? null : $"! {r.Problem}");
        var changed = new TextTable<ChangedSetting>(Changed)
            .Left("changed", c => c.Name)
            .Left("was", c => c.Was ?? "none")
            .Left("is", c => c.Is)
            .Left("why", c => c.Why);
        foreach (var line in interfaces.Lines().Concat(sysctls.Lines()).Concat(routes.Lines()).Concat(changed.Lines()))
        {
            yield return line;
        }
    }
}
