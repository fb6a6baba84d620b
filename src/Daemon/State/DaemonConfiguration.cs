using SoftUnicast.BgpSpeaker;
using SoftUnicast.Config;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.State;

/// <summary>The files that the daemon runs by, checked, and when they were read.</summary>
/// <param name="Naming">Null: no name is answered on this server.</param>
internal sealed record DaemonConfiguration(
    string File, ServerConfig Server, Fleet Fleet, Assignment Assignment, DateTimeOffset Loaded, NamingRules? Naming = null)
{
    public Server Self => Fleet.Servers[Server.Server];

    public IpAddress RouterId => Server.Bgp.RouterId ?? Self.RouterId;

    /// <param name="readPassword">Reads the first line of a password file.</param>
    public SpeakerOptions ToSpeakerOptions(Func<string, string> readPassword) => new()
    {
        SocketPath = Server.Gobgpd.SocketPath,
        Fleet = Fleet,
        ServerName = Server.Server,
        RouterId = RouterId,
        ListenPort = Server.Gobgpd.ListenPort ?? -1,
        Neighbours =
        [
            .. Server.Bgp.Neighbours.Select(n => new NeighbourOptions(n.Address, n.Asn, [.. ScopesOf(n.Scopes)])
            {
                LocalAddress = n.LocalAddress,
                HoldTime = n.HoldTime,
                Password = n.PasswordFile is null ? null : readPassword(n.PasswordFile),
                Multihop = n.MultihopTtl,
                TtlSecurity = n.TtlSecurity,
                Passive = n.Passive,
            }),
        ],
    };

    private static IEnumerable<Scope> ScopesOf(NeighbourScopes scopes)
    {
        (NeighbourScopes Flag, Scope Scope)[] all =
        [
            (NeighbourScopes.Internet, Scope.Internet),
            (NeighbourScopes.Backbone, Scope.Backbone),
            (NeighbourScopes.Datacenter, Scope.Datacenter),
            (NeighbourScopes.Underlay, Scope.Underlay),
        ];
        return all.Where(s => scopes.HasFlag(s.Flag)).Select(s => s.Scope);
    }
}
