namespace SoftUnicast.BgpSpeaker;

/// <summary>How far a route travels. The number is the last part of its scope community <c>AS:1:S</c> (docs/bgp.md).</summary>
public enum Scope
{
    /// <summary>Unicast, to upstreams: the egress prefixes.</summary>
    Internet = 1,

    /// <summary>FlowSpec, to all datacenters: which datacenter owns an address or a part of one.</summary>
    Backbone = 2,

    /// <summary>FlowSpec, to the servers of the datacenter: which server owns a slice.</summary>
    Datacenter = 3,

    /// <summary>Unicast, to the router of the rack: the tunnel endpoints that this server answers for.</summary>
    Underlay = 4,
}

/// <summary>What a scope means for a session.</summary>
public static class Scopes
{
    /// <summary>Ascending by number.</summary>
    public static IReadOnlyList<Scope> All { get; } = [Scope.Internet, Scope.Backbone, Scope.Datacenter, Scope.Underlay];

    /// <summary>
    /// True if the scope's routes are FlowSpec (RFC 8955). Unicast and FlowSpec never share a session: some peers corrupt one when
    /// the other is there.
    /// </summary>
    public static bool IsFlowSpec(this Scope scope) => scope is Scope.Backbone or Scope.Datacenter;

    /// <summary>The word used in configuration and shows.</summary>
    public static string Word(this Scope scope) => scope switch
    {
        Scope.Internet => "internet",
        Scope.Backbone => "backbone",
        Scope.Datacenter => "datacenter",
        _ => "underlay",
    };
}
