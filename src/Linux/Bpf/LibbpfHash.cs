using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>libbpf's calls for hash maps.</summary>
internal static unsafe partial class Libbpf
{
    public const ulong UpdateNoExist = 1; // BPF_NOEXIST

    [LibraryImport(Library, EntryPoint = "bpf_map_delete_elem")]
    public static partial int Delete(FileDescriptor map, void* key);

    [LibraryImport(Library, EntryPoint = "bpf_map_get_next_key")]
    public static partial int NextKey(FileDescriptor map, void* key, void* nextKey);
}
