namespace SoftUnicast.Config.Tests;

public class NearestTests
{
    [Theory]
    [InlineData("prefix", "prefix", 0)]
    [InlineData("prefx", "prefix", 1)]
    [InlineData("prfeix", "prefix", 1)]
    [InlineData("tags", "prefix", 6)]
    [InlineData("", "abc", 3)]
    public void Distance_counts_letters_and_a_swap_as_one(string left, string right, int distance) =>
        Assert.Equal(distance, Nearest.Distance(left, right, 100));

    [Theory]
    [InlineData("prefex", "prefix")]
    [InlineData("slicesize", "slice-size")]
    [InlineData("fr", "fra")]
    [InlineData("xyz", null)]
    [InlineData("", null)]
    public void The_nearest_word_is_offered_if_it_is_near(string word, string? expected) =>
        Assert.Equal(expected, new Nearest().Find(word, ["prefix", "slice-size", "fra", "datacenters"]));

    [Fact]
    public void Of_two_words_equally_near_the_first_in_the_alphabet_is_offered_whatever_their_order()
    {
        Assert.Equal("ams-1", new Nearest().Find("ams-3", ["ams-2", "ams-1"]));
        Assert.Equal("ams-1", new Nearest().Find("ams-3", ["ams-1", "ams-2"]));
    }

    [Fact]
    public void A_long_word_is_not_looked_up() => Assert.Null(new Nearest().Find(new string('a', 65), [new string('a', 65)]));
}
