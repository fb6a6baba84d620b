namespace SoftUnicast.Dispatch.Abi;

/// <summary>Where the parts of <c>struct su_dispatch</c> lie, in bytes.</summary>
public static class DispatchLayout
{
    /// <summary>In a half: <c>classes_by_port</c>, TCP's and then UDP's.</summary>
    public const int ClassesByPort = 0;

    /// <summary>In a half: <c>any_port_class</c>.</summary>
    public const int AnyPortClass = 2 * DispatchLimits.Ports * sizeof(ushort);

    /// <summary>In a half: <c>binding_count</c>.</summary>
    public const int BindingCount = AnyPortClass + (2 * sizeof(ushort));

    /// <summary>In a half: <c>classes</c>.</summary>
    public const int Classes = BindingCount + sizeof(uint);

    /// <summary>In a half: <c>v4</c>.</summary>
    public const int V4 = Classes + (DispatchLimits.Classes * 32);

    /// <summary>In a half: <c>v6</c>.</summary>
    public const int V6 = V4 + (DispatchLimits.Ranges * 8);

    /// <summary>In a half: <c>v4_index</c>.</summary>
    public const int V4Index = V6 + (DispatchLimits.Ranges * 24);

    /// <summary>In a half: <c>class_bindings</c>.</summary>
    public const int ClassBindings = V4Index + (DispatchLimits.Index * sizeof(uint));

    /// <summary>In a half: <c>bindings_in_use</c>.</summary>
    public const int BindingsInUse = ClassBindings + (DispatchLimits.Ranges * sizeof(uint));

    /// <summary>How long a half is.</summary>
    public const int HalfBytes = BindingsInUse + (DispatchLimits.Bindings / 8);

    /// <summary><c>halves</c>.</summary>
    public const int Halves = 0;

    /// <summary><c>bindings</c>.</summary>
    public const int Bindings = 2 * HalfBytes;

    /// <summary><c>counted_before</c>.</summary>
    public const int CountedBefore = Bindings + (DispatchLimits.Bindings * 32);

    /// <summary><c>targets</c>.</summary>
    public const int Targets = CountedBefore + (DispatchLimits.Bindings * 24);

    /// <summary><c>binding_targets</c>.</summary>
    public const int BindingTargets = Targets + (DispatchLimits.Targets * 64);

    /// <summary><c>half</c>: which half is live.</summary>
    public const int Half = BindingTargets + (DispatchLimits.Bindings * sizeof(ushort));

    /// <summary><c>counts_addresses</c>: 0, or hits are counted by address too.</summary>
    public const int CountsAddresses = Half + sizeof(uint);

    /// <summary><c>generation</c>.</summary>
    public const int Generation = Half + 8;
}
