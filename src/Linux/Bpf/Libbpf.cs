using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>libbpf 1.1 as the packet path needs it. Failures are negative errnos, or null with errno set.</summary>
internal static unsafe partial class Libbpf
{
    public const int AttachTypeXdp = 37; // BPF_XDP
    public const int AttachTypeSocketLookup = 36; // BPF_SK_LOOKUP
    public const int AttachTypeTcxEgress = 47; // BPF_TCX_EGRESS, Linux 6.6
    public const uint AttachBefore = 1 << 3; // BPF_F_BEFORE
    public const uint FlagMmapable = 1 << 10; // BPF_F_MMAPABLE
    public const uint FlagReadOnly = 1 << 3; // BPF_F_RDONLY
    public const uint XdpFlagsGeneric = 1 << 1; // XDP_FLAGS_SKB_MODE
    public const uint XdpFlagsNative = 1 << 2; // XDP_FLAGS_DRV_MODE
    private const string Library = "libbpf.so.1";

    [StructLayout(LayoutKind.Sequential)]
    public struct ObjectOpenOptions
    {
        public nuint Size;
        public byte* ObjectName;
        public byte RelaxedMaps;
        public byte* PinRootPath;
        public uint Unused;
        public byte* Kconfig;
        public byte* BtfCustomPath;
        public byte* KernelLog;
        public nuint KernelLogSize;
        public uint KernelLogLevel;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TestRunOptions
    {
        public nuint Size;
        public byte* DataIn;
        public byte* DataOut;
        public uint DataSizeIn;
        public uint DataSizeOut;
        public void* ContextIn;
        public void* ContextOut;
        public uint ContextSizeIn;
        public uint ContextSizeOut;
        public uint ReturnValue;
        public int Repeat;
        public uint Duration;
        public uint Flags;
        public uint Cpu;
        public uint BatchSize;
    }

    /// <summary><c>struct xdp_md</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct XdpContext
    {
        public uint Data;
        public uint DataEnd;
        public uint DataMeta;
        public uint IngressIfindex;
        public uint RxQueueIndex;
        public uint EgressIfindex;
    }

    /// <summary><c>struct bpf_prog_info</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 232)]
    public struct ProgramInfo
    {
        public uint Type;
        public uint Id;
        public ulong Tag;
        public uint JitedLength;
        public uint XlatedLength;
        public ulong Jited;
        public ulong Xlated;
        public ulong LoadTime;
        public uint CreatedByUid;
        public uint MapIdCount;
        public ulong MapIds;
        public fixed byte Name[16];
        public uint Ifindex;
        public uint GplCompatible;
        public ulong NetnsDevice;
        public ulong NetnsInode;
        public uint KsymCount;
        public uint FunctionLengthCount;
        public ulong Ksyms;
        public ulong FunctionLengths;
        public uint BtfId;
        public uint FunctionInfoSize;
        public ulong FunctionInfo;
        public uint FunctionInfoCount;
        public uint LineInfoCount;
        public ulong LineInfo;
        public ulong JitedLineInfo;
        public uint JitedLineInfoCount;
        public uint LineInfoSize;
        public uint JitedLineInfoSize;
        public uint TagCount;
        public ulong Tags;
        public ulong RunTime;
        public ulong RunCount;
        public ulong RecursionMisses;
        public uint VerifiedInstructions; // Linux 5.16
        public uint AttachBtfObjectId;
        public uint AttachBtfId;
    }

    /// <summary><c>struct bpf_map_info</c>, as far as used.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 88)]
    public struct MapInfo
    {
        public uint Type;
        public uint Id;
        public uint KeySize;
        public uint ValueSize;
        public uint MaxEntries;
        public uint Flags;
        public fixed byte Name[16];
    }

    /// <summary><c>struct bpf_link_info</c>, of an XDP or tcx link; a network namespace's has its inode in Ifindex, a cgroup's its id in both words.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct LinkInfo
    {
        public uint Type;
        public uint Id;
        public uint ProgramId;
        public uint Pad;
        public uint Ifindex;
        public uint SecondWord;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LinkCreateOptions
    {
        public nuint Size;
        public uint Flags;
        public void* IteratorInfo;
        public uint IteratorInfoLength;
        public uint TargetBtfId;
        public fixed ulong Rest[5];
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct XdpQueryOptions
    {
        public nuint Size;
        public uint ProgramId;
        public uint NativeProgramId;
        public uint OffloadedProgramId;
        public uint GenericProgramId;
        public byte AttachMode;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ObjectGetOptions
    {
        public nuint Size;
        public uint FileFlags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct BatchOptions
    {
        public nuint Size;
        public ulong ElementFlags;
        public ulong Flags;
    }

    [LibraryImport(Library, EntryPoint = "libbpf_set_print")]
    public static partial nint SetPrint(delegate* unmanaged[Cdecl]<int, byte*, nint, int> print);

    [LibraryImport(Library, EntryPoint = "libbpf_num_possible_cpus")]
    public static partial int PossibleCpuCount();

    [LibraryImport(Library, EntryPoint = "bpf_object__open_mem", SetLastError = true)]
    public static partial nint OpenObject(byte* bytes, nuint length, ObjectOpenOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_object__load")]
    public static partial int LoadObject(BpfObject bpfObject);

    [LibraryImport(Library, EntryPoint = "bpf_object__close")]
    public static partial void CloseObject(nint bpfObject);

    [LibraryImport(Library, EntryPoint = "bpf_object__next_map")]
    public static partial nint NextMap(BpfObject bpfObject, nint map);

    [LibraryImport(Library, EntryPoint = "bpf_object__next_program")]
    public static partial nint NextProgram(BpfObject bpfObject, nint program);

    [LibraryImport(Library, EntryPoint = "bpf_map__name")]
    public static partial byte* MapName(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__type")]
    public static partial uint MapType(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__key_size")]
    public static partial uint MapKeySize(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__value_size")]
    public static partial uint MapValueSize(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__max_entries")]
    public static partial uint MapMaxEntries(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__map_flags")]
    public static partial uint MapFlags(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__fd")]
    public static partial int MapFd(nint map);

    [LibraryImport(Library, EntryPoint = "bpf_map__set_pin_path", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetMapPinPath(nint map, string path);

    [LibraryImport(Library, EntryPoint = "bpf_map__set_max_entries")]
    public static partial int SetMapMaxEntries(nint map, uint entries);

    [LibraryImport(Library, EntryPoint = "bpf_map__initial_value")]
    public static partial void* MapInitialValue(nint map, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "bpf_map__reuse_fd")]
    public static partial int ReuseMapFd(nint map, FileDescriptor fd);

    [LibraryImport(Library, EntryPoint = "bpf_program__name")]
    public static partial byte* ProgramName(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_program__fd")]
    public static partial int ProgramFd(nint program);

    [LibraryImport(Library, EntryPoint = "bpf_program__set_log_buf")]
    public static partial int SetProgramLog(nint program, byte* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "bpf_prog_test_run_opts")]
    public static partial int TestRun(FileDescriptor program, TestRunOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_obj_get_info_by_fd")]
    public static partial int GetInfo(FileDescriptor fd, void* info, uint* length);

    [LibraryImport(Library, EntryPoint = "bpf_obj_get_opts", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetPinned(string path, ObjectGetOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_obj_pin", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Pin(FileDescriptor fd, string path);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_elem")]
    public static partial int LookUp(FileDescriptor map, void* key, void* value);

    [LibraryImport(Library, EntryPoint = "bpf_map_update_elem")]
    public static partial int Update(FileDescriptor map, void* key, void* value, ulong flags);

    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_batch")]
    public static partial int LookUpBatch(FileDescriptor map, void* inBatch, void* outBatch, void* keys, void* values, uint* count, BatchOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_link_create")]
    public static partial int CreateLink(FileDescriptor program, int target, int attachType, LinkCreateOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_link_update")]
    public static partial int UpdateLink(FileDescriptor link, FileDescriptor program, void* options);

    [LibraryImport(Library, EntryPoint = "bpf_link_detach")]
    public static partial int DetachLink(FileDescriptor link);

    [LibraryImport(Library, EntryPoint = "bpf_xdp_query")]
    public static partial int QueryXdp(int ifindex, int flags, XdpQueryOptions* options);

    [LibraryImport(Library, EntryPoint = "bpf_prog_query")]
    public static partial int QueryPrograms(int target, int attachType, uint queryFlags, uint* attachFlags, uint* programIds, uint* count);

    [LibraryImport(Library, EntryPoint = "bpf_prog_get_fd_by_id")]
    public static partial int ProgramById(uint id);
}
