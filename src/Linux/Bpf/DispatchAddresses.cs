using SoftUnicast.Dispatch.Abi;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Bpf;

/// <summary>
/// Hits by local address: a per-CPU LRU hash, read and emptied many elements at a call (bpf(2), BPF_MAP_LOOKUP_BATCH, Linux 5.6).
/// It owns the map.
/// </summary>
/// <param name="batchEntries">Elements a call, 1 at least; grows where one bucket of the hash has more.</param>
internal sealed unsafe class DispatchAddresses(BpfMap map, int batchEntries = DispatchAddresses.UsualBatch) : IDisposable
{
    private const int UsualBatch = 4096;
    private const int IPv4Bytes = 4;
    private static readonly byte[] MappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]; // ::ffff:0:0/96, RFC 4291 2.5.5.2

    /// <summary>What was counted for each address, on all CPUs together.</summary>
    public IReadOnlyDictionary<IpAddress, ulong> Read()
    {
        var hits = new Dictionary<IpAddress, ulong>();
        Walk("bpf(BPF_MAP_LOOKUP_BATCH)", Libbpf.LookUpBatch, (keys, values) =>
        {
            for (var i = 0; i < keys.Length; i++)
            {
                var sum = 0ul;
                foreach (var value in values.Slice(i * BpfMap.PossibleCpus, BpfMap.PossibleCpus))
                {
                    sum += value;
                }

                hits[AddressOf(keys[i])] = sum;
            }
        });
        return hits;
    }

    /// <summary>Forgets all of it.</summary>
    public void Clear() => Walk("bpf(BPF_MAP_LOOKUP_AND_DELETE_BATCH)", Libbpf.TakeBatch, (_, _) => { });

    public void Dispose() => map.Dispose();

    private delegate int BatchCall(FileDescriptor map, void* inBatch, void* outBatch, void* keys, void* values, uint* count, Libbpf.BatchOptions* options);

    private delegate void Batch(ReadOnlySpan<SuDispatchAddress> keys, ReadOnlySpan<ulong> values);

    private static IpAddress AddressOf(in SuDispatchAddress key)
    {
        ReadOnlySpan<byte> bytes = key.AddressBe;
        return IpAddress.FromBytes(bytes.StartsWith(MappedPrefix) ? bytes[^IPv4Bytes..] : bytes);
    }

    // A batch ends between two buckets of the hash: its place is the number of the next.
    private void Walk(string name, BatchCall call, Batch take)
    {
        var keys = new SuDispatchAddress[batchEntries];
        var values = new ulong[keys.Length * BpfMap.PossibleCpus];
        var options = new Libbpf.BatchOptions { Size = (nuint)sizeof(Libbpf.BatchOptions) };
        uint place = 0;
        uint next = 0;
        for (var isFirst = true; ;)
        {
            var count = (uint)keys.Length;
            int code;
            fixed (SuDispatchAddress* keyMemory = keys)
            fixed (ulong* valueMemory = values)
            {
                code = call(map.Fd, isFirst ? null : &place, &next, keyMemory, valueMemory, &count, &options);
            }

            if (code == -BpfLibc.ENOSPC) // not one bucket fits
            {
                keys = new SuDispatchAddress[keys.Length * 2];
                values = new ulong[keys.Length * BpfMap.PossibleCpus];
                continue;
            }

            if (code is < 0 and not -Libc.ENOENT)
            {
                throw BpfException.From(name, map.Name, code);
            }

            take(keys.AsSpan(0, (int)count), values.AsSpan(0, (int)count * BpfMap.PossibleCpus));
            if (code < 0)
            {
                return; // ENOENT: that was the last bucket
            }

            (place, isFirst) = (next, false);
        }
    }
}
