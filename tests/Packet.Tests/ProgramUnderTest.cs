using SoftUnicast.Linux.Bpf;
using SoftUnicast.Steering.Abi;

namespace SoftUnicast.Packet.Tests;

/// <summary>What the program did with one packet.</summary>
internal readonly record struct Outcome(uint Action, byte[] Output, Reason? Reason, ulong Bytes);

/// <summary>The real program, loaded and not pinned, with maps of its own, and packets put through it.</summary>
internal sealed class ProgramUnderTest : IDisposable
{
    private const int RoomForHeaders = 128;
    private const int NotPermitted = 1;
    private const int AccessDenied = 13;
    private readonly LoadedSteering loaded;
    private readonly SuCounter[] before = new SuCounter[AbiLimits.Reasons];
    private readonly SuCounter[] after = new SuCounter[AbiLimits.Reasons];

    private ProgramUnderTest(LoadedSteering loaded)
    {
        this.loaded = loaded;
        Maps.ReadCounters(before);
    }

    public SteeringMaps Maps => loaded.Maps;

    /// <summary>The program, or a skip that says why this machine cannot run it.</summary>
    public static ProgramUnderTest LoadOrSkip()
    {
        try
        {
            return new ProgramUnderTest(SteeringProgram.Load());
        }
        catch (BpfException refused) when (refused.Errno is NotPermitted or AccessDenied)
        {
            Assert.Skip($"BPF programs are not loaded here, be root: {refused.Message}");
            throw;
        }
    }

    /// <summary>Puts a frame through, as arrived on the loopback interface.</summary>
    /// <param name="repeat">How often; between the runs the packet is not put back.</param>
    public Outcome Run(ReadOnlySpan<byte> frame, int repeat = 1)
    {
        var output = new byte[frame.Length + RoomForHeaders];
        var run = loaded.Program.Run(frame, output, repeat: repeat);
        Maps.ReadCounters(after);
        Reason? reason = null;
        ulong bytes = 0;
        for (var i = 0; i < after.Length; i++)
        {
            var packets = after[i].Packets - before[i].Packets;
            if (packets != 0)
            {
                Assert.True(repeat > 1 || (packets == 1 && reason is null), $"counted {packets} times as {(Reason)i}, and as {reason}");
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
        var run = loaded.Program.Run(frame, output);
        return (run.ReturnValue, run.OutputBytes);
    }

    public ulong PacketsCounted(Reason reason)
    {
        Maps.ReadCounters(after);
        return after[(int)reason].Packets;
    }

    public SuCounter EndpointCounter(int index)
    {
        var counter = new SuCounter[1];
        Maps.ReadEndpointCounters(index, counter);
        return counter[0];
    }

    public void Dispose() => loaded.Dispose();
}
