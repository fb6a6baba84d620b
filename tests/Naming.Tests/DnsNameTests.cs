namespace SoftUnicast.Naming.Tests;

public class DnsNameTests
{
    [Theory]
    [InlineData("www.Example.COM", "www.example.com.")]
    [InlineData("www.example.com.", "www.example.com.")]
    [InlineData(".", ".")]
    [InlineData("a\\.b.example", "a\\046b.example.")]
    [InlineData("a\\032b.example", "a\\032b.example.")]
    [InlineData("_sip._tcp.example", "_sip._tcp.example.")]
    public void A_name_reads_back_in_lower_case(string text, string expected) => Assert.Equal(expected, DnsName.Parse(text).ToString());

    public static TheoryData<string, string> Bad => new()
    {
        { "nothing", "" },
        { "an empty label", "a..b" },
        { "a dot before it", ".a" },
        { "two dots behind it", "a.." },
        { "a label of 64", new string('a', 64) },
        { "256 bytes", string.Join('.', Enumerable.Repeat(new string('a', 63), 3)) + "." + new string('b', 62) },
        { "a backslash at its end", "a\\" },
        { "a number that is no byte", "a\\256" },
        { "half a number", "a\\25" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void What_is_no_name_is_refused(string rule, string text) => Assert.False(DnsName.TryParse(text, out _), rule);

    [Fact]
    public void A_name_of_255_bytes_is_the_longest() =>
        Assert.Equal(255, DnsName.Parse(string.Join('.', Enumerable.Repeat(new string('a', 63), 3)) + "." + new string('b', 61)).Wire.Length);
}
