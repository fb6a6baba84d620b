namespace SoftUnicast.Egress.SharingOut;

/// <summary>Finds the word that a mistyped one was probably meant to be.</summary>
internal static class LikelyWord
{
    private const int Longest = 64;

    /// <summary>The known word with the fewest letters to insert, delete or change: a third of them, at most three; or null.</summary>
    public static string? For(string word, IEnumerable<string> known)
    {
        if (word.Length is 0 or > Longest)
        {
            return null;
        }

        var limit = Math.Clamp(word.Length / 3, 1, 3);
        return known.Where(k => k.Length <= Longest)
            .Select(k => (Word: k, Distance: Distance(word, k)))
            .Where(k => k.Distance <= limit)
            .OrderBy(k => k.Distance).ThenBy(k => k.Word, StringComparer.Ordinal)
            .Select(k => k.Word)
            .FirstOrDefault();
    }

    private static int Distance(string left, string right)
    {
        var former = Enumerable.Range(0, right.Length + 1).ToArray();
        var row = new int[right.Length + 1];
        for (var i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var change = former[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                row[j] = Math.Min(change, Math.Min(former[j], row[j - 1]) + 1);
            }

            (former, row) = (row, former);
        }

        return former[right.Length];
    }
}
