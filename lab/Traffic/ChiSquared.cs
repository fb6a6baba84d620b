namespace SoftUnicast.Traffic;

/// <summary>Pearson's chi-squared of counts against equal shares.</summary>
/// <param name="CellsTogether">So many neighbours were counted as one cell.</param>
/// <param name="PValue">How likely chance alone strays as far or farther: of a fair draw anything from 0 to 1 alike.</param>
internal readonly record struct ChiSquared(double Statistic, int DegreesOfFreedom, int CellsTogether, double PValue)
{
    // Below it the statistic does not follow the distribution (Cochran's rule).
    private const int LeastExpected = 5;
    private const double Precision = 1e-15;

    // Lanczos' approximation of the gamma function, g = 7.
    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
        12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>Neighbours are put together, 2, 4, 8 ... a cell, until 5 are expected in each. Null: then there are no two cells.</summary>
    /// <param name="counts">As many as a power of two.</param>
    public static ChiSquared? AgainstEqualShares(ReadOnlySpan<int> counts)
    {
        long sum = 0;
        foreach (var count in counts)
        {
            sum += count;
        }

        var together = 1;
        while (together < counts.Length && sum * together < (long)LeastExpected * counts.Length)
        {
            together *= 2;
        }

        var cells = counts.Length / together;
        if (cells < 2)
        {
            return null;
        }

        var expected = (double)sum / cells;
        var statistic = 0.0;
        for (var cell = 0; cell < cells; cell++)
        {
            var observed = 0L;
            foreach (var count in counts.Slice(cell * together, together))
            {
                observed += count;
            }

            statistic += (observed - expected) * (observed - expected) / expected;
        }

        return new ChiSquared(statistic, cells - 1, together, UpperTail(statistic, cells - 1));
    }

    /// <summary>The chance that chi-squared is this or more: the regularized upper incomplete gamma function Q(freedom / 2, statistic / 2).</summary>
    public static double UpperTail(double statistic, int degreesOfFreedom)
    {
        var (a, x) = (degreesOfFreedom / 2.0, statistic / 2);
        if (x <= 0)
        {
            return 1;
        }

        var scale = Math.Exp((a * Math.Log(x)) - x - LogGamma(a));
        return x < a + 1 ? 1 - (scale * Series(a, x)) : scale * Fraction(a, x);
    }

    // Numerical Recipes 6.2: the series of P converges quickly below a + 1, the continued fraction of Q above.
    private static double Series(double a, double x)
    {
        var term = 1 / a;
        var sum = term;
        for (var n = a + 1; term > sum * Precision; n++)
        {
            term *= x / n;
            sum += term;
        }

        return sum;
    }

    private static double Fraction(double a, double x)
    {
        const double tiny = 1e-300; // Lentz: instead of a division by zero
        var b = x + 1 - a;
        var c = 1 / tiny;
        var d = 1 / b;
        var product = d;
        var factor = 0.0;
        for (var i = 1; Math.Abs(factor - 1) > Precision; i++)
        {
            var an = -i * (i - a);
            b += 2;
            d = NotZero((an * d) + b);
            c = NotZero(b + (an / c));
            d = 1 / d;
            factor = d * c;
            product *= factor;
        }

        return product;

        static double NotZero(double value) => Math.Abs(value) < tiny ? tiny : value;
    }

    private static double LogGamma(double x)
    {
        if (x < 0.5)
        {
            return Math.Log(Math.PI / Math.Sin(Math.PI * x)) - LogGamma(1 - x);
        }

        var sum = Lanczos[0];
        for (var i = 1; i < Lanczos.Length; i++)
        {
            sum += Lanczos[i] / (x - 1 + i);
        }

        var t = x + 6.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((x - 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }
}
