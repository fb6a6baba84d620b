using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using SoftUnicast.Naming;

namespace SoftUnicast.Bench;

/// <summary>What dnsperf said of one run.</summary>
internal sealed record DnsperfRun(double QueriesPerSecond, long Completed, long Lost, long NotNoError);

/// <summary>A network namespace and a folder for DNS servers; both go with this object, and what runs in them.</summary>
internal sealed partial class NamingPlace : IDisposable
{
    private readonly string folder;

    /// <param name="name">Of the folder.</param>
    public NamingPlace(string name) => folder = Scratch.FilesFolder(name);

    public NetworkPlace Network { get; } = new();

    /// <exception cref="IOException">One is missing.</exception>
    public static void RequirePrograms()
    {
        foreach (var program in new[] { "/usr/bin/dnsdist", "/usr/sbin/pdns_server", "/usr/bin/dnsperf" })
        {
            if (!File.Exists(program))
            {
                throw new IOException($"{program} is not there: lab/prepare installs it");
            }
        }
    }

    public string PathOf(string file) => Path.Combine(folder, file);

    public string Write(string file, string content)
    {
        File.WriteAllText(PathOf(file), content);
        return PathOf(file);
    }

    /// <summary>A PowerDNS for example.com out of <c>NAME.zone</c>.</summary>
    public PlacedProgram StartPdns(string zone, int port, string settings)
    {
        var config = PathOf(zone);
        Directory.CreateDirectory(config);
        var named = Write(zone + ".named", $"zone \"example.com\" {{ type master; file \"{PathOf(zone + ".zone")}\"; }};\n");
        File.WriteAllText(
            Path.Combine(config, "pdns.conf"),
            string.Create(CultureInfo.InvariantCulture, $"local-address=127.0.0.1\nlocal-port={port}\nsocket-dir={config}\nsecurity-poll-suffix=\nloglevel=3\nbind-config={named}\n{settings}"));
        return Network.Start("pdns_server", $"--config-dir={config}");
    }

    /// <param name="address">Where it listens.</param>
    public PlacedProgram StartDnsdist(NamingTable table, int port, int behind, string file = "dnsdist", string address = "127.0.0.1")
    {
        WritePolicies(table, file);
        return Network.Start("dnsdist", "--supervised", "--disable-syslog", "-C", Write(file + ".conf", string.Create(
            CultureInfo.InvariantCulture,
            $"setLocal(\"{address}:{port}\")\nsetSecurityPollSuffix(\"\")\nnewServer(\"127.0.0.1:{behind}\")\n{DnsdistConfig.Generate(FilesOf(file))}")));
    }

    /// <summary>What a dnsdist answers its next query by.</summary>
    public void WritePolicies(NamingTable table, string file = "dnsdist")
    {
        Directory.CreateDirectory(PathOf(file));
        new DnsdistStateWriter(FilesOf(file)).Write(table);
    }

    /// <exception cref="IOException">It does not come.</exception>
    public void AwaitAnswer(int port, string name = "n1.example.com")
    {
        var query = Write("ready", $"{name} A\n");
        for (var start = Stopwatch.StartNew(); start.Elapsed < TimeSpan.FromSeconds(30);)
        {
            var output = Network.Run("dnsperf", "-s", "127.0.0.1", "-p", Text(port), "-d", query, "-n", "1", "-t", "0.2");
            if (Number(QueriesLost(), output) == 0 && output.Contains("NOERROR 1 ", StringComparison.Ordinal))
            {
                return;
            }
        }

        throw new IOException($"the server at port {port} does not answer");
    }

    public DnsperfRun Dnsperf(int port, string queries, int seconds)
    {
        var output = Network.Run("dnsperf", "-s", "127.0.0.1", "-p", Text(port), "-d", queries, "-c", "4", "-l", Text(seconds));
        var completed = (long)Number(QueriesCompleted(), output);
        var good = (long)Number(NoErrors(), output);
        return new DnsperfRun(Number(PerSecond(), output), completed, (long)Number(QueriesLost(), output), completed - good);
    }

    /// <summary>In milliseconds, at a given rate.</summary>
    public double P99(int port, string queries, double rate, int seconds)
    {
        var output = Network.Run("dnsperf", "-s", "127.0.0.1", "-p", Text(port), "-d", queries, "-c", "4", "-l", Text(seconds), "-Q", Text((int)rate), "-v");
        var latencies = output.Split('\n').Where(l => l.StartsWith("> ", StringComparison.Ordinal))
            .Select(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).Order().ToArray();
        return latencies.Length == 0 ? throw new IOException($"nothing answered at port {port}") : latencies[(int)(latencies.Length * 0.99)] * 1000;
    }

    public void Dispose()
    {
        Network.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private DnsdistFiles FilesOf(string file) => DnsdistFiles.In(PathOf(file));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Number(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } match ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"Queries per second:\s+([\d.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"Queries completed:\s+(\d+)")]
    private static partial Regex QueriesCompleted();

    [GeneratedRegex(@"Queries lost:\s+(\d+)")]
    private static partial Regex QueriesLost();

    [GeneratedRegex(@"NOERROR (\d+)")]
    private static partial Regex NoErrors();
}
