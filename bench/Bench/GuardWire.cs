using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Model;
using SoftUnicast.Steering;

namespace SoftUnicast.Bench;

/// <summary>
/// 64-byte UDP from an egress address through a veth, on one core: with nothing, with the guard, with nftables, and with
/// nothing again. The other end drops the frames at once, for they are to another station. Arms take turns, in an order that
/// changes with every round; of all batches of an arm the 10th percentile counts, which leaves out what others did to the machine.
/// <code>
///   sender v0 ---- v1 sink
/// </code>
/// </summary>
internal sealed partial class GuardWire : IDisposable
{
    private const int Rounds = 21;
    private const int Batches = 64;
    private const int BatchSends = 500; // well below a time slice
    private const int PayloadBytes = 22; // 64 with UDP, IPv4 and Ethernet headers
    private const int CLONE_NEWNET = 0x40000000;
    private const string Destination = "10.9.0.2";

    private readonly string sender = $"subench-{Environment.ProcessId}-a";
    private readonly string sink = $"subench-{Environment.ProcessId}-b";
    private readonly string pins = $"/sys/fs/bpf/subench-{Environment.ProcessId}";
    private readonly IpAddress source;
    private readonly int port;
    private readonly string rules;
    private GuardWay way;

    /// <param name="owned">What may leave, as an nftables set of addresses and port ranges writes it.</param>
    public GuardWire(IpAddress source, int port, IEnumerable<string> owned)
    {
        this.source = source;
        this.port = port;
        rules =
            "table netdev subench {" +
            $" set owned {{ type ipv4_addr . inet_service; flags interval; elements = {{ {string.Join(", ", owned)} }}; }};" +
            " chain out { type filter hook egress device v0 priority 0;" +
            " ip saddr 192.0.2.0/24 meta l4proto { tcp, udp, udplite, sctp } ip saddr . th sport @owned counter accept;" +
            " ip saddr 192.0.2.0/24 counter drop; }; }";
    }

    private enum Arm
    {
        Nothing,
        Control,
        Guard,
        Nft,
    }

    /// <returns>How the guard was attached, and rates by that with nothing.</returns>
    public (GuardWay Way, double Guard, double Nft, double Control) Run()
    {
        (GuardWay, double, double, double) ratios = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                MakeLink();
                ratios = RunHere();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? ratios : throw new IOException(failure.Message, failure);
    }

    public void Dispose()
    {
        PinnedSteering.Remove(pins);
        foreach (var space in new[] { sender, sink }.Where(space => File.Exists($"/run/netns/{space}")))
        {
            Command("ip", "netns", "del", space);
        }
    }

    private void MakeLink()
    {
        Command("ip", "netns", "add", sender);
        Command("ip", "netns", "add", sink);
        Ip(sender, $"link add v0 type veth peer name v1 netns {sink}");
        Ip(sender, "link set lo up");
        Ip(sender, "addr add 10.9.0.1/24 dev v0");
        Ip(sender, "link set v0 up");
        Ip(sink, "link set v1 up");
        Ip(sender, "route add local 192.0.2.0/24 dev lo");
        Ip(sender, $"neigh replace {Destination} lladdr 02:00:00:00:00:99 dev v0 nud permanent");
    }

    // On this thread, which stays in the sender's namespace and on one core.
    private (GuardWay Way, double Guard, double Nft, double Control) RunHere()
    {
        using (var handle = File.OpenHandle($"/run/netns/{sender}"))
        {
            Check(SetNamespace(handle, CLONE_NEWNET), "setns");
        }

        ulong lastCore = 1ul << (Math.Min(Environment.ProcessorCount, 64) - 1);
        Check(SetAffinity(0, sizeof(ulong), ref lastCore), "sched_setaffinity");
        using var steering = PinnedSteering.LoadOrAdopt(pins);
        if (new SteeringWriter(steering).Apply(GuardBench.Table()).Refusal is { } refusal)
        {
            throw new IOException($"the table does not fit: {refusal}");
        }

        using var guard = PinnedGuard.LoadOrAdopt(pins);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(new IPAddress(source.ToBytes()), port));
        socket.Connect(IPAddress.Parse(Destination), 53);

        var arms = Enum.GetValues<Arm>();
        var batches = arms.ToDictionary(arm => arm, _ => new List<double>());
        for (var round = -1; round < Rounds; round++) // the first one warms up
        {
            for (var i = 0; i < arms.Length; i++)
            {
                var arm = arms[(i + Math.Max(round, 0)) % arms.Length];
                Put(arm, guard);
                for (var batch = 0; batch < Batches; batch++)
                {
                    var nanoseconds = SendBatch(socket);
                    if (round >= 0)
                    {
                        batches[arm].Add(nanoseconds);
                    }
                }

                Take(arm, guard);
            }
        }

        if (guard.Count(Egress.Abi.GuardReason.Owned) != (ulong)(Rounds + 1) * Batches * BatchSends)
        {
            throw new IOException("the guard did not see every datagram and let it go");
        }

        double Ratio(Arm arm) => TenthPercentile(batches[Arm.Nothing]) / TenthPercentile(batches[arm]);
        return (way, Ratio(Arm.Guard), Ratio(Arm.Nft), Ratio(Arm.Control));
    }

    private void Put(Arm arm, PinnedGuard guard)
    {
        switch (arm)
        {
            case Arm.Guard:
                way = guard.Attach("v0").Way;
                break;
            case Arm.Nft:
                Nft(rules);
                break;
        }
    }

    private void Take(Arm arm, PinnedGuard guard)
    {
        switch (arm)
        {
            case Arm.Guard:
                guard.Detach("v0");
                break;
            case Arm.Nft:
                var counted = Nft("list table netdev subench");
                if (!counted.Contains($"counter packets {Batches * BatchSends} ", StringComparison.Ordinal))
                {
                    throw new IOException($"nftables did not see every datagram and let it go: {counted}");
                }

                Nft("delete table netdev subench");
                break;
        }
    }

    private static unsafe double SendBatch(Socket socket)
    {
        var payload = stackalloc byte[PayloadBytes];
        var fd = (int)socket.Handle;
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < BatchSends; i++)
        {
            if (Send(fd, payload, PayloadBytes, 0) != PayloadBytes)
            {
                Check(-1, "send");
            }
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    }

    private static double TenthPercentile(List<double> values) => values.Order().ElementAt(values.Count / 10);

    private static void Ip(string space, string arguments) => Command("ip", ["-n", space, .. arguments.Split(' ')]);

    private string Nft(string command) => Command("nsenter", $"--net=/run/netns/{sender}", "nft", command);

    private static string Command(string program, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new IOException($"{program} {string.Join(' ', arguments)}: {errors.Result.Trim()}");
    }

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            throw new IOException($"{call}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle fd, int type);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint bytes, ref ulong cores);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static unsafe partial nint Send(int fd, byte* bytes, nint length, int flags);
}
