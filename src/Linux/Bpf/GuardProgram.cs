namespace SoftUnicast.Linux.Bpf;

/// <summary>The guard, as it lies in this assembly.</summary>
public static class GuardProgram
{
    /// <summary>Its name in the kernel.</summary>
    public const string Name = "su_guard";

    /// <summary>The oldest Linux that has all it needs: arrays of 11 MB elements.</summary>
    public const string KernelNeeded = "6.0";

    internal const string TablesMap = "guard.bss"; // libbpf's name of it: object and section
    internal const string CountersMap = "su_guard_counters";
    internal const string EventsMap = "su_guard_events";

    private const string ObjectName = "guard";
    private const string Resource = "guard.bpf.o";

    /// <summary>The object file that clang made of <c>bpf/guard.bpf.c</c>.</summary>
    public static byte[] Elf()
    {
        using var stream = typeof(GuardProgram).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the assembly has no resource {Resource}");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Opens it, to be given maps and loaded.</summary>
    public static BpfObject Open() => BpfObject.Open(ObjectName, Elf());

    /// <summary>Loads it beside a steering program, whose tables it reads: for tests and measurements.</summary>
    public static LoadedGuard Load(LoadedSteering steering)
    {
        using var guard = Open();
        guard.UseMap(TablesMap, steering.Tables);
        guard.Load(KernelNeeded);
        return new LoadedGuard(guard.Program(Name), GuardMaps.Of(guard));
    }
}

/// <summary>The guard with counters and events of its own, neither pinned nor attached.</summary>
public sealed class LoadedGuard : IDisposable
{
    internal LoadedGuard(BpfProgram program, GuardMaps maps)
    {
        Program = program;
        Maps = maps;
    }

    public BpfProgram Program { get; }

    public GuardMaps Maps { get; }

    public void Dispose()
    {
        Program.Dispose();
        Maps.Dispose();
    }
}
