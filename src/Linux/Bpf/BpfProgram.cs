using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>One test run: what the program returned (<c>enum xdp_action</c> for XDP) and how long it took.</summary>
/// <param name="OutputBytes">How long the packet is after the last repetition.</param>
/// <param name="ThreadNanoseconds">
/// CPU time that the thread spent on all repetitions and on the call itself. Time in which others had the CPU is not in it.
/// </param>
public readonly record struct TestRun(uint ReturnValue, int OutputBytes, long ThreadNanoseconds);

/// <summary>A loaded BPF program.</summary>
public sealed unsafe class BpfProgram : IDisposable
{
    internal BpfProgram(string name, FileDescriptor fd)
    {
        Name = name;
        Fd = fd;
        var info = ReadInfo();
        Id = info.Id;
        VerifiedInstructions = (int)info.VerifiedInstructions;
    }

    public string Name { get; }

    /// <summary>The kernel's number of it, as <c>bpftool prog show</c> lists it.</summary>
    public uint Id { get; }

    /// <summary>How many instructions the verifier walked; 0 before Linux 5.16.</summary>
    public int VerifiedInstructions { get; }

    internal FileDescriptor Fd { get; }

    public void Dispose() => Fd.Dispose();

    /// <summary>
    /// Runs an XDP program on a packet, which it may change (BPF_PROG_TEST_RUN). Between repetitions the packet is not put
    /// back. A packet has 14 bytes or more.
    /// </summary>
    /// <param name="output">Takes the packet as it is afterwards; too short takes its first bytes.</param>
    /// <param name="ingressInterface">An ifindex in this network namespace; 0: the loopback interface.</param>
    public TestRun Run(ReadOnlySpan<byte> packet, Span<byte> output, int ingressInterface = 0, int repeat = 1)
    {
        var context = new Libbpf.XdpContext { DataEnd = (uint)packet.Length, IngressIfindex = (uint)ingressInterface };
        fixed (byte* input = packet)
        fixed (byte* result = output)
        {
            var options = new Libbpf.TestRunOptions
            {
                Size = (nuint)sizeof(Libbpf.TestRunOptions),
                DataIn = input,
                DataSizeIn = (uint)packet.Length,
                DataOut = result,
                DataSizeOut = (uint)output.Length,
                Repeat = repeat,
            };
            if (ingressInterface != 0)
            {
                options.ContextIn = &context;
                options.ContextSizeIn = (uint)sizeof(Libbpf.XdpContext);
            }

            var start = BpfLibc.ThreadNanoseconds();
            var code = Libbpf.TestRun(Fd, &options);
            var elapsed = BpfLibc.ThreadNanoseconds() - start;
            if (code < 0 && !(code == -BpfLibc.ENOSPC && output.Length < options.DataSizeOut))
            {
                throw BpfException.From("bpf(BPF_PROG_TEST_RUN)", Name, code);
            }

            return new TestRun(options.ReturnValue, (int)options.DataSizeOut, elapsed);
        }
    }

    internal void Pin(string path)
    {
        var code = Libbpf.Pin(Fd, path);
        if (code < 0)
        {
            throw BpfException.From("bpf(BPF_OBJ_PIN)", path, code);
        }
    }

    /// <summary>The name of a loaded program; null if it is gone or this process may not look.</summary>
    internal static string? NameOf(uint programId)
    {
        var result = Libbpf.ProgramById(programId);
        if (result < 0)
        {
            return null;
        }

        using var fd = new FileDescriptor(result);
        Libbpf.ProgramInfo info = default;
        var length = (uint)sizeof(Libbpf.ProgramInfo);
        return Libbpf.GetInfo(fd, &info, &length) < 0 ? null : Marshal.PtrToStringUTF8((nint)info.Name);
    }

    private Libbpf.ProgramInfo ReadInfo()
    {
        Libbpf.ProgramInfo info = default;
        var length = (uint)sizeof(Libbpf.ProgramInfo);
        var code = Libbpf.GetInfo(Fd, &info, &length);
        return code >= 0 ? info : throw BpfException.From("bpf(BPF_OBJ_GET_INFO_BY_FD)", Name, code);
    }
}
