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

    /// <summary>Reads as <see cref="LookUpBatch"/> does, and deletes what it read.</summary>
    [LibraryImport(Library, EntryPoint = "bpf_map_lookup_and_delete_batch")]
    public static partial int TakeBatch(FileDescriptor map, void* inBatch, void* outBatch, void* keys, void* values, uint* count, BatchOptions* options);
}
