using System.Diagnostics;
using SoftUnicast.Egress;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Bench;

/// <summary>
/// What it costs to have the port chosen by the cgroup program, beside a program that knows its slice and lets the kernel
/// choose in it (IP_LOCAL_PORT_RANGE, IP_BIND_ADDRESS_NO_PORT). Client and server are one thread on one CPU, which connects,
/// accepts and closes; both ways, and the second once more as a control, take turns within each round.
/// </summary>
internal static class EgressBench
{
    private const int RateRounds = 61;
    private const int TimeRounds = 25;
    private const int Connections = 400; // a way and round
    private const ushort Port = 80;
    private static readonly int[] FillPercents = [0, 10, 50, 90, 99];
    private static readonly uint Destination = IpAddress.Parse("198.51.100.1").ToUInt32();
    private static readonly AddressPorts ExecSlice = AddressPorts.Parse("192.0.2.1:32768-34815"); // within ip_local_port_range

    // Other ports: those that a socket with SO_REUSEADDR is bound to, on whatever address, the kernel does not choose here.
    private static readonly AddressPorts RangeSlice = AddressPorts.Parse("192.0.2.2:40960-43007");

    private enum Way
    {
        Exec,
        Range,
        Control,
    }

    public static EgressReport Run()
    {
        Dictionary<int, EgressLevel>? levels = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                levels = Measure();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start(); // its network and its CPU go with it
        thread.Join();
        return failure is null ? new EgressReport(levels!, GuardBench.Run(), WhoBench.Run()) : throw new IOException(failure.Message, failure);
    }

    private static Dictionary<int, EgressLevel> Measure()
    {
        Native.EnterNewNetwork();
        Ip("link set lo up");
        Ip("addr add 198.51.100.1/32 dev lo");
        Ip("route add local 192.0.2.0/24 dev lo");
        Native.StayOnOneCpu();

        var pins = $"/sys/fs/bpf/subench-{Environment.ProcessId}";
        var former = File.ReadLines("/proc/self/cgroup").First(line => line.StartsWith("0::", StringComparison.Ordinal))[3..];
        var cgroup = Cgroup.Root().Make($"subench-{Environment.ProcessId}");
        try
        {
            using var chooser = PinnedChooser.LoadOrAdopt(pins);
            cgroup.Enter();
            return new Session(chooser, cgroup).Run();
        }
        finally
        {
            Cgroup.Open(Cgroup.Root().Folder + former).Enter();
            PinnedChooser.Remove(pins);
            cgroup.TryRemove();
        }
    }

    private static void Ip(string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })
            ?? throw new IOException("ip cannot be started");
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new IOException($"ip {arguments}: {errors.Trim()}");
        }
    }

    private sealed class Session(PinnedChooser chooser, Cgroup cgroup)
    {
        private readonly int listener = Native.Listen(Destination, Port);
        private readonly List<int> held = [];
        private int filled;

        public Dictionary<int, EgressLevel> Run()
        {
            var levels = FillPercents.ToDictionary(percent => percent, Level);
            foreach (var fd in held)
            {
                _ = Native.Close(fd);
            }

            _ = Native.Close(listener);
            return levels;
        }

        private EgressLevel Level(int percent)
        {
            Fill(percent);
            var rounds = percent is 0 or 90 ? RateRounds : TimeRounds;
            var ways = Enum.GetValues<Way>();
            var rates = ways.ToDictionary(way => way, _ => new List<double>());
            var times = ways.ToDictionary(way => way, _ => new List<double>());
            var before = chooser.ReadCounters(cgroup.Id);
            for (var round = -1; round < rounds; round++) // the first one warms up
            {
                for (var i = 0; i < ways.Length; i++)
                {
                    var way = ways[(i + Math.Max(round, 0)) % ways.Length];
                    var microseconds = new List<double>(Connections);
                    var rate = Round(way, microseconds);
                    if (round >= 0)
                    {
                        rates[way].Add(rate);
                        times[way].AddRange(microseconds);
                    }
                }
            }

            return new EgressLevel(
                Rate(rates[Way.Exec]), Rate(rates[Way.Range]),
                Ratio(rates[Way.Exec], rates[Way.Range]), Ratio(rates[Way.Control], rates[Way.Range]),
                Percentile(times[Way.Exec], 50), Percentile(times[Way.Exec], 99),
                Percentile(times[Way.Range], 50), Percentile(times[Way.Range], 99));
        }

        /// <summary>Connections a second of this thread's time.</summary>
        private double Round(Way way, List<double> microseconds)
        {
            Follow(way);
            var start = Native.ThreadNanoseconds();
            for (var i = 0; i < Connections; i++)
            {
                var (client, server) = Open(way, microseconds);
                _ = Native.Close(client);
                _ = Native.Close(server);
            }

            return Connections * 1e9 / (Native.ThreadNanoseconds() - start);
        }

        // The cgroup program is attached either way, as it is for all programs of a server.
        private void Follow(Way way)
        {
            if (way == Way.Exec)
            {
                chooser.SetPolicy(cgroup.Id, new ChooserPolicy([ExecSlice]));
            }
            else
            {
                chooser.RemovePolicy(cgroup.Id);
            }
        }

        private (int Client, int Server) Open(Way way, List<double>? microseconds = null)
        {
            var client = Native.TcpSocket();
            if (way != Way.Exec)
            {
                Native.BindWithinRange(client, RangeSlice.Address.ToUInt32(), RangeSlice.Ports.First, RangeSlice.Ports.Last);
            }

            var start = Stopwatch.GetTimestamp();
            Native.Connect(client, Destination, Port);
            microseconds?.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            return (client, Native.Accept(listener));
        }

        private void Fill(int percent)
        {
            var wanted = ExecSlice.Ports.Count * percent / 100;
            foreach (var (way, slice) in new[] { (Way.Exec, ExecSlice), (Way.Range, RangeSlice) })
            {
                Follow(way);
                for (var i = filled; i < wanted; i++)
                {
                    var (client, server) = Open(way);
                    held.Add(client);
                    held.Add(server);
                    var name = Native.NameOf(client);
                    if (!slice.Contains(IpAddress.FromUInt32(name.Address), name.Port))
                    {
                        throw new IOException($"{way}: {IpAddress.FromUInt32(name.Address)}:{name.Port} is not in {slice}");
                    }
                }
            }

            filled = wanted;
        }

        private static double Rate(List<double> rates) => Percentile(rates, 50);

        private static double Ratio(List<double> some, List<double> others) =>
            Percentile([.. some.Zip(others, (one, other) => one / other)], 50);

        private static double Percentile(List<double> values, int percent) =>
            values.Order().ElementAt(Math.Min(values.Count - 1, values.Count * percent / 100));
    }
}
