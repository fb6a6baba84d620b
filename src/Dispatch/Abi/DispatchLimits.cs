namespace SoftUnicast.Dispatch.Abi;

/// <summary>The constants of the dispatch part of <c>bpf/abi.h</c>.</summary>
public static class DispatchLimits
{
    /// <summary>Entries of <c>classes</c>; 0 is never used: no binding.</summary>
    public const int Classes = 32768;

    /// <summary>Entries of <c>v4</c>, of <c>v6</c>, and of <c>class_bindings</c>.</summary>
    public const int Ranges = 131072;

    /// <summary>Entries of <c>v4_index</c>.</summary>
    public const int Index = 262144;

    /// <summary>Counters of one element of the map of counters.</summary>
    public const int CounterBlock = 1024;

    /// <summary>Entries of <c>bindings</c>; 0 is never used.</summary>
    public const int Bindings = 32768;

    /// <summary>Bindings of one table: two tables find room, so that any can take the place of any at once.</summary>
    public const int MaxBindings = (Bindings / 2) - 1;

    /// <summary>Entries of <c>targets</c>; 0 is never used.</summary>
    public const int Targets = 4096;

    /// <summary>Sockets of one label, protocol and family.</summary>
    public const int TargetSlots = 16;

    /// <summary>Bytes of a label, the 0 behind it included.</summary>
    public const int LabelBytes = 56;

    /// <summary>Local addresses that hits are counted for, about; one that has not been seen for long makes room.</summary>
    public const int Addresses = 65536;

    public const int Ports = 65536;
}
