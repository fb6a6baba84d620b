using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>A BPF hash map with 64-bit keys. It owns the map.</summary>
/// <typeparam name="T">A value; of a per-CPU hash, the value of one CPU.</typeparam>
internal sealed unsafe class BpfHash<T> : IDisposable
    where T : unmanaged
{
    private const int MaxKeyReadRestarts = 8;
    private readonly BpfMap map;

    public BpfHash(BpfMap map)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(map.Geometry.KeyBytes, (uint)sizeof(ulong));
        ArgumentOutOfRangeException.ThrowIfNotEqual(map.Geometry.ValueBytes, (uint)sizeof(T));
        this.map = map;
    }

    public void Dispose() => map.Dispose();

    /// <summary>False: there is no such key.</summary>
    public bool TryRead(ulong key, out T value)
    {
        fixed (T* memory = &value)
        {
            return Found(Libbpf.LookUp(map.Fd, &key, memory), "bpf(BPF_MAP_LOOKUP_ELEM)");
        }
    }

    /// <summary>Of a per-CPU hash: one value a CPU. False: there is no such key.</summary>
    public bool TryReadPerCpu(ulong key, Span<T> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sizeof(T) % 8, 0); // the kernel pads each CPU's value to 8 bytes
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, BpfMap.PossibleCpus);
        fixed (T* memory = values)
        {
            return Found(Libbpf.LookUp(map.Fd, &key, memory), "bpf(BPF_MAP_LOOKUP_ELEM)");
        }
    }

    public void Write(ulong key, in T value)
    {
        fixed (T* memory = &value)
        {
            Check(Libbpf.Update(map.Fd, &key, memory, 0), "bpf(BPF_MAP_UPDATE_ELEM)");
        }
    }

    /// <summary>Of a per-CPU hash: makes an element of zeros, unless there is one.</summary>
    public void AddPerCpu(ulong key)
    {
        var zeros = new T[BpfMap.PossibleCpus];
        fixed (T* memory = zeros)
        {
            var code = Libbpf.Update(map.Fd, &key, memory, Libbpf.UpdateNoExist);
            if (code != -Libc.EEXIST)
            {
                Check(code, "bpf(BPF_MAP_UPDATE_ELEM)");
            }
        }
    }

    /// <summary>False: there was no such key.</summary>
    public bool Remove(ulong key) => Found(Libbpf.Delete(map.Fd, &key), "bpf(BPF_MAP_DELETE_ELEM)");

    /// <summary>All keys, if nobody else writes meanwhile.</summary>
    public IReadOnlyList<ulong> Keys()
    {
        // When the key that one was at goes away, the kernel starts again from the first: seen keys are then met once more.
        var keys = new HashSet<ulong>();
        ulong key = 0;
        ulong next;
        var first = true;
        for (var repeats = 0; repeats < MaxKeyReadRestarts && Found(Libbpf.NextKey(map.Fd, first ? null : &key, &next), "bpf(BPF_MAP_GET_NEXT_KEY)"); first = false)
        {
            repeats += keys.Add(next) ? 0 : 1;
            key = next;
        }

        return [.. keys.Order()];
    }

    private bool Found(int code, string call)
    {
        if (code == -Libc.ENOENT)
        {
            return false;
        }

        Check(code, call);
        return true;
    }

    private void Check(int code, string call)
    {
        if (code < 0)
        {
            throw BpfException.From(call, map.Name, code, code == -BpfLibc.E2BIG ? "the map is full" : null);
        }
    }
}
