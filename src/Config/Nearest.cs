namespace SoftUnicast.Config;

/// <summary>Finds the known word that a mistyped one was probably meant to be.</summary>
internal sealed class Nearest
{
    // Comparisons that one file may cost: enough for any honest one, and an end to a file of nothing but wrong names.
    private const int Budget = 2_000_000;
    private const int LongestWord = 64;
    private int comparisons;

    /// <summary><c>did you mean 'x'?</c>, or null if no known word is near: a third of its letters wrong, at most three.</summary>
    public string? Hint(string word, IEnumerable<string> known) => Find(word, known) is { } near ? $"did you mean '{near}'?" : null;

    public string? Find(string word, IEnumerable<string> known)
    {
        if (word.Length is 0 or > LongestWord)
        {
            return null;
        }

        string? best = null;
        var bestDistance = Math.Min(3, Math.Max(1, word.Length / 3)) + 1;
        foreach (var candidate in known)
        {
            if (Math.Abs(candidate.Length - word.Length) > bestDistance || candidate.Length > LongestWord)
            {
                continue;
            }

            if (++comparisons > Budget)
            {
                return best;
            }

            var distance = Distance(word, candidate, bestDistance);
            if (distance < bestDistance || (distance == bestDistance && best is not null && string.CompareOrdinal(candidate, best) < 0))
            {
                (best, bestDistance) = (candidate, distance);
            }
        }

        return best;
    }

    /// <summary>
    /// Letters to insert, delete, change or swap with their neighbour to get from one word to the other (optimal string
    /// alignment), case counting; stops early at <paramref name="enough"/> + 1.
    /// </summary>
    internal static int Distance(ReadOnlySpan<char> left, ReadOnlySpan<char> right, int enough)
    {
        Span<int> beforePrevious = stackalloc int[right.Length + 1];
        Span<int> previous = stackalloc int[right.Length + 1];
        Span<int> current = stackalloc int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++)
        {
            previous[j] = j;
        }

        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            var least = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = left[i - 1] == right[j - 1] ? 0 : 1;
                var value = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    value = Math.Min(value, beforePrevious[j - 2] + 1);
                }

                current[j] = value;
                least = Math.Min(least, value);
            }

            if (least > enough)
            {
                return enough + 1;
            }

            var free = beforePrevious;
            beforePrevious = previous;
            previous = current;
            current = free;
        }

        return previous[right.Length];
    }
}
