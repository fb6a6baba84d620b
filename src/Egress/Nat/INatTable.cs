using System.Collections.Immutable;

namespace SoftUnicast.Egress.Nat;

/// <summary>A <see cref="NatPlan"/> where packets meet it: the Linux room's is the kernel's.</summary>
public interface INatTable : IDisposable
{
    /// <summary>Paths of cgroups of the plan that were not there when it was written: the rest was.</summary>
    ImmutableArray<string> GoneCgroups { get; }

    /// <summary>Puts the plan in the place of the one before, all of it or nothing.</summary>
    /// <exception cref="IOException">It is refused: the former one is untouched.</exception>
    void Apply(NatPlan plan);

    /// <summary>Writes the plan again if somebody changed it.</summary>
    /// <returns>What was changed, each in a text.</returns>
    /// <exception cref="IOException">It is refused.</exception>
    ImmutableArray<string> Repair();
}
