using System.Collections.Immutable;

namespace SoftUnicast.Steering.Packets;

/// <summary>Collects the steps of a decision. Where nobody asked for them there is no object, and no sentence is made.</summary>
internal sealed class Explanation
{
    private readonly ImmutableArray<string>.Builder steps = ImmutableArray.CreateBuilder<string>();

    public ImmutableArray<string> Steps => steps.ToImmutable();

    public void Add(FormattableString step) => steps.Add(FormattableString.Invariant(step));
}
