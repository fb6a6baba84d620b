using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;
using SoftUnicast.Steering;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Packet.Tests;

/// <summary>What the program did with one packet.</summary>
internal readonly record struct Outcome(uint Action, byte[] Output, Reason? Reason, ulong Bytes);

/// <summary>The real program, loaded and not pinned, with maps of its own, and packets put through it.</summary>
internal sealed class ProgramUnderTest : ISteeringMaps, IDisposable
{
    private const int RoomForHeaders = 128;
    private readonly BpfObject file;
    private readonly BpfProgram program;
    private readonly Dictionary<string, BpfMap> maps = [];
    private readonly Dictionary<string, MapMemory> memories = [];
    private readonly SuCounter[] before = new SuCounter[AbiLimits.Reasons];
    private readonly SuCounter[] after = new SuCounter[AbiLimits.Reasons];
    private readonly SuCounter[] perCpu = new SuCounter[AbiLimits.Reasons * BpfMap.PossibleCpus];

    private ProgramUnderTest(BpfObject file)
    {
        this.file = file;
        file.Load("5.18");
        program = file.Program("su_steer");
        foreach (var name in new[] { "su_l1", "su_l2", "su_rows", "su_endpoints", "su_interfaces", "su_settings", "su_counters", "su_endpoint_counters" })
        {
            maps.Add(name, file.Map(name));
        }

        foreach (var name in new[] { "su_l1", "su_l2", "su_rows", "su_endpoints", "su_interfaces", "su_settings" })
        {
            memories.Add(name, maps[name].Memory());
        }

        ReadCounters(before);
    }

    public Span<ushort> L1 => memories["su_l1"].Span<ushort>()[..AbiLimits.L1Entries];

    public Span<SuPrefix> L2 => memories["su_l2"].Span<SuPrefix>()[..AbiLimits.L2Entries];

    public Span<ushort> Rows => memories["su_rows"].Span<ushort>()[..AbiLimits.RowSlots];

    public Span<SuEndpoint> Endpoints => memories["su_endpoints"].Span<SuEndpoint>()[..AbiLimits.Endpoints];

    public Span<SuInterface> Interfaces => memories["su_interfaces"].Span<SuInterface>()[..AbiLimits.Interfaces];

    public ref SuSettings Settings => ref memories["su_settings"].First<SuSettings>();

    public int VerifiedInstructions => program.VerifiedInstructions;

    /// <summary>The program, or a skip that says why this machine cannot run it.</summary>
    public static ProgramUnderTest LoadOrSkip()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            Assert.Skip("BPF programs are loaded by root");
        }

        using var stream = typeof(BpfObject).Assembly.GetManifestResourceStream("steer.bpf.o")!;
        var elf = new byte[stream.Length];
        stream.ReadExactly(elf);
        var file = BpfObject.Open("supacket", elf);
        try
        {
            return new ProgramUnderTest(file);
        }
        catch (BpfException refused) when (refused.Errno is 1 or 13)
        {
            file.Dispose();
            Assert.Skip($"this machine loads no BPF programs: {refused.Message}");
            throw;
        }
    }

    /// <summary>Puts a frame through, as arrived on the loopback interface.</summary>
    /// <param name="repeat">How often; between the runs the packet is not put back.</param>
    public Outcome Run(ReadOnlySpan<byte> frame, int repeat = 1)
    {
        var output = new byte[frame.Length + RoomForHeaders];
        var run = program.Run(frame, output, repeat: repeat);
        ReadCounters(after);
        Reason? reason = null;
        ulong bytes = 0;
        for (var i = 0; i < after.Length; i++)
        {
            if (after[i].Packets != before[i].Packets)
            {
                Assert.True(reason is null || repeat > 1, $"counted as {reason} and as {(Reason)i}");
                reason = (Reason)i;
                bytes = after[i].Bytes - before[i].Bytes;
            }
        }

        after.CopyTo(before, 0);
        return new Outcome(run.ReturnValue, output[..Math.Min(run.OutputBytes, output.Length)], reason, bytes);
    }

    /// <summary>Only what comes out: for a thread that runs packets beside another.</summary>
    public (uint Action, int OutputBytes) RunOnly(ReadOnlySpan<byte> frame, Span<byte> output)
    {
        var run = program.Run(frame, output);
        return (run.ReturnValue, run.OutputBytes);
    }

    public ulong PacketsCounted(Reason reason)
    {
        ReadCounters(after);
        return after[(int)reason].Packets;
    }

    public SuCounter EndpointCounter(int index)
    {
        var counter = new SuCounter[1];
        ReadEndpointCounters(index, counter);
        return counter[0];
    }

    public void ReadCounters(Span<SuCounter> byReason) => ReadPerCpu("su_counters", 0, byReason, perCpu);

    public void ReadEndpointCounters(int firstIndex, Span<SuCounter> counters) =>
        ReadPerCpu("su_endpoint_counters", firstIndex, counters, new SuCounter[counters.Length * BpfMap.PossibleCpus]);

    public void ClearEndpointCounter(int index) =>
        maps["su_endpoint_counters"].WritePerCpu<SuCounter>((uint)index, new SuCounter[BpfMap.PossibleCpus]);

    public void WaitForReaders() => GracePeriod.Wait();

    public void Dispose()
    {
        foreach (var memory in memories.Values)
        {
            memory.Dispose();
        }

        foreach (var map in maps.Values)
        {
            map.Dispose();
        }

        program.Dispose();
        file.Dispose();
    }

    private void ReadPerCpu(string map, int firstIndex, Span<SuCounter> sums, SuCounter[] scratch)
    {
        maps[map].ReadPerCpu<SuCounter>((uint)firstIndex, scratch);
        for (var i = 0; i < sums.Length; i++)
        {
            sums[i] = default;
            foreach (var part in scratch.AsSpan(i * BpfMap.PossibleCpus, BpfMap.PossibleCpus))
            {
                sums[i].Packets += part.Packets;
                sums[i].Bytes += part.Bytes;
            }
        }
    }
}
