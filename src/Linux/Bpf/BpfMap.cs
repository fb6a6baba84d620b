using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>A BPF map. Keys are 32-bit indices: the packet path has arrays only.</summary>
public sealed unsafe class BpfMap : IDisposable
{
    internal BpfMap(string name, FileDescriptor fd)
    {
        Name = name;
        Fd = fd;
        Libbpf.MapInfo info = default;
        var length = (uint)sizeof(Libbpf.MapInfo);
        var code = Libbpf.GetInfo(fd, &info, &length);
        if (code < 0)
        {
            throw BpfException.From("bpf(BPF_OBJ_GET_INFO_BY_FD)", name, code);
        }

        Id = info.Id;
        Geometry = new MapGeometry(info.Type, info.KeySize, info.ValueSize, info.MaxEntries, info.Flags);
    }

    public string Name { get; }

    /// <summary>The kernel's number of it, as <c>bpftool map show</c> lists it.</summary>
    public uint Id { get; }

    public MapGeometry Geometry { get; }

    internal FileDescriptor Fd { get; }

    /// <summary>Opens a pinned map.</summary>
    /// <param name="readOnly">Needs no more than the right to read the pin; it can then be read, but not mapped or written.</param>
    public static BpfMap OpenPinned(string path, bool readOnly = false) => new(Path.GetFileName(path), OpenPin(path, readOnly));

    public void Dispose() => Fd.Dispose();

    /// <summary>Copies one element.</summary>
    public void Read<T>(uint index, out T value)
        where T : unmanaged
    {
        RequireValueBytes(sizeof(T));
        fixed (T* memory = &value)
        {
            Check(Libbpf.LookUp(Fd, &index, memory), "bpf(BPF_MAP_LOOKUP_ELEM)");
        }
    }

    /// <summary>Copies one element, as bytes.</summary>
    public byte[] ReadBytes(uint index)
    {
        var value = new byte[Geometry.ValueBytes];
        fixed (byte* memory = value)
        {
            Check(Libbpf.LookUp(Fd, &index, memory), "bpf(BPF_MAP_LOOKUP_ELEM)");
        }

        return value;
    }

    /// <summary>Copies one element, if there is one.</summary>
    public bool TryRead<T>(uint index, out T value)
        where T : unmanaged
    {
        RequireValueBytes(sizeof(T));
        value = default;
        fixed (T* memory = &value)
        {
            var code = Libbpf.LookUp(Fd, &index, memory);
            if (code == -Libc.ENOENT)
            {
                return false;
            }

            Check(code, "bpf(BPF_MAP_LOOKUP_ELEM)");
            return true;
        }
    }

    /// <summary>Empties one element. False: it was empty.</summary>
    public bool Delete(uint index)
    {
        var code = Libbpf.Delete(Fd, &index);
        if (code is -Libc.ENOENT or -Libc.EINVAL) // a SOCKMAP says EINVAL
        {
            return false;
        }

        Check(code, "bpf(BPF_MAP_DELETE_ELEM)");
        return true;
    }

    /// <summary>Writes one element.</summary>
    public void Write<T>(uint index, in T value)
        where T : unmanaged
    {
        RequireValueBytes(sizeof(T));
        fixed (T* memory = &value)
        {
            Check(Libbpf.Update(Fd, &index, memory, 0), "bpf(BPF_MAP_UPDATE_ELEM)");
        }
    }

    /// <summary>Puts a program into an element of a program array, for tail calls.</summary>
    public void Write(uint index, BpfProgram program)
    {
        var fd = program.Fd.Number;
        Check(Libbpf.Update(Fd, &index, &fd, 0), "bpf(BPF_MAP_UPDATE_ELEM)");
    }

    /// <summary>
    /// Copies elements of a per-CPU array, from an index on: all CPUs of the first element, then all of the second, ...
    /// </summary>
    /// <param name="values">A multiple of <see cref="PossibleCpus"/> long.</param>
    public void ReadPerCpu<T>(uint firstIndex, Span<T> values)
        where T : unmanaged
    {
        RequirePerCpuValue<T>();
        var count = (uint)(values.Length / PossibleCpus);
        var keys = new uint[count];
        var previous = unchecked(firstIndex - 1);
        uint next;
        var options = new Libbpf.BatchOptions { Size = (nuint)sizeof(Libbpf.BatchOptions) };
        fixed (uint* keyMemory = keys)
        fixed (T* memory = values)
        {
            var wanted = count;
            var code = Libbpf.LookUpBatch(Fd, firstIndex == 0 ? null : &previous, &next, keyMemory, memory, &count, &options);
            if (code < 0 && !(code == -Libc.ENOENT && count == wanted))
            {
                Check(code, "bpf(BPF_MAP_LOOKUP_BATCH)");
            }
        }
    }

    /// <summary>Writes one element of a per-CPU array, one value a CPU.</summary>
    public void WritePerCpu<T>(uint index, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        RequirePerCpuValue<T>();
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, PossibleCpus);
        fixed (T* memory = values)
        {
            Check(Libbpf.Update(Fd, &index, memory, 0), "bpf(BPF_MAP_UPDATE_ELEM)");
        }
    }

    /// <summary>CPUs that the kernel keeps per-CPU values for, whether they run or not.</summary>
    public static int PossibleCpus { get; } = Libbpf.PossibleCpuCount() is > 0 and var count
        ? count
        : throw new BpfException("libbpf_num_possible_cpus", "/sys/devices/system/cpu/possible", Libc.ENOENT);

    internal void Pin(string path) => Check(Libbpf.Pin(Fd, path), "bpf(BPF_OBJ_PIN)");

    /// <summary>The map's own memory (a map made with BPF_F_MMAPABLE).</summary>
    public MapMemory Memory() => new(this);

    internal static FileDescriptor OpenPin(string path, bool readOnly)
    {
        var options = new Libbpf.ObjectGetOptions
        {
            Size = (nuint)sizeof(Libbpf.ObjectGetOptions),
            FileFlags = readOnly ? Libbpf.FlagReadOnly : 0,
        };
        var fd = Libbpf.GetPinned(path, &options);
        return fd >= 0 ? new FileDescriptor(fd) : throw BpfException.From("bpf(BPF_OBJ_GET)", path, fd);
    }

    private void RequireValueBytes(int bytes) => ArgumentOutOfRangeException.ThrowIfNotEqual((uint)bytes, Geometry.ValueBytes);

    private void RequirePerCpuValue<T>()
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sizeof(T) % 8, 0); // the kernel pads each CPU's value to 8 bytes
        RequireValueBytes(sizeof(T));
    }

    private void Check(int code, string call)
    {
        if (code < 0)
        {
            throw BpfException.From(call, Name, code);
        }
    }
}

/// <summary>The pages of a map, shared with the kernel: a store is what the next packet sees.</summary>
public sealed unsafe class MapMemory : SafeHandle
{
    private readonly int length;
    private readonly nuint mappedBytes;

    internal MapMemory(BpfMap map)
        : base(-1, ownsHandle: true)
    {
        length = checked((int)(((map.Geometry.ValueBytes + 7) & ~7u) * map.Geometry.MaxEntries));
        var page = Environment.SystemPageSize;
        mappedBytes = (nuint)((length + page - 1) / page * page);
        var address = BpfLibc.Map(
            0, mappedBytes, BpfLibc.PROT_READ | BpfLibc.PROT_WRITE, BpfLibc.MAP_SHARED, map.Fd, 0);
        if (address == -1)
        {
            throw new BpfException("mmap", map.Name, Marshal.GetLastPInvokeError(), "needs a map made with BPF_F_MMAPABLE and Linux 5.5 or later");
        }

        SetHandle(address);
    }

    public override bool IsInvalid => handle == -1;

    /// <summary>All elements, each padded to 8 bytes. Not to be used after disposal.</summary>
    public Span<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return new Span<byte>((void*)handle, length);
        }
    }

    protected override bool ReleaseHandle() => BpfLibc.Unmap(handle, mappedBytes) == 0;
}
