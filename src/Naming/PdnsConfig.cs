namespace SoftUnicast.Naming;

/// <summary>PowerDNS's side of the naming policies, as text (Debian's pdns-server and pdns-backend-remote, 4.7 and later).</summary>
public static class PdnsConfig
{
    /// <summary>What the operator puts below pdns.d, beside the zones' own backend.</summary>
    /// <param name="socketPath">Where the remote backend answers.</param>
    /// <param name="zoneBackend">The backend that holds the zones: SOA, NS and everything that is no policy's.</param>
    public static string Generate(string socketPath, string zoneBackend = "bind")
    {
        ArgumentException.ThrowIfNullOrEmpty(socketPath);
        ArgumentException.ThrowIfNullOrEmpty(zoneBackend);
        return $"""
            # Made by 'softunicastc naming pdns-config'. Put it into /etc/powerdns/pdns.d/ and take 'launch' out of the other files.
            # The zone's own backend is asked first: what it holds stays its own. What it does not hold is answered by policy.
            launch={zoneBackend},remote
            remote-connection-string=unix:path={socketPath},timeout=2000
            remote-dnssec=no
            # An answer by policy is drawn anew for each query.
            cache-ttl=0
            query-cache-ttl=0
            negquery-cache-ttl=0
            # A zone is divided over two backends: delegations are asked for by their type, which the remote one answers at once.
            consistent-backends=no
            # More threads wait for policies at once; each has a connection of its own.
            distributor-threads=12

            """;
    }
}
