using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>What <c>softunicast.yaml</c> says about this server, with the defaults filled in.</summary>
/// <param name="Server">Its name in the fleet file.</param>
/// <param name="FleetPath">The fleet file; relative paths are already joined to the folder of <c>softunicast.yaml</c>.</param>
/// <param name="AssignmentPath">The assignment file, likewise.</param>
/// <param name="Interfaces">At least one, in the order of the file; at least one has the role internet.</param>
/// <param name="PinsPath">The folder of the pinned maps, programs and links, on a BPF file system.</param>
/// <param name="Egress">What is handed out to programs of this server; null: nothing.</param>
/// <param name="Dispatch">What comes in on whole prefixes; null: nothing is dispatched.</param>
/// <param name="Naming">Where names are answered by policy; null: nowhere on this server.</param>
public sealed record ServerConfig(
    string Server,
    string FleetPath,
    string AssignmentPath,
    ImmutableArray<InterfaceConfig> Interfaces,
    GobgpdConfig Gobgpd,
    BgpConfig Bgp,
    LogConfig Log,
    SocketsConfig Sockets,
    string PinsPath,
    EgressConfig? Egress = null,
    DispatchConfig? Dispatch = null,
    NamingConfig? Naming = null);

/// <summary>How the packet path is attached to an interface.</summary>
public enum AttachMode
{
    /// <summary>Native if the driver can, else generic.</summary>
    Auto = 0,

    Native = 1,
    Generic = 2,
}

/// <summary>An interface that the packet path is attached to.</summary>
/// <param name="Name">1 to 15 bytes, as <c>ip link</c> shows it.</param>
public sealed record InterfaceConfig(string Name, InterfaceRoles Roles, AttachMode Mode);

/// <summary>The gobgpd beside this daemon.</summary>
/// <param name="SocketPath">Its gRPC Unix socket.</param>
/// <param name="ListenPort">The TCP port that it is told to listen on; null if it shall not listen.</param>
public sealed record GobgpdConfig(string SocketPath, ushort? ListenPort);

/// <param name="RouterId">Null: the fleet file's, which it must equal if it is given.</param>
public sealed record BgpConfig(IpAddress? RouterId, ImmutableArray<NeighbourConfig> Neighbours);

/// <summary>What is sent to a neighbour and believed from it.</summary>
[Flags]
public enum NeighbourScopes
{
    None = 0,

    /// <summary>Unicast: the prefixes of the pools, to the Internet.</summary>
    Internet = 1,

    /// <summary>FlowSpec: which datacenter owns what, to all datacenters.</summary>
    Backbone = 2,

    /// <summary>FlowSpec: which server owns what, within the datacenter.</summary>
    Datacenter = 4,

    /// <summary>Unicast: the tunnel endpoints of this server and its datacenter.</summary>
    Underlay = 8,

    Unicast = Internet | Underlay,
    FlowSpec = Backbone | Datacenter,
}

/// <summary>A BGP neighbour.</summary>
/// <param name="Scopes">At least one; unicast or FlowSpec, never both.</param>
/// <param name="LocalAddress">The address to connect from, of the neighbour's family; null: the kernel's choice.</param>
/// <param name="HoldTime">3 s to 65,535 s, whole seconds (RFC 4271 4.2).</param>
/// <param name="PasswordFile">File whose first line is the TCP MD5 password (RFC 2385); null: none.</param>
/// <param name="MultihopTtl">TTL of an eBGP session over routers, 2 to 255; null: directly connected.</param>
/// <param name="TtlSecurity">Only packets with TTL 255 are taken (RFC 5082).</param>
/// <param name="Passive">Wait for the neighbour to connect.</param>
public sealed record NeighbourConfig(
    IpAddress Address,
    uint Asn,
    NeighbourScopes Scopes,
    IpAddress? LocalAddress,
    TimeSpan HoldTime,
    string? PasswordFile,
    int? MultihopTtl,
    bool TtlSecurity,
    bool Passive);

/// <summary>What this server hands out to its own programs.</summary>
/// <param name="AttributionPath">Folder of the attribution log, which is also the durable record of what is handed out.</param>
/// <param name="Quarantine">How long a slice rests after its last socket; 1 s to a day, 120 s or more but for tests (RFC 6888 REQ-8).</param>
/// <param name="SetsKernel">True: kernel settings that slices need are made, and put back by <c>down</c>; false: only looked at.</param>
/// <param name="Nat">At most one a pool; their sources never overlap.</param>
public sealed record EgressConfig(string AttributionPath, TimeSpan Quarantine, bool SetsKernel, ImmutableArray<NatConfig> Nat);

/// <summary>Forwarded traffic that leaves from a pool.</summary>
/// <param name="Pool">Name in the fleet file.</param>
/// <param name="Sources">Whose traffic: IPv4 prefixes.</param>
/// <param name="Slices">How many of this server's slices serve it, 1 to 64.</param>
public sealed record NatConfig(string Pool, ImmutableArray<IpPrefix> Sources, int Slices);

/// <summary>What comes in on whole prefixes and goes to registered sockets.</summary>
/// <param name="Pools">Their prefixes never overlap.</param>
/// <param name="Labels">Who may register sockets; a label that is not here takes none.</param>
/// <param name="Bindings">Those that are always there, without contradictions, each inside a pool.</param>
/// <param name="StatePath">What <c>bind</c> bound, over restarts.</param>
/// <param name="SetsKernel">True: the prefixes are made local here, and given back by <c>down</c>; false: somebody else sees to it.</param>
public sealed record DispatchConfig(
    ImmutableArray<DispatchPool> Pools, ImmutableArray<LabelRights> Labels, ImmutableArray<Binding> Bindings, string StatePath, bool SetsKernel);

/// <summary>When the prefixes of a pool are announced.</summary>
public enum AnnounceWhen
{
    /// <summary>While every label that is bound in it has a live socket.</summary>
    Served = 0,

    Always = 1,

    /// <summary>Somebody else does.</summary>
    Never = 2,
}

/// <summary>Prefixes that bindings may lie in.</summary>
public sealed record DispatchPool(string Name, ImmutableArray<IpPrefix> Prefixes, AnnounceWhen Announce);

/// <summary>Who may register and unregister sockets for a label.</summary>
/// <param name="Users">Names, or numbers.</param>
/// <param name="Groups">Likewise.</param>
public sealed record LabelRights(Label Label, ImmutableArray<string> Users, ImmutableArray<string> Groups);

/// <summary>Names that are answered by policy, through DNS servers beside this daemon.</summary>
/// <param name="FilePath">The naming file; a relative path is already joined to the folder of <c>softunicast.yaml</c>.</param>
/// <param name="DnsdistFolder">Where dnsdist finds the policies.</param>
/// <param name="PdnsSocketPath">Where PowerDNS's remote backend asks; null: nowhere.</param>
/// <param name="PdnsGroup">Who may ask there; null: everyone.</param>
/// <param name="StatePath">What operators moved and drained, over restarts.</param>
/// <param name="AlsoAnnounced">Announced by somebody else than this daemon.</param>
public sealed record NamingConfig(
    string FilePath, string DnsdistFolder, string? PdnsSocketPath, string? PdnsGroup, string StatePath, ImmutableArray<IpPrefix> AlsoAnnounced);

public enum LogLevel
{
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
}

/// <param name="FilePath">Null: only the console and the journal.</param>
public sealed record LogConfig(LogLevel Level, string? FilePath);

/// <param name="ControlPath">Socket for commands that change something.</param>
/// <param name="ShowPath">Socket for commands that only read.</param>
/// <param name="RegisterPath">Socket for services that register themselves.</param>
public sealed record SocketsConfig(string ControlPath, string ShowPath, string RegisterPath = ServerYaml.DefaultRegisterSocket);
