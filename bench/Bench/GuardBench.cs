using SoftUnicast.Linux.Bpf;
using SoftUnicast.Model;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Bench;

/// <summary>What the guard costs.</summary>
/// <param name="GuardNs">A packet from an owned port, net of a tc program that does nothing.</param>
/// <param name="Way">How the guard sat on the interface: as the daemon puts it there on this kernel.</param>
/// <param name="GuardUdpRatio">Rate of 64-byte UDP with the guard, by the rate without.</param>
/// <param name="NftUdpRatio">The same with the same rule in nftables.</param>
/// <param name="ControlRatio">The same with nothing: how far the other two can be believed.</param>
internal sealed record GuardFigures(double GuardNs, GuardWay Way, double GuardUdpRatio, double NftUdpRatio, double ControlRatio);

/// <summary>
/// What a packet costs in the guard, and how much of the rate of small datagrams is left with it and with the same rule in
/// nftables. Programs and arms take turns within one run.
/// </summary>
internal static class GuardBench
{
    private const int Rounds = 31;
    private const int Repetitions = 100_000;
    private const int Addresses = 32;
    private const int SliceIndex = 1;
    private const ushort Port = 2100;
    private const uint Unspecified = uint.MaxValue; // TC_ACT_UNSPEC

    /// <summary>The address that is sent from; this server owns one slice of it and of 31 others.</summary>
    public static IpAddress Source { get; } = IpAddress.Parse("192.0.2.7");

    public static GuardFigures Run()
    {
        var nanoseconds = RunNanoseconds();
        using var wire = new GuardWire(Source, Port, Owned().Select(address => $"{address} . 2048-4095"));
        var (way, guard, nft, control) = wire.Run();
        return new GuardFigures(nanoseconds, way, guard, nft, control);
    }

    public static SteeringTable Table()
    {
        var builder = new SteeringTableBuilder().AddPrefix(IpPrefix.Parse("192.0.2.0/24"), SliceSize.Create(2048), EgressPolicies.None);
        foreach (var address in Owned())
        {
            builder.SetOwner(address, SliceIndex, SliceOwner.Here);
        }

        return builder.Build();
    }

    private static IEnumerable<IpAddress> Owned() => Enumerable.Range(0, Addresses).Select(i => IpAddress.Parse($"192.0.2.{i}"));

    private static double RunNanoseconds()
    {
        using var steering = SteeringProgram.Load();
        using var guard = GuardProgram.Load(steering);
        using var bench = BpfObject.Open("guard_bench", Elf());
        bench.Load(GuardProgram.KernelNeeded);
        using var nothing = bench.Program("su_bench_tc_nothing");
        if (new SteeringWriter(steering.Maps).Apply(Table()).Refusal is { } refusal)
        {
            throw new IOException($"the table does not fit: {refusal}");
        }

        var frame = Frames.Udp(Source, Port);
        var noop = new List<double>();
        var owned = new List<double>();
        for (var round = -1; round < Rounds; round++) // the first one warms up
        {
            var (first, second) = round % 2 == 0 ? (nothing, guard.Program) : (guard.Program, nothing);
            var (firstNs, secondNs) = (Measure(first, frame), Measure(second, frame));
            if (round >= 0)
            {
                noop.Add(round % 2 == 0 ? firstNs : secondNs);
                owned.Add(round % 2 == 0 ? secondNs : firstNs);
            }
        }

        if (guard.Maps.Count(Egress.Abi.GuardReason.Owned) != (ulong)(Rounds + 1) * Repetitions)
        {
            throw new IOException("the guard did not let every packet go as owned");
        }

        return TenthPercentile(owned) - TenthPercentile(noop);
    }

    private static double Measure(BpfProgram program, byte[] frame)
    {
        Span<byte> output = stackalloc byte[128];
        var run = program.Run(frame, output, repeat: Repetitions);
        return run.ReturnValue == Unspecified
            ? (double)run.ThreadNanoseconds / Repetitions
            : throw new IOException($"{program.Name} returned {run.ReturnValue}");
    }

    private static double TenthPercentile(List<double> values) => values.Order().ElementAt(values.Count / 10);

    private static byte[] Elf()
    {
        using var stream = typeof(GuardBench).Assembly.GetManifestResourceStream("guard_bench.bpf.o")
            ?? throw new InvalidOperationException("the assembly has no resource guard_bench.bpf.o");
        var elf = new byte[stream.Length];
        stream.ReadExactly(elf);
        return elf;
    }
}
