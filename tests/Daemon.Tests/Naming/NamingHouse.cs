using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using SoftUnicast.Config;
using SoftUnicast.Control.Replies;
using SoftUnicast.Control.Tests.Support;
using SoftUnicast.Daemon.Naming;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Model;
using SoftUnicast.Naming;
using SoftUnicast.Naming.Tests;

namespace SoftUnicast.Daemon.Tests.Naming;

/// <summary>The service on real files and a real socket in a folder of its own, under a clock that stands.</summary>
internal sealed class NamingHouse : IDisposable
{
    private NamingService? service;

    public NamingHouse()
    {
        Config = new NamingConfig("/etc/softunicast/naming.yaml", At("run"), At("run/pdns.sock"), null, At("lib/naming.json"), Prefixes(Twenty, Big6, One));
    }

    public const string Twenty = "198.18.0.0/20";
    public const string Big6 = "2001:db8:4000::/44";
    public const string One = "203.0.113.1/32";

    /// <summary>cdn answers from twenty, else by last; bare has no default; all over example.com but ns1.</summary>
    public static NamingRules Usual { get; } = Rules.Of(
        [
            Rules.Pool("twenty", Twenty, Big6), Rules.Pool("twenty-four", "198.18.0.0/24", "2001:db8:4000::/48"), Rules.Pool("one", One),
            Rules.Pool("dark", "192.0.2.128/25", "2001:db8:6000::/48"), Rules.Pool("closed", Twenty, Big6) with { Drained = true },
        ],
        [Rules.Accounts],
        Rules.Policy("cdn", ["example.com"], ["twenty"], otherwise: "last", except: ["ns1.example.com"]),
        Rules.Policy("pro", ["example.com"], ["twenty-four", "twenty"], NamingStrategy.Hash, otherwise: "authoritative", tags: ("plan", ["pro", "gold"]), ttl: 300),
        Rules.Policy("bare", ["bare.example.net"], ["twenty-four"], types: AddressTypes.A),
        Rules.Policy("fra", ["fra.example.net"], ["one"], types: AddressTypes.A, datacenters: ["fra"]),
        Rules.Policy("last", null, ["twenty-four"], NamingStrategy.One, ttl: 5));

    public string Folder { get; } = Directory.CreateTempSubdirectory("softunicast-naming-").FullName;

    public ManualTime Time { get; } = new();

    public NamingConfig Config { get; set; }

    public NamingRules Of { get; set; } = Usual;

    public DispatchConfig? Dispatch { get; set; }

    public ImmutableArray<IpPrefix> Announced { get; set; } = [];

    public Func<IReadOnlyDictionary<IpAddress, ulong>>? Counters { get; set; }

    public FailingSync Sync { get; } = new();

    public NamingService Service => service ??= new NamingService(Inputs, Time, Sync);

    public NamingAgility Agility => new(Service, Time);

    public string StateFile => Path.Combine(Config.DnsdistFolder, "naming.lua");

    public NamingInputs Inputs => new(
        new DaemonConfiguration(
            "softunicast.yaml",
            new ServerConfig("ams-1", "f", "a", [], new GobgpdConfig("g", null), new BgpConfig(null, []), new LogConfig(LogLevel.Info, null), new SocketsConfig("c", "s"), "/p", null, Dispatch, Config),
            Fleets.Two, Fleets.Assigned(), default, Of),
        Announced, Counters);

    public static ImmutableArray<IpPrefix> Prefixes(params string[] prefixes) => [.. prefixes.Select(p => IpPrefix.Parse(p))];

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>One pass, and what it found wrong.</summary>
    public string[] Pass()
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        Service.Pass(Inputs, problems);
        return [.. problems.Select(p => p.Next is null ? p.What : $"{p.What}; {p.Next}")];
    }

    /// <summary>The daemon ends, and another one begins.</summary>
    public void Restart()
    {
        service?.Dispose();
        service = null;
    }

    public uint Generation() => BitConverter.ToUInt32(File.ReadAllBytes(Path.Combine(Config.DnsdistFolder, "naming.generation")));

    /// <summary>Which pool answers a name for A, or what else does.</summary>
    public string Answer(string name, AddressTypes type = AddressTypes.A)
    {
        var answer = Service.Table!.Answer(DnsName.Parse(name), type, new Random(1));
        return answer.Kind == AnswerKind.Address ? answer.Pool! : answer.Kind.ToString();
    }

    /// <summary>Asks as PowerDNS asks: one line each way.</summary>
    public static async Task<JsonElement> AskAsync(string path, string name)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), TestContext.Current.CancellationToken);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.UTF8.GetBytes("""{"method":"lookup","parameters":{"qname":"NAME","qtype":"ANY"}}""".Replace("NAME", name, StringComparison.Ordinal) + "\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        return JsonDocument.Parse((await reader.ReadLineAsync(TestContext.Current.CancellationToken))!).RootElement;
    }

    public void Dispose()
    {
        service?.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>A folder that is made durable, or is said not to be.</summary>
    internal sealed class FailingSync : IFolderSync
    {
        public bool Fails { get; set; }

        public void Sync(string folder)
        {
            if (Fails)
            {
                throw new IOException("fsync: the disk is gone");
            }
        }
    }
}
