namespace SoftUnicast.Linux.Bpf;

/// <summary>The dispatch program, as it lies in this assembly.</summary>
public static class DispatchProgram
{
    /// <summary>Its name in the kernel.</summary>
    public const string Name = "su_dispatch_find"; // 15 bytes of it show

    /// <summary>The oldest Linux that has all it needs: socket lookup (5.9), arrays of 15 MB elements (6.0).</summary>
    public const string KernelNeeded = "6.0";

    internal const string TablesMap = "dispatch.bss"; // libbpf's name of it: object and section
    internal const string SocketsMap = "su_dispatch_sockets";
    internal const string CountersMap = "su_dispatch_counts";
    internal const string AddressesMap = "su_dispatch_addresses";

    private const string ObjectName = "dispatch";
    private const string Resource = "dispatch.bpf.o";

    /// <summary>Opens it, to be given maps and loaded.</summary>
    internal static BpfObject Open()
    {
        using var stream = typeof(DispatchProgram).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the assembly has no resource {Resource}");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return BpfObject.Open(ObjectName, bytes);
    }
}
