using System.Collections.Immutable;

namespace SoftUnicast.BgpSpeaker;

/// <summary>Counts rejected routes by reason and keeps the last hundred. Of fixed size, whatever peers send.</summary>
internal sealed class Rejections
{
    public const int Kept = 100;

    private readonly long[] counts = new long[Enum.GetValues<RejectReason>().Length];
    private readonly Queue<RejectedRoute> recent = new(Kept);

    public void Add(RejectedRoute route)
    {
        counts[(int)route.Reason]++;
        if (recent.Count == Kept)
        {
            recent.Dequeue();
        }

        recent.Enqueue(route);
    }

    public ImmutableSortedDictionary<RejectReason, long> Counts => Enum.GetValues<RejectReason>()
        .Where(r => counts[(int)r] > 0).ToImmutableSortedDictionary(r => r, r => counts[(int)r]);

    public ImmutableArray<RejectedRoute> Recent => [.. recent];

    /// <summary>Counts up with every rejection.</summary>
    public long Total => counts.Sum();
}
