namespace SoftUnicast.Linux.Bpf;

/// <summary>The port chooser's programs, as they lie in this assembly, and where each is attached.</summary>
internal static class ChooserProgram
{
    /// <summary>bpf_set_retval (5.18), and SO_REUSEADDR by a program (6.1).</summary>
    public const string KernelNeeded = "6.1";

    public const string ChoosersMap = "su_choosers";
    public const string CountersMap = "su_choice_counters";

    private const string ObjectName = "choose";
    private const string Resource = "choose.bpf.o";

    /// <summary>Program, <c>enum bpf_attach_type</c>, and the name of the pinned link.</summary>
    public static IReadOnlyList<(string Program, int AttachType, string Place)> Places { get; } =
    [
        ("su_connect4", 10, "connect4"),
        ("su_connect6", 11, "connect6"),
        ("su_sendmsg4", 14, "sendmsg4"),
        ("su_sendmsg6", 15, "sendmsg6"),
        ("su_bind4", 8, "bind4"),
        ("su_bind6", 9, "bind6"),
    ];

    /// <summary>Opens it, to be given maps and loaded.</summary>
    public static BpfObject Open()
    {
        using var stream = typeof(ChooserProgram).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the assembly has no resource {Resource}");
        var elf = new byte[stream.Length];
        stream.ReadExactly(elf);
        return BpfObject.Open(ObjectName, elf);
    }
}
