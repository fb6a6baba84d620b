using System.Globalization;
using System.Net.Sockets;
using SoftUnicast.Model;
using SoftUnicast.Naming;

namespace SoftUnicast.Bench;

/// <summary>
/// dnsdist with our policies, PowerDNS with our remote backend and PowerDNS with static records, in one namespace, asked for the
/// same 100,000 names by dnsperf in turns: the machine is the same for all three in each round.
/// </summary>
internal static class NamingBench
{
    private const int NameCount = 100_000;
    private const int DnsdistPort = 5300;
    private const int BindPort = 5301;
    private const int RemotePort = 5302;
    private const int Rounds = 21;
    private const int LatencyRounds = 7;
    private const int ShortRounds = 1;
    private const int Seconds = 1; // a run of dnsperf: short turns, so that what disturbs the machine disturbs all alike

    /// <exception cref="IOException">A program is missing, or a server does not come up.</exception>
    public static IAgilityPart Run(bool isShort)
    {
        NamingPlace.RequirePrograms();
        using var place = new NamingPlace("dns");
        var table = NamingTable.Build(SmallRules(), new NamingState("ams"));
        using var remote = new RemoteEnd(place.PathOf("remote.sock"), table);
        var queries = WriteZones(place);
        var bind = new Arm(BindPort, place.StartPdns("static", BindPort, "launch=bind\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\n"));
        var ours = new Arm(RemotePort, place.StartPdns("empty", RemotePort, PdnsConfig.Generate(place.PathOf("remote.sock"))), AndThisProcess: true);
        var dnsdist = new Arm(DnsdistPort, place.StartDnsdist(table, DnsdistPort, BindPort));
        Arm[] arms = [dnsdist, bind, ours];
        Array.ForEach(arms, arm => place.AwaitAnswer(arm.Port));
        InTurns(arms, 1, arm => place.Dnsperf(arm.Port, queries, Seconds)); // warms caches and compilers, and is not counted
        InTurns(arms, isShort ? ShortRounds : Rounds, arm => arm.Run(() => place.Dnsperf(arm.Port, queries, Seconds)));
        InTurns(arms, isShort ? ShortRounds : LatencyRounds, arm => arm.P99Ms.Add(place.P99(arm.Port, queries, arm.Rate / 2, Seconds)));
        return new NamingReport(
            dnsdist.Rate, ours.Rate, bind.Rate, dnsdist.Against(bind), ours.Against(bind), Median(dnsdist.P99Ms), Median(ours.P99Ms), Median(bind.P99Ms),
            Median(dnsdist.ProcessorUs), Median(ours.ProcessorUs), Median(bind.ProcessorUs),
            NamingMemory.MebibytesOfTwentyMillionNames(place, isShort), arms.Sum(a => a.Runs.Sum(r => r.Lost + r.NotNoError)));
    }

    // Each goes first as often as the others.
    private static void InTurns(Arm[] arms, int rounds, Action<Arm> run)
    {
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < arms.Length; i++)
            {
                run(arms[(i + round) % arms.Length]);
            }
        }
    }

    private static NamingRules SmallRules() => new(
        [new NamingPool("twenty", [IpPrefix.Parse("198.18.0.0/20")])],
        [],
        [
            new NamingPolicy(
                "all", new NamingMatch(["example.com"], [], [], AddressTypes.A, [], System.Collections.Immutable.ImmutableSortedDictionary<string, System.Collections.Immutable.ImmutableArray<string>>.Empty),
                [new WeightedPool("twenty", 1)], NamingStrategy.Random, 30, null, true),
        ]);

    private static string WriteZones(NamingPlace place)
    {
        var head = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 203.0.113.53\n";
        place.Write("static.zone", head + string.Concat(Enumerable.Range(0, NameCount).Select(i => string.Create(CultureInfo.InvariantCulture, $"n{i} A 198.18.{i % 16}.{i % 256}\n"))));
        place.Write("empty.zone", head);
        var random = new Random(1);
        return place.Write("queries", string.Concat(Enumerable.Range(0, NameCount)
            .OrderBy(_ => random.Next()).Select(i => string.Create(CultureInfo.InvariantCulture, $"n{i}.example.com A\n"))));
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    /// <summary>A server that is asked, and what came of it, round by round.</summary>
    private sealed record Arm(int Port, PlacedProgram Server, bool AndThisProcess = false)
    {
        public List<DnsperfRun> Runs { get; } = [];

        /// <summary>At half the median rate.</summary>
        public List<double> P99Ms { get; } = [];

        /// <summary>Of the server's processor time, a query.</summary>
        public List<double> ProcessorUs { get; } = [];

        public double Rate => Median(Runs.Select(r => r.QueriesPerSecond));

        private TimeSpan ProcessorTime => Server.ProcessorTime + (AndThisProcess ? Environment.CpuUsage.TotalTime : TimeSpan.Zero);

        public void Run(Func<DnsperfRun> run)
        {
            var before = ProcessorTime;
            Runs.Add(run());
            ProcessorUs.Add((ProcessorTime - before).TotalMicroseconds / Runs[^1].Completed);
        }

        /// <summary>Of another's rate in the same round.</summary>
        public double Against(Arm other) => Median(Runs.Zip(other.Runs, (mine, its) => mine.QueriesPerSecond / its.QueriesPerSecond));
    }

    /// <summary>Our end of the remote backend's socket, in this process.</summary>
    private sealed class RemoteEnd : IDisposable
    {
        private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly CancellationTokenSource stopping = new();
        private readonly Task running;

        public RemoteEnd(string path, NamingTable table)
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(64);
            running = new RemoteBackendServer(new RemoteBackend(() => table)).RunAsync(listener.AcceptAsync, stopping.Token);
        }

        public void Dispose()
        {
            stopping.Cancel();
            running.Wait();
            listener.Dispose();
            stopping.Dispose();
        }
    }
}
