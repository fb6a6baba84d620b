namespace SoftUnicast.Planning;

/// <summary>
/// Shares whole things out by weight, by the Webster/Sainte-Laguë method: the next one goes to the largest
/// <c>weight / (2 * held + 1)</c>. Unlike largest remainders it never takes from anyone because there is one more to share,
/// and what was shared out stays shared out when a minimum rises up to it: a plan of a plan changes nothing.
/// </summary>
internal static class Apportionment
{
    /// <summary>How many each gets: at least <paramref name="minimum"/>, in total <paramref name="total"/> (or the sum of the minimums if that is more).</summary>
    /// <param name="weights">1 to 1,000,000 each.</param>
    /// <param name="previous">What each had before: a tie goes to who had it.</param>
    public static int[] Share(ReadOnlySpan<int> weights, ReadOnlySpan<int> minimum, int total, ReadOnlySpan<int> previous)
    {
        var shares = minimum.ToArray();
        var left = total;
        var queue = new PriorityQueue<int, Claim>(weights.Length);
        for (var i = 0; i < weights.Length; i++)
        {
            left -= shares[i];
            queue.Enqueue(i, ClaimOf(i, weights, shares, previous));
        }

        while (left-- > 0 && queue.TryDequeue(out var winner, out _))
        {
            shares[winner]++;
            queue.Enqueue(winner, ClaimOf(winner, weights, shares, previous));
        }

        return shares;
    }

    private static Claim ClaimOf(int index, ReadOnlySpan<int> weights, int[] shares, ReadOnlySpan<int> previous) =>
        new(weights[index], (2L * shares[index]) + 1, previous[index] > shares[index], index);

    /// <summary>Ascending: the strongest claim first.</summary>
    private readonly record struct Claim(long Weight, long Divisor, bool Held, int Index) : IComparable<Claim>
    {
        public int CompareTo(Claim other)
        {
            var order = (other.Weight * Divisor).CompareTo(Weight * other.Divisor);
            if (order == 0)
            {
                order = other.Held.CompareTo(Held);
            }

            return order != 0 ? order : Index.CompareTo(other.Index);
        }
    }
}
