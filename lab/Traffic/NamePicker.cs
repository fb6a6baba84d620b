using System.Globalization;

namespace SoftUnicast.Traffic;

/// <summary>Draws names of a pattern: each alike, or by Zipf's law, where the name of rank k is asked for as often as 1 / k^exponent says.</summary>
internal sealed class NamePicker
{
    private const string Place = "{n}";
    private readonly string pattern;
    private readonly int count;
    private readonly double[]? upTo; // the share of all ranks up to this one

    /// <param name="pattern">With <c>{n}</c> in it, which becomes 0 to <paramref name="count"/> - 1; rank 1 is 0.</param>
    /// <param name="exponent">0: each alike.</param>
    public NamePicker(string pattern, int count, double exponent)
    {
        if (!pattern.Contains(Place, StringComparison.Ordinal) || count < 1)
        {
            throw new UsageException($"a pattern of names wants {Place} in it, and at least one name");
        }

        (this.pattern, this.count) = (pattern, count);
        if (exponent == 0)
        {
            return;
        }

        upTo = new double[count];
        var sum = 0.0;
        for (var rank = 1; rank <= count; rank++)
        {
            upTo[rank - 1] = sum += Math.Pow(rank, -exponent);
        }

        for (var i = 0; i < count; i++)
        {
            upTo[i] /= sum;
        }
    }

    public string Next(Random random) => Name(upTo is null ? random.Next(count) : Rank(random.NextDouble()));

    private string Name(int number) => pattern.Replace(Place, number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private int Rank(double drawn)
    {
        var found = Array.BinarySearch(upTo!, drawn);
        return Math.Min(found < 0 ? ~found : found + 1, count - 1);
    }
}
