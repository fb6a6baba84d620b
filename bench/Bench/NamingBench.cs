using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
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
    private const int Rounds = 7;
    private const int Seconds = 3; // a run of dnsperf

    /// <exception cref="IOException">A program is missing, or a server does not come up.</exception>
    public static NamingReport Run()
    {
        foreach (var program in new[] { "/usr/bin/dnsdist", "/usr/sbin/pdns_server", "/usr/bin/dnsperf" })
        {
            if (!File.Exists(program))
            {
                throw new IOException($"{program} is not there: lab/prepare installs it");
            }
        }

        using var place = new NamingPlace();
        var table = NamingTable.Build(SmallRules(), new NamingState("ams"));
        using var remote = new RemoteEnd(place.PathOf("remote.sock"), table);
        var queries = StartAll(place, table);
        var (dnsdist, ours, bind) = (new List<DnsperfRun>(), new List<DnsperfRun>(), new List<DnsperfRun>());

        // The first round warms caches and compilers, and is not counted.
        for (var round = 0; round <= Rounds; round++)
        {
            dnsdist.Add(place.Dnsperf(DnsdistPort, queries, Seconds));
            bind.Add(place.Dnsperf(BindPort, queries, Seconds));
            ours.Add(place.Dnsperf(RemotePort, queries, Seconds));
        }

        foreach (var runs in new[] { dnsdist, bind, ours })
        {
            runs.RemoveAt(0);
        }

        var (p99, p99Remote, p99Bind) = (
            place.P99(DnsdistPort, queries, Median(dnsdist) / 2), place.P99(RemotePort, queries, Median(ours) / 2), place.P99(BindPort, queries, Median(bind) / 2));
        return new NamingReport(
            Median(dnsdist), Median(ours), Median(bind), MedianRatio(dnsdist, bind), MedianRatio(ours, bind), p99, p99Remote, p99Bind,
            NamingMemory.MebibytesOfTwentyMillionNames(place), dnsdist.Concat(ours).Concat(bind).Sum(r => r.Lost + r.NotNoError));
    }

    private static NamingRules SmallRules() => new(
        [new NamingPool("twenty", [IpPrefix.Parse("198.18.0.0/20")])],
        [],
        [
            new NamingPolicy(
                "all", new NamingMatch(["example.com"], [], [], AddressTypes.A, [], System.Collections.Immutable.ImmutableSortedDictionary<string, System.Collections.Immutable.ImmutableArray<string>>.Empty),
                [new WeightedPool("twenty", 1)], NamingStrategy.Random, 30, null, true),
        ]);

    private static string StartAll(NamingPlace place, NamingTable table)
    {
        var head = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 203.0.113.53\n";
        place.Write("static.zone", head + string.Concat(Enumerable.Range(0, NameCount).Select(i => string.Create(CultureInfo.InvariantCulture, $"n{i} A 198.18.{i % 16}.{i % 256}\n"))));
        place.Write("empty.zone", head);
        var random = new Random(1);
        var queries = place.Write("queries", string.Concat(Enumerable.Range(0, NameCount)
            .OrderBy(_ => random.Next()).Select(i => string.Create(CultureInfo.InvariantCulture, $"n{i}.example.com A\n"))));

        place.StartPdns("static", BindPort, "launch=bind\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\n");
        place.StartPdns("empty", RemotePort, PdnsConfig.Generate(place.PathOf("remote.sock")));
        place.StartDnsdist(table, DnsdistPort, BindPort);
        foreach (var port in new[] { BindPort, RemotePort, DnsdistPort })
        {
            place.AwaitAnswer(port);
        }

        return queries;
    }

    private static double Median(List<DnsperfRun> runs) => Median(runs.Select(r => r.QueriesPerSecond));

    private static double MedianRatio(List<DnsperfRun> runs, List<DnsperfRun> floor) => Median(runs.Zip(floor, (r, f) => r.QueriesPerSecond / f.QueriesPerSecond));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
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
            running = new RemoteBackendServer(new RemoteBackend(() => table)).RunAsync(listener, stopping.Token);
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

/// <summary>What dnsperf said of one run.</summary>
internal sealed record DnsperfRun(double QueriesPerSecond, long Sent, long Lost, long NotNoError);

/// <summary>A network namespace and a folder for the servers; both go with this object, and what runs in them.</summary>
internal sealed partial class NamingPlace : IDisposable
{
    private readonly string name = string.Create(CultureInfo.InvariantCulture, $"subench-{Environment.ProcessId}");
    private readonly string folder;
    private readonly List<Process> servers = [];

    public NamingPlace()
    {
        folder = Directory.CreateTempSubdirectory(name + "-").FullName;
        Run("ip", "netns", "add", name);
        Inside("ip", "link", "set", "lo", "up");
    }

    public string PathOf(string file) => Path.Combine(folder, file);

    public string Write(string file, string content)
    {
        File.WriteAllText(PathOf(file), content);
        return PathOf(file);
    }

    /// <summary>A PowerDNS for example.com out of <c>NAME.zone</c>.</summary>
    public void StartPdns(string zone, int port, string settings)
    {
        var config = PathOf(zone);
        Directory.CreateDirectory(config);
        var named = Write(zone + ".named", $"zone \"example.com\" {{ type master; file \"{PathOf(zone + ".zone")}\"; }};\n");
        File.WriteAllText(
            Path.Combine(config, "pdns.conf"),
            string.Create(CultureInfo.InvariantCulture, $"local-address=127.0.0.1\nlocal-port={port}\nsocket-dir={config}\nsecurity-poll-suffix=\nloglevel=3\nbind-config={named}\n{settings}"));
        Start("pdns_server", $"--config-dir={config}");
    }

    public Process StartDnsdist(NamingTable table, int port, int behind, string file = "dnsdist")
    {
        Directory.CreateDirectory(PathOf(file));
        var files = DnsdistFiles.In(PathOf(file));
        new DnsdistStateWriter(files).Write(table);
        return Start("dnsdist", "--supervised", "--disable-syslog", "-C", Write(file + ".conf", string.Create(
            CultureInfo.InvariantCulture,
            $"setLocal(\"127.0.0.1:{port}\")\nsetSecurityPollSuffix(\"\")\nnewServer(\"127.0.0.1:{behind}\")\n{DnsdistConfig.Generate(files)}")));
    }

    public void AwaitAnswer(int port)
    {
        var query = Write("ready", "n1.example.com A\n");
        for (var start = Stopwatch.StartNew(); start.Elapsed < TimeSpan.FromSeconds(30);)
        {
            var output = Inside("dnsperf", "-s", "127.0.0.1", "-p", Text(port), "-d", query, "-n", "1", "-t", "0.2");
            if (Number(QueriesLost(), output) == 0 && output.Contains("NOERROR 1 ", StringComparison.Ordinal))
            {
                return;
            }
        }

        throw new IOException($"the server at port {port} does not answer");
    }

    public DnsperfRun Dnsperf(int port, string queries, int seconds)
    {
        var output = Inside("dnsperf", "-s", "127.0.0.1", "-p", Text(port), "-d", queries, "-c", "4", "-l", Text(seconds));
        var completed = (long)Number(QueriesCompleted(), output);
        var good = (long)Number(NoErrors(), output);
        return new DnsperfRun(Number(PerSecond(), output), (long)Number(QueriesSent(), output), (long)Number(QueriesLost(), output), completed - good);
    }

    /// <summary>In milliseconds, at a given rate.</summary>
    public double P99(int port, string queries, double rate)
    {
        var output = Inside("dnsperf", "-s", "127.0.0.1", "-p", Text(port), "-d", queries, "-c", "4", "-l", "3", "-Q", Text((int)rate), "-v");
        var latencies = output.Split('\n').Where(l => l.StartsWith("> ", StringComparison.Ordinal))
            .Select(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).Order().ToArray();
        return latencies.Length == 0 ? throw new IOException($"nothing answered at port {port}") : latencies[(int)(latencies.Length * 0.99)] * 1000;
    }

    public void Dispose()
    {
        foreach (var server in servers)
        {
            server.Kill();
            server.WaitForExit();
            server.Dispose();
        }

        Run("ip", "netns", "del", name);
        Directory.Delete(folder, recursive: true);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Number(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } match ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    private Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("nsenter", [$"--net=/run/netns/{name}", program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        servers.Add(process);
        return process;
    }

    private string Inside(string program, params string[] arguments) => Run("nsenter", [$"--net=/run/netns/{name}", program, .. arguments]);

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new IOException($"{program} {string.Join(' ', arguments)}: {error.Result}");
    }

    [GeneratedRegex(@"Queries per second:\s+([\d.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"Queries sent:\s+(\d+)")]
    private static partial Regex QueriesSent();

    [GeneratedRegex(@"Queries completed:\s+(\d+)")]
    private static partial Regex QueriesCompleted();

    [GeneratedRegex(@"Queries lost:\s+(\d+)")]
    private static partial Regex QueriesLost();

    [GeneratedRegex(@"NOERROR (\d+)")]
    private static partial Regex NoErrors();
}
