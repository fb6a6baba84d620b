namespace SoftUnicast.Model;

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
    /// <summary>Every two that cannot stand beside each other, as a problem of the later one.</summary>
    /// <param name="sorted">In their order.</param>
    public static IEnumerable<BindingProblem> Collisions(IReadOnlyList<Binding> sorted)
    {
        ArgumentNullException.ThrowIfNull(sorted);
        for (var i = 1; i < sorted.Count; i++)
        {
            // Of one prefix and one count of ports they stand in the order of their first port: neighbours tell.
            var (before, binding) = (sorted[i - 1], sorted[i]);
            if (before.Protocol != binding.Protocol || before.Prefix != binding.Prefix
                || before.Ports.Count != binding.Ports.Count || !before.Ports.Overlaps(binding.Ports))
            {
                continue;
            }

            yield return Of(binding, before);
        }
    }

    /// <summary>The same two, as a problem of the other one.</summary>
    public BindingProblem OfOther() => Other is null ? this : Of(Other, Binding);

    private static BindingProblem Of(Binding binding, Binding other) => other == binding
        ? new BindingProblem(BindingProblemKind.Duplicate, binding, other, $"'{binding}' is bound already")
        : other.Ports == binding.Ports
        ? new BindingProblem(BindingProblemKind.Conflict, binding, other, $"'{binding}' contradicts '{other}': the same protocol, prefix and ports, another label")
        : new BindingProblem(BindingProblemKind.Ambiguous, binding, other, $"'{binding}' and '{other}' have ports in common and neither is narrower");

    public override string ToString() => Message;
}
