namespace SoftUnicast.Traffic.Tests;

public class ChiSquaredTests
{
    // NIST/SEMATECH e-Handbook of Statistical Methods 1.3.6.7.4, upper critical values.
    [Theory]
    [InlineData(1, 2.706, 0.10)]
    [InlineData(1, 3.841, 0.05)]
    [InlineData(1, 10.828, 0.001)]
    [InlineData(2, 5.991, 0.05)]
    [InlineData(5, 15.086, 0.01)]
    [InlineData(10, 18.307, 0.05)]
    [InlineData(10, 29.588, 0.001)]
    [InlineData(30, 43.773, 0.05)]
    [InlineData(100, 118.498, 0.10)]
    [InlineData(100, 149.449, 0.001)]
    [InlineData(1, 0.004, 0.95)] // lower critical values: the other tail
    [InlineData(10, 3.940, 0.95)]
    [InlineData(100, 77.929, 0.95)]
    public void The_upper_tail_is_the_tables(int degreesOfFreedom, double statistic, double tail) =>
        Assert.Equal(tail, ChiSquared.UpperTail(statistic, degreesOfFreedom), tail * 0.02); // the table has three digits

    // Two degrees of freedom: exp(-x / 2).
    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(3)]
    [InlineData(4.5)]
    [InlineData(60)]
    [InlineData(1200)]
    public void With_two_degrees_of_freedom_the_tail_is_exponential(double statistic) =>
        Assert.Equal(1, ChiSquared.UpperTail(statistic, 2) / Math.Exp(-statistic / 2), 12);

    // Wilson and Hilferty: at many degrees of freedom the cube root is as good as normal. 0, 2 and -2 standard deviations.
    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(2, 0.0227501)]
    [InlineData(-2, 0.9772499)]
    public void With_4095_degrees_of_freedom_the_tail_is_that_of_the_normal_distribution(double sigmas, double tail)
    {
        var spread = 2.0 / (9 * 4095);
        var statistic = 4095 * Math.Pow(1 - spread + (sigmas * Math.Sqrt(spread)), 3);

        Assert.Equal(tail, ChiSquared.UpperTail(statistic, 4095), 5);
    }

    [Fact]
    public void Counts_are_held_against_equal_shares()
    {
        var chi = ChiSquared.AgainstEqualShares([8, 12, 9, 11])!.Value;

        Assert.Equal((1.0, 3, 1), (chi.Statistic, chi.DegreesOfFreedom, chi.CellsTogether));
        Assert.Equal(0.8013, chi.PValue, 4);
    }

    [Theory]
    [InlineData(new[] { 5, 5, 5, 5, 5, 5, 5, 5 }, 1)]
    [InlineData(new[] { 5, 5, 5, 5, 5, 5, 5, 4 }, 2)]
    [InlineData(new[] { 1, 2, 1, 1, 1, 2, 1, 1 }, 4)]
    public void Neighbours_are_put_together_until_five_are_expected_in_each_cell(int[] counts, int together)
    {
        var chi = ChiSquared.AgainstEqualShares(counts)!.Value;

        Assert.Equal((together, (counts.Length / together) - 1), (chi.CellsTogether, chi.DegreesOfFreedom));
    }

    [Theory]
    [InlineData(new int[] { })]
    [InlineData(new[] { 1000 })]
    [InlineData(new[] { 4, 5 })]
    public void One_cell_is_no_test(int[] counts) => Assert.Null(ChiSquared.AgainstEqualShares(counts));
}
