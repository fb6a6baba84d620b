using SoftUnicast.Model;

namespace SoftUnicast.Dispatch;

/// <summary>Why a binding cannot stand in a table.</summary>
public enum BindingProblemKind
{
    /// <summary>It is there already.</summary>
    Duplicate,

    /// <summary>The same protocol, prefix and ports lead to another label.</summary>
    Conflict,

    /// <summary>Another binding of the same prefix has as many ports, and some of them are the same: neither is narrower.</summary>
    Ambiguous,

    /// <summary>Its prefix lies in none that are configured.</summary>
    OutsidePools,

    /// <summary>It is not in the table, and was to be taken out.</summary>
    Missing,

    /// <summary>More than the kernel's tables hold.</summary>
    TooMany,
}

/// <summary>One thing that is wrong with a list of bindings.</summary>
/// <param name="Other">The one it collides with.</param>
public sealed record BindingProblem(BindingProblemKind Kind, Binding Binding, Binding? Other, string Message)
{
    public override string ToString() => Message;
}

/// <summary>A table, or everything that is wrong with what it was to be made of.</summary>
public sealed record BindingTableResult(BindingTable? Table, IReadOnlyList<BindingProblem> Problems);
