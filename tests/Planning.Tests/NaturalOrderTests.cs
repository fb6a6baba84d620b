namespace SoftUnicast.Planning.Tests;

public sealed class NaturalOrderTests
{
    [Theory]
    [InlineData("ams-2", "ams-10")]
    [InlineData("ams-2-b", "ams-2-c")]
    [InlineData("ams-2", "ams-2-a")]
    [InlineData("ams", "ams-1")]
    [InlineData("ams-1", "fra-1")]
    [InlineData("ams-01", "ams-1")]
    [InlineData("a1b9", "a1b10")]
    [InlineData("a99999999999999999998", "a99999999999999999999")]
    public void Numbers_count_and_the_order_is_total(string less, string more)
    {
        Assert.True(NaturalOrder.Instance.Compare(less, more) < 0);
        Assert.True(NaturalOrder.Instance.Compare(more, less) > 0);
        Assert.Equal(0, NaturalOrder.Instance.Compare(less, less));
    }
}
