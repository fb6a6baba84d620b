using System.Collections.Immutable;
using SoftUnicast.Egress.Abi;

namespace SoftUnicast.Egress;

/// <summary>How often each <see cref="Choice"/> was made.</summary>
public sealed class ChoiceCounts
{
    private readonly ImmutableArray<ulong> counts;

    /// <param name="counts">By choice; those of a later version are left out.</param>
    public ChoiceCounts(ReadOnlySpan<ulong> counts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(counts.Length, ChooserLimits.Choices);
        this.counts = [.. counts[..ChooserLimits.Choices]];
    }

    public ulong this[Choice choice] => counts[(int)choice];

    public override string ToString() => string.Join(", ", Enum.GetValues<Choice>().Where(c => this[c] > 0).Select(c => $"{c} {this[c]}"));
}
