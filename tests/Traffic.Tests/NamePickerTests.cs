using System.Globalization;

namespace SoftUnicast.Traffic.Tests;

public class NamePickerTests
{
    private const int Draws = 100_000;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1.5)]
    public void Names_are_drawn_as_often_as_their_rank_says(double exponent)
    {
        const int names = 64;
        var picker = new NamePicker("a{n}.example.com", names, exponent);
        var random = new Random(1);

        var counts = Enumerable.Range(0, Draws).CountBy(_ => int.Parse(picker.Next(random)[1..].Split('.')[0], CultureInfo.InvariantCulture)).ToDictionary();

        var all = Enumerable.Range(1, names).Sum(rank => Math.Pow(rank, -exponent));
        var statistic = Enumerable.Range(0, names).Sum(n =>
        {
            var expected = Draws * Math.Pow(n + 1, -exponent) / all;
            return Math.Pow(counts.GetValueOrDefault(n) - expected, 2) / expected;
        });
        Assert.Equal(names, counts.Count);
        Assert.True(ChiSquared.UpperTail(statistic, names - 1) > 1e-6, $"chi-squared {statistic}");
    }

    [Theory]
    [InlineData("a.example.com", 1)]
    [InlineData("a{n}.example.com", 0)]
    public void A_pattern_wants_a_place_for_the_number_and_names(string pattern, int count) =>
        Assert.Throws<UsageException>(() => new NamePicker(pattern, count, 0));
}
