namespace SoftUnicast.Planning.Tests;

public sealed class ApportionmentTests
{
    [Theory]
    [InlineData("1 1 1", "0 0 0", 7, "0 0 0", "3 2 2")]
    [InlineData("1 1 1", "0 0 0", 7, "0 0 3", "2 2 3")]
    [InlineData("6 3 1", "0 0 0", 10, "0 0 0", "6 3 1")]
    [InlineData("1000000 1", "0 0", 9, "0 0", "9 0")]
    [InlineData("1000000 1", "0 2", 9, "0 0", "7 2")]
    [InlineData("1 1", "5 1", 4, "0 0", "5 1")]
    [InlineData("1 1", "0 0", 0, "0 0", "0 0")]
    public void Shares_follow_weights_above_the_minimums_and_ties_stay(string weights, string minimum, int total, string previous, string expected) =>
        Assert.Equal(expected, string.Join(' ', Apportionment.Share(Numbers(weights), Numbers(minimum), total, Numbers(previous))));

    [Fact]
    public void What_was_shared_out_stays_when_minimums_rise_and_nobody_loses_when_there_is_more()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var weights = Enumerable.Range(0, 1 + random.Next(8)).Select(_ => 1 + random.Next(20)).ToArray();
            var minimum = weights.Select(_ => random.Next(4)).ToArray();
            var total = minimum.Sum() + random.Next(30);
            var shares = Apportionment.Share(weights, minimum, total, new int[weights.Length]);
            Assert.True(shares.Sum() == total, $"seed {seed}");
            var risen = minimum.Zip(shares, (low, share) => low + random.Next(share - low + 1)).ToArray();
            Assert.True(Apportionment.Share(weights, risen, total, shares).SequenceEqual(shares), $"seed {seed}");
            Assert.True(Apportionment.Share(weights, minimum, total + 1, shares).Zip(shares).All(p => p.First >= p.Second), $"seed {seed}");
        }
    }

    private static int[] Numbers(string text) => [.. text.Split(' ').Select(n => int.Parse(n, null))];
}
