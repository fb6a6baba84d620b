using SoftUnicast.Tests.Support;

namespace SoftUnicast.Naming.Tests.Lab;

/// <summary>A real server, or a proxy before one.</summary>
internal sealed class DnsDaemon(NamingLab lab) : LabDaemon(lab);

/// <summary>The servers of a lab, on ports of its loopback.</summary>
internal static class Servers
{
    public const int DnsdistPort = 5300;
    public const int AuthoritativePort = 5301;

    /// <summary>The operator's zone: what no policy answers. The wildcard makes other types of any name "no data", not "no such name".</summary>
    public const string Zone = """
        $TTL 300
        @ SOA ns1 hostmaster 1 3600 600 86400 60
        @ NS ns1
        ns1 A 203.0.113.53
        mail A 203.0.113.25
        @ MX 10 mail
        only-mx MX 10 mail
        delegated NS ns1
        * TXT "by policy"
        """;

    /// <summary>PowerDNS with the zone example.com in its bind backend.</summary>
    public static DnsDaemon StartBind(this NamingLab lab, string zone = Zone)
    {
        lab.Write("example.com.zone", zone + "\n");
        lab.Write("named.conf", $"zone \"example.com\" {{ type master; file \"{lab.PathOf("example.com.zone")}\"; }};\n");
        var config = lab.PathOf("bind");
        Directory.CreateDirectory(config);
        File.WriteAllText(Path.Combine(config, "pdns.conf"), $"launch=bind\nbind-config={lab.PathOf("named.conf")}\n{Common(config)}");
        return lab.Start("pdns_server", $"--config-dir={config}");
    }

    /// <summary>What every pdns of a lab has: its place, no caches, no control of the host's.</summary>
    public static string Common(string folder, int port = AuthoritativePort) => $"""
        local-address=127.0.0.1
        local-port={port}
        socket-dir={folder}
        cache-ttl=0
        query-cache-ttl=0
        negquery-cache-ttl=0
        security-poll-suffix=
        version-string=anonymous
        loglevel=4

        """;

    public static DnsDaemon StartDnsdist(this NamingLab lab, DnsdistFiles files)
    {
        var conf = lab.Write("dnsdist.conf", $"""
            setLocal("127.0.0.1:{DnsdistPort}")
            setSecurityPollSuffix("")
            newServer("127.0.0.1:{AuthoritativePort}"):setUp() -- no health checks: a busy machine would fail them
            {DnsdistConfig.Generate(files)}
            """);
        return lab.Start("dnsdist", "--supervised", "--disable-syslog", "-C", conf);
    }

    /// <summary>dnsperf over 20,000 names, as fast as it goes; its text when it ends.</summary>
    public static Task<string> LoadAsync(this NamingLab lab, int port, int seconds)
    {
        var queries = lab.Write("queries", string.Concat(Enumerable.Range(0, 20_000).Select(i => $"n{i}.example.com A\n")));
        return lab.RunInsideAsync("dnsperf", "-s", "127.0.0.1", "-p", $"{port}", "-d", queries, "-c", "4", "-l", $"{seconds}");
    }

    /// <summary>No query lost, and each answered with success.</summary>
    public static void AssertAllAnswered(string dnsperf)
    {
        Assert.Contains("Queries lost:         0 (0.00%)", dnsperf, StringComparison.Ordinal);
        Assert.Matches(@"Response codes:\s+NOERROR \d+ \(100.00%\)", dnsperf);
    }

    /// <summary>Waits until a server answers the zone's SOA.</summary>
    public static async Task ReadyAsync(this NamingLab lab, int port, DnsDaemon daemon)
    {
        using var client = new DnsClient(lab, port);
        await NamingLab.UntilAsync(
            () => client.TryAsk("example.com", 6) is { Rcode: 0, Answers.Length: 1 },
            () => $"an answer of the server at port {port} ({daemon.Log})");
    }
}
