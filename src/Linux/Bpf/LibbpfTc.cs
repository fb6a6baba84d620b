using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>Filters of tc, and ring buffers.</summary>
internal static unsafe partial class Libbpf
{
    public const int TcIngress = 1; // BPF_TC_INGRESS
    public const int TcEgress = 2; // BPF_TC_EGRESS
    public const uint TcReplace = 1; // BPF_TC_F_REPLACE

    /// <summary><c>struct bpf_tc_hook</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TcHook
    {
        public nuint Size;
        public int Ifindex;
        public int AttachPoint;
        public uint Parent;
    }

    /// <summary><c>struct bpf_tc_opts</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TcOptions
    {
        public nuint Size;
        public int ProgramFd;
        public uint Flags;
        public uint ProgramId;
        public uint Handle;
        public uint Priority;
    }

    [LibraryImport(Library, EntryPoint = "bpf_tc_hook_create")]
    public static partial int CreateTcHook(TcHook* hook);

    [LibraryImport(Library, EntryPoint = "bpf_tc_hook_destroy")]
    public static partial int DestroyTcHook(TcHook* hook);

    [LibraryImport(Library, EntryPoint = "bpf_tc_attach")]
    public static partial int AttachTc(TcHook* hook, TcOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_tc_detach")]
    public static partial int DetachTc(TcHook* hook, TcOptions* options);

    [LibraryImport(Library, EntryPoint = "ring_buffer__new", SetLastError = true)]
    public static partial nint NewRing(FileDescriptor map, delegate* unmanaged[Cdecl]<nint, byte*, nuint, int> sample, nint context, void* options);

    [LibraryImport(Library, EntryPoint = "ring_buffer__free")]
    public static partial void FreeRing(nint ring);

    [LibraryImport(Library, EntryPoint = "ring_buffer__consume")]
    public static partial int ConsumeRing(nint ring);

    [LibraryImport(Library, EntryPoint = "ring_buffer__poll")]
    public static partial int PollRing(nint ring, int timeoutMilliseconds);
}
