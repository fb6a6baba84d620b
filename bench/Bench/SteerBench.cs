using System.Runtime.InteropServices;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;
using SoftUnicast.Tunnels;
using AcceptedEncapsulations = SoftUnicast.Steering.Abi.AcceptedEncapsulations;

namespace SoftUnicast.Bench;

/// <summary>
/// What one packet costs in the steering program. All programs take turns within one run, so that what disturbs the machine
/// disturbs them alike; the 10th percentile of the rounds counts; what the no-op costs is taken off. Every round the
/// program's verdict and output are held to the oracle's.
/// </summary>
internal static class SteerBench
{
    private const int Rounds = 155;
    private const int Repetitions = 100_000;
    private const int Loopback = 1; // where test runs arrive
    private const uint XdpDrop = 1;
    private const uint XdpPass = 2;
    private const uint XdpTx = 3;

    private static readonly IpAddress Here = IpAddress.Parse("10.1.1.1");
    private static readonly IpAddress Datacenter = IpAddress.Parse("10.255.1.0");
    private static readonly IpAddress FarServer = IpAddress.Parse("10.2.1.1");
    private static readonly IpAddress NearServer = IpAddress.Parse("10.1.1.2");
    private static readonly IpAddress Shared = IpAddress.Parse("192.0.2.1");

    /// <summary>One measured program with its packet and what must come of it.</summary>
    private sealed record Subject(string Name, BpfProgram Program, byte[] Frame, uint Action, byte[] Output)
    {
        public List<double> Nanoseconds { get; } = [];
    }

    public static SteerReport Run()
    {
        using var steering = SteeringProgram.Load();
        using var bench = LoadBench();
        using var wrapper = bench.Program("su_bench_wrap");
        using var nothing = bench.Program("su_bench_nothing");
        using var floor = bench.Program("su_bench_floor");
        using var frames = bench.Map("su_bench_frames");
        using var called = bench.Map("su_bench_program");

        var far = Endpoint(FarServer, Rank.Backbone);
        var near = Endpoint(NearServer, Rank.Datacenter);
        var table = Table(far, near);
        var report = new SteeringWriter(steering.Maps).Apply(table);
        if (report.Refusal is { } refusal)
        {
            throw new IOException($"the table does not fit: {refusal}");
        }

        var plain = Frames.Tcp(Shared, 3 * 2048);
        byte[] header = [.. far.L2, .. far.Outer];
        Subject[] subjects =
        [
            new("nothing", nothing, plain, XdpPass, plain),
            new("floor", floor, plain, XdpTx, [.. header, .. plain.AsSpan(14)]),
            Judged("steer", steering.Program, table, plain),
            Judged("decap", steering.Program, table, Frames.Tunnelled(FarServer, Here, Shared, 2048)),
            Judged("transit", steering.Program, table, Frames.Tunnelled(FarServer, Datacenter, Shared, 2 * 2048)),
            Judged("pass", steering.Program, table, Frames.Tcp(IpAddress.Parse("203.0.113.5"), 443)),
        ];
        for (var round = -1; round < Rounds; round++) // the first one warms up
        {
            for (var i = 0; i < subjects.Length; i++)
            {
                var subject = subjects[(i + Math.Max(round, 0)) % subjects.Length];
                var nanoseconds = Measure(subject, wrapper, frames, called, header);
                if (round >= 0)
                {
                    subject.Nanoseconds.Add(nanoseconds);
                }
            }
        }

        var noop = TenthPercentile(subjects[0].Nanoseconds);
        double Net(string name) => TenthPercentile(subjects.First(s => s.Name == name).Nanoseconds) - noop;
        var (rewriteMilliseconds, moveMicroseconds) = TableBench.Run(steering.Maps);
        return new SteerReport(
            noop, Net("floor"), Net("steer"), Net("decap"), Net("transit"), Net("pass"),
            steering.Program.VerifiedInstructions, rewriteMilliseconds, moveMicroseconds);
    }

    public static SteeringEndpoint Endpoint(IpAddress address, Rank rank)
    {
        var gue = new Encapsulation(EncapsulationKind.Gue);
        var nextHop = new NextHop(Loopback, Frames.Own, Frames.Neighbour, null, 1600);
        return new SteeringEndpoint(address, gue, rank, LinkHeader.Build(nextHop), OuterHeader.Build(Here, address, gue), 1600, Loopback);
    }

    private static SteeringTable Table(SteeringEndpoint far, SteeringEndpoint near) => new SteeringTableBuilder()
        .AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(2048), EgressPolicies.None)
        .SetOwner(Shared, 1, SliceOwner.Here)
        .SetOwner(Shared, 2, SliceOwner.At(near))
        .SetOwner(Shared, 3, SliceOwner.At(far))
        .AddPeer(FarServer, Rank.Backbone)
        .AddPeer(NearServer, Rank.Datacenter)
        .AddLocal(new SteeringLocal(Here, AcceptedEncapsulations.Gue))
        .AddLocal(new SteeringLocal(Datacenter, AcceptedEncapsulations.Gue))
        .AddInterface(new SteeringInterface(Loopback, Frames.Own, InterfaceRoles.Internet | InterfaceRoles.Backbone))
        .Build();

    private static Subject Judged(string name, BpfProgram program, SteeringTable table, byte[] frame)
    {
        var decision = table.Decide(frame, Loopback);
        var action = decision.Verdict switch
        {
            Verdict.Pass or Verdict.Decapsulate => XdpPass,
            Verdict.Drop => XdpDrop,
            _ => XdpTx,
        };
        return new Subject(name, program, frame, action, decision.Output.ToArray());
    }

    private static double Measure(Subject subject, BpfProgram wrapper, BpfMap frames, BpfMap called, byte[] header)
    {
        var setting = new BenchFrame { FrameBytes = (uint)subject.Frame.Length };
        subject.Frame.AsSpan(6, 8).CopyTo(setting.Head);
        subject.Frame.AsSpan(0, 8).CopyTo(((Span<byte>)setting.Head)[8..]);
        subject.Frame.AsSpan(14, 48).CopyTo(((Span<byte>)setting.Head)[16..]);
        header.CopyTo(setting.Header);
        frames.Write(0, in setting);
        called.Write(0, subject.Program);

        Span<byte> output = stackalloc byte[256];
        var run = wrapper.Run(subject.Frame, output, repeat: Repetitions);
        if (run.ReturnValue != subject.Action || !output[..run.OutputBytes].SequenceEqual(subject.Output))
        {
            throw new IOException(
                $"{subject.Name}: action {run.ReturnValue} and {Convert.ToHexString(output[..run.OutputBytes])}, " +
                $"but the oracle says {subject.Action} and {Convert.ToHexString(subject.Output)}");
        }

        return (double)run.ThreadNanoseconds / Repetitions;
    }

    private static double TenthPercentile(List<double> values) => values.Order().ElementAt(values.Count / 10);

    private static BpfObject LoadBench()
    {
        using var stream = typeof(SteerBench).Assembly.GetManifestResourceStream("bench.bpf.o")
            ?? throw new InvalidOperationException("the assembly has no resource bench.bpf.o");
        var elf = new byte[stream.Length];
        stream.ReadExactly(elf);
        var bench = BpfObject.Open("bench", elf);
        bench.Load(SteeringProgram.KernelNeeded);
        return bench;
    }

    /// <summary><c>struct su_bench_frame</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct BenchFrame
    {
        public uint FrameBytes;
        public uint Pad;
        public HeadBytes Head;
        public HeaderBytes Header;
    }

    [System.Runtime.CompilerServices.InlineArray(64)]
    private struct HeadBytes
    {
        private byte first;
    }

    [System.Runtime.CompilerServices.InlineArray(48)]
    private struct HeaderBytes
    {
        private byte first;
    }
}
