namespace SoftUnicast.Egress.Abi;

/// <summary>The port chooser's constants in <c>bpf/abi.h</c>.</summary>
public static class ChooserLimits
{
    /// <summary>Cgroups that can have a policy.</summary>
    public const int Choosers = 4096;

    /// <summary>Slices of one policy.</summary>
    public const int Slices = 64;

    /// <summary>How deep below the root of cgroup2 an enrolled cgroup may lie, so that those below it are found to be in it.</summary>
    public const int Levels = 10;

    /// <summary>How many choices there are.</summary>
    public const int Choices = (int)Choice.Probes + 1;
}
