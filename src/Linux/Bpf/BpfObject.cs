using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Bpf;

/// <summary>How large a map is, and of which type (<c>enum bpf_map_type</c>).</summary>
public readonly record struct MapGeometry(uint Type, uint KeyBytes, uint ValueBytes, uint MaxEntries, uint Flags)
{
    public override string ToString() =>
        FormattableString.Invariant($"type {Type}, {MaxEntries} x {ValueBytes} bytes, key {KeyBytes}, flags 0x{Flags:x}");
}

/// <summary>
/// A compiled BPF object: opened, then loaded. What is taken from it after loading (programs, maps) lives on its own; the
/// object itself may be disposed at once.
/// </summary>
public sealed unsafe class BpfObject : SafeHandle
{
    private const int VerifierLogBytes = 1 << 20;
    private readonly string name;
    private bool isLoaded;

    private BpfObject(string name, nint handle)
        : base(0, ownsHandle: true)
    {
        this.name = name;
        SetHandle(handle);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Opens an object file held in memory.</summary>
    /// <param name="name">For messages, and libbpf's name of the object.</param>
    public static BpfObject Open(string name, ReadOnlySpan<byte> elf)
    {
        try
        {
            using var log = LibbpfLog.Listen();
            fixed (byte* bytes = elf)
            fixed (byte* nameBytes = Encoding.UTF8.GetBytes(name + '\0'))
            {
                var options = new Libbpf.ObjectOpenOptions { Size = (nuint)sizeof(Libbpf.ObjectOpenOptions), ObjectName = nameBytes };
                var handle = Libbpf.OpenObject(bytes, (nuint)elf.Length, &options);
                return handle != 0
                    ? new BpfObject(name, handle)
                    : throw new BpfException("bpf_object__open_mem", name, Marshal.GetLastPInvokeError(), Advice(log.Text));
            }
        }
        catch (Exception failure) when (failure is DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            throw new BpfException("dlopen", "libbpf.so.1", Libc.ENOENT, "libbpf 1.0 or later is needed: apt-get install libbpf1");
        }
    }

    /// <summary>The maps that the object declares.</summary>
    public IReadOnlyDictionary<string, MapGeometry> DeclaredMaps()
    {
        var maps = new Dictionary<string, MapGeometry>(StringComparer.Ordinal);
        for (var map = Libbpf.NextMap(this, 0); map != 0; map = Libbpf.NextMap(this, map))
        {
            maps[Text(Libbpf.MapName(map))] = new MapGeometry(
                Libbpf.MapType(map), Libbpf.MapKeySize(map), Libbpf.MapValueSize(map), Libbpf.MapMaxEntries(map), Libbpf.MapFlags(map));
        }

        return maps;
    }

    /// <summary>Before loading: the map is taken from this pin, or made and pinned there.</summary>
    public void SetPinPath(string mapName, string path)
    {
        ThrowIfLoaded();
        Check(Libbpf.SetMapPinPath(FindMap(mapName), path), "bpf_map__set_pin_path", mapName);
    }

    /// <summary>Before loading: uses a map that exists.</summary>
    public void UseMap(string mapName, BpfMap map)
    {
        ThrowIfLoaded();
        Check(Libbpf.ReuseMapFd(FindMap(mapName), map.Fd), "bpf_map__reuse_fd", mapName);
    }

    /// <summary>Before loading: sets the program's constants (<c>const volatile</c>), from the section's start.</summary>
    public void SetConstants(ReadOnlySpan<byte> bytes)
    {
        ThrowIfLoaded();
        foreach (var mapName in DeclaredMaps().Keys.Where(key => key.EndsWith(".rodata", StringComparison.Ordinal)))
        {
            var memory = Libbpf.MapInitialValue(FindMap(mapName), out var length);
            ArgumentOutOfRangeException.ThrowIfGreaterThan((nuint)bytes.Length, length, nameof(bytes));
            bytes.CopyTo(new Span<byte>(memory, (int)length));
            return;
        }

        throw new InvalidOperationException($"{name} has no constants");
    }

    /// <summary>Gives maps and programs to the kernel.</summary>
    /// <param name="kernelNeeded">The oldest Linux that can do it, for the message if this one cannot.</param>
    /// <exception cref="BpfException">With what libbpf and the verifier said.</exception>
    public void Load(string kernelNeeded)
    {
        ThrowIfLoaded();
        var logs = new List<(string Program, nint Buffer)>();
        try
        {
            for (var program = Libbpf.NextProgram(this, 0); program != 0; program = Libbpf.NextProgram(this, program))
            {
                var buffer = (nint)NativeMemory.AllocZeroed(VerifierLogBytes);
                logs.Add((Text(Libbpf.ProgramName(program)), buffer));
                Check(Libbpf.SetProgramLog(program, (byte*)buffer, VerifierLogBytes), "bpf_program__set_log_buf", name);
            }

            using var log = LibbpfLog.Listen();
            var result = Libbpf.LoadObject(this);
            if (result < 0)
            {
                throw BpfException.From("bpf_object__load", name, result, LoadAdvice(result, log.Text, logs, kernelNeeded));
            }

            isLoaded = true;
        }
        finally
        {
            for (var program = Libbpf.NextProgram(this, 0); program != 0; program = Libbpf.NextProgram(this, program))
            {
                _ = Libbpf.SetProgramLog(program, null, 0);
            }

            foreach (var (_, buffer) in logs)
            {
                NativeMemory.Free((void*)buffer);
            }
        }
    }

    /// <summary>A loaded program, with a descriptor of its own.</summary>
    public BpfProgram Program(string programName)
    {
        for (var program = Libbpf.NextProgram(this, 0); program != 0; program = Libbpf.NextProgram(this, program))
        {
            if (Text(Libbpf.ProgramName(program)) == programName)
            {
                return new BpfProgram(programName, Duplicate(Libbpf.ProgramFd(program), programName));
            }
        }

        throw new InvalidOperationException($"{name} has no program {programName}");
    }

    /// <summary>A map of the loaded object, with a descriptor of its own.</summary>
    public BpfMap Map(string mapName) => new(mapName, Duplicate(Libbpf.MapFd(FindMap(mapName)), mapName));

    protected override bool ReleaseHandle()
    {
        Libbpf.CloseObject(handle);
        return true;
    }

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    private static string? Advice(string said) => said.Length == 0 ? null : $"libbpf says: {said}";

    private static void Check(int result, string call, string subject)
    {
        if (result < 0)
        {
            throw BpfException.From(call, subject, result);
        }
    }

    private static FileDescriptor Duplicate(int fd, string subject)
    {
        var copy = Libc.Fcntl(fd, Libc.F_DUPFD_CLOEXEC, 3);
        return copy >= 0 ? new FileDescriptor(copy) : throw new BpfException("fcntl(F_DUPFD_CLOEXEC)", subject, Marshal.GetLastPInvokeError());
    }

    private static string LoadAdvice(int result, string said, List<(string Program, nint Buffer)> logs, string kernelNeeded)
    {
        var advice = new StringBuilder();
        foreach (var (program, buffer) in logs)
        {
            var lines = Text((byte*)buffer).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length > 0)
            {
                advice.Append("the verifier says of ").Append(program).Append(": ").AppendJoin(" | ", lines.TakeLast(6)).Append("; ");
            }
        }

        if (said.Length > 0)
        {
            advice.Append("libbpf says: ").Append(said).Append("; ");
        }

        if (result is -Libc.EPERM)
        {
            advice.Append("CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed; ");
        }

        return advice.Append("needs Linux ").Append(kernelNeeded).Append(" or later, this is ").Append(Environment.OSVersion.Version).ToString();
    }

    private nint FindMap(string mapName)
    {
        for (var map = Libbpf.NextMap(this, 0); map != 0; map = Libbpf.NextMap(this, map))
        {
            if (Text(Libbpf.MapName(map)) == mapName)
            {
                return map;
            }
        }

        throw new InvalidOperationException($"{name} has no map {mapName}");
    }

    private void ThrowIfLoaded()
    {
        if (isLoaded)
        {
            throw new InvalidOperationException($"{name} is loaded already");
        }
    }
}
