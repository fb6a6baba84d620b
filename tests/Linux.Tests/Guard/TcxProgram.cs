using System.Runtime.InteropServices;
using SoftUnicast.Linux.Bpf;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Tests.Guard;

/// <summary>tc programs of somebody else, which say the same to every packet.</summary>
internal static unsafe partial class TcxProgram
{
    public const int Pass = 0; // TCX_PASS: nobody else is asked
    public const int Drop = 2; // TCX_DROP
    private const int SchedCls = 3; // BPF_PROG_TYPE_SCHED_CLS

    public static BpfProgram Returning(int answer)
    {
        var instructions = stackalloc ulong[] { 0xb7 | ((ulong)(uint)answer << 32), 0x95 }; // r0 = answer; exit
        var fd = Load(SchedCls, "other", "GPL", instructions, 2, null);
        return fd >= 0 ? new BpfProgram("other", new FileDescriptor(fd)) : throw new BpfException("bpf(BPF_PROG_LOAD)", "other", -fd);
    }

    [LibraryImport("libbpf.so.1", EntryPoint = "bpf_prog_load", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Load(int type, string name, string license, ulong* instructions, nuint count, void* options);
}
