namespace SoftUnicast.Linux.Bpf;

/// <summary>The steering program, as it lies in this assembly.</summary>
public static class SteeringProgram
{
    /// <summary>Its name in the kernel.</summary>
    public const string Name = "su_steer";

    /// <summary>The oldest Linux that has all it needs: XDP on frames of several buffers (5.18), arrays of 11 MB elements (6.0).</summary>
    public const string KernelNeeded = "6.0";

    internal const string TablesMap = "steer.bss"; // libbpf's name of it: object and section
    internal const string CountersMap = "su_counters";
    internal const string EndpointCountersMap = "su_endpoint_counters";

    private const string ObjectName = "steer";
    private const string Resource = "steer.bpf.o";

    /// <summary>The object file that clang made of <c>bpf/steer.bpf.c</c>.</summary>
    public static byte[] Elf()
    {
        using var stream = typeof(SteeringProgram).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the assembly has no resource {Resource}");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Opens it, to be given maps and loaded.</summary>
    public static BpfObject Open() => BpfObject.Open(ObjectName, Elf());

    /// <summary>Loads it with maps of its own, which end with what is returned: for tests and measurements.</summary>
    public static LoadedSteering Load()
    {
        using var steer = Open();
        steer.Load(KernelNeeded);
        return new LoadedSteering(steer.Program(Name), SteeringMaps.Of(steer), steer.Map(TablesMap));
    }
}

/// <summary>The program and its maps, neither pinned nor attached.</summary>
public sealed class LoadedSteering : IDisposable
{
    internal LoadedSteering(BpfProgram program, SteeringMaps maps, BpfMap tables)
    {
        Program = program;
        Maps = maps;
        Tables = tables;
    }

    public BpfProgram Program { get; }

    public SteeringMaps Maps { get; }

    /// <summary>For other programs that read the same tables.</summary>
    internal BpfMap Tables { get; }

    public void Dispose()
    {
        Program.Dispose();
        Maps.Dispose();
        Tables.Dispose();
    }
}
