using System.Globalization;
using System.Text.Json;
using SoftUnicast.Dispatch;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;
using SoftUnicast.Naming;
using SoftUnicast.Traffic;

namespace SoftUnicast.Bench;

/// <summary>
/// Clients, a DNS server and three servers of one service, each in a network namespace of its own, around a router that shares the
/// service's /20 among the servers by ports and addresses (ECMP):
/// <code>
///   clients 10.254.0.1 ─┐            ┌─ 10.254.0.5 ┐
///                       ├─ router ───┼─ 10.254.0.7 ├ 198.18.0.0/20, 13 ports, one socket each
///   DNS     10.254.0.3 ─┘            └─ 10.254.0.9 ┘
/// </code>
/// </summary>
internal sealed class ShrinkFleet : IDisposable
{
    public const int NameCount = 100_000;
    private const int Servers = 3;
    private const int DnsPort = 53;
    private const int BehindPort = 5301;
    private const string LabelName = "web";
    private static readonly string[] Ports = ["80", "443", "2052", "2053", "2082", "2083", "2086", "2087", "2095", "2096", "8080", "8443", "8880"];
    private readonly NetworkPlace router = new();
    private readonly NetworkPlace clients = new();
    private readonly NamingPlace dns = new("shrink");
    private readonly List<NetworkPlace> servers = [];
    private readonly List<PinnedDispatch> dispatches = [];
    private int links;

    /// <param name="table">What is answered first.</param>
    public ShrinkFleet(NamingTable table)
    {
        try
        {
            router.Run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward && echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy"); // by ports too
            Link(clients);
            var resolver = Link(dns.Network);
            StartDns(table);
            DnsServer = $"{resolver}:{DnsPort}";
            var ways = Enumerable.Range(1, Servers).Select(StartServer).ToArray();
            router.Ip($"route add {Service} {string.Join(' ', ways.Select(w => $"nexthop via {w}"))}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The addresses that the servers serve.</summary>
    public static IpPrefix Service { get; } = IpPrefix.Parse("198.18.0.0/20");

    private string DnsServer { get; } = "";

    /// <summary>Changes what is answered, for the next query.</summary>
    public void Answer(NamingTable table) => dns.WritePolicies(table);

    /// <param name="pattern">Of the names.</param>
    public PlacedProgram StartClients(string pattern) => clients.StartTalking(
        Traffic, "names", "--dns", DnsServer, "--ports", string.Join(',', Ports), "--names", NameCount.ToString(CultureInfo.InvariantCulture), "--zipf", "1", pattern);

    public void Dispose()
    {
        clients.Dispose();
        dispatches.ForEach(d => d.Dispose());
        for (var number = 1; number <= Servers; number++)
        {
            PinnedDispatch.Remove(Scratch.PinFolder(Name(number)));
        }

        servers.ForEach(s => s.Dispose());
        dns.Dispose();
        router.Dispose();
    }

    private static string Traffic { get; } = Path.Combine(AppContext.BaseDirectory, "softunicast-traffic");

    private static string Name(int number) => string.Create(CultureInfo.InvariantCulture, $"s{number}");

    // A cable to the router, and the way out by it. Returns the address.
    private string Link(NetworkPlace place)
    {
        var (its, mine) = ($"10.254.0.{(2 * links) + 1}", $"10.254.0.{2 * links}");
        router.Ip($"link add v{links} type veth peer name eth0 netns {place.Path}");
        router.Ip($"address add {mine}/31 dev v{links}");
        router.Ip($"link set v{links} up");
        place.Ip($"address add {its}/31 dev eth0");
        place.Ip("link set eth0 up");
        place.Ip($"route add default via {mine}");
        links++;
        return its;
    }

    private void StartDns(NamingTable table)
    {
        var random = new Random(1);
        var records = Enumerable.Range(0, NameCount).Select(n => $"a{n}.cdn A {Service.Network.Add((UInt128)random.Next((int)Service.AddressCount))}\n");
        dns.Write("static.zone", "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 203.0.113.53\nready A 203.0.113.1\n" + string.Concat(records));
        dns.StartPdns("static", BehindPort, "launch=bind\n");
        dns.AwaitAnswer(BehindPort, "ready.example.com");
        dns.StartDnsdist(table, DnsPort, BehindPort, address: "0.0.0.0");
        dns.AwaitAnswer(DnsPort, "ready.example.com");
    }

    // The service knows nothing of dispatch: its socket is found by its process.
    private string StartServer(int number)
    {
        var place = new NetworkPlace();
        servers.Add(place);
        var address = Link(place);
        place.Ip($"route add local {Service} dev lo");
        var service = place.StartTalking(Traffic, "serve", "--name", Name(number));
        _ = service.NextLine(); // it listens

        var dispatch = PinnedDispatch.LoadOrAdopt(Scratch.PinFolder(Name(number)), place.Path);
        dispatches.Add(dispatch);
        var label = Label.Parse(LabelName);
        var bindings = Ports.Select(port => new Binding(label, DispatchProtocol.Tcp, Service, PortRange.Parse($"{port}-{port}")));
        Accept(dispatch.Apply(BindingTable.Create(bindings, [Service]).Table!).Refusal);
        var sockets = ProcessSockets.TakeAll(service.Id);
        foreach (var socket in sockets)
        {
            using (socket)
            {
                Accept(dispatch.Register(label, socket.Descriptor).Refusal);
            }
        }

        return sockets.Count == 1 ? address : throw new IOException($"the service has {sockets.Count} sockets, one was expected");
    }

    private static void Accept(string? refusal)
    {
        if (refusal is not null)
        {
            throw new IOException(refusal);
        }
    }
}
