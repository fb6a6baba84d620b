namespace SoftUnicast.Naming.Tests;

/// <summary>Pearson's chi-squared against equal shares.</summary>
internal static class Chi
{
    /// <summary>
    /// The statistic as standard deviations above what chance gives (Wilson and Hilferty): a fair draw exceeds 5 about once in
    /// three million runs, and a draw that misses one cell in 256 or doubles one is far beyond it.
    /// </summary>
    public static double Sigmas(IEnumerable<int> counts)
    {
        var cells = counts.ToArray();
        var expected = (double)cells.Sum() / cells.Length;
        var statistic = cells.Sum(c => (c - expected) * (c - expected) / expected);
        var freedom = cells.Length - 1;
        var spread = 2.0 / (9 * freedom);
        return (Math.Cbrt(statistic / freedom) - (1 - spread)) / Math.Sqrt(spread);
    }
}
