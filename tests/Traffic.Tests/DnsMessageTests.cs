using SoftUnicast.Model;

namespace SoftUnicast.Traffic.Tests;

public class DnsMessageTests
{
    private const string Header = "1234 8580 0001 0001 0000 0000";
    private const string Question = "0261 37 0463 646e 73 00 0001 0001"; // a7.cdns
    private const string Record = "c00c 0001 0001 0000 001e 0004 c612 0001";

    [Fact]
    public void A_query_is_header_and_question()
    {
        var message = new byte[DnsMessage.LongestBytes];

        var length = DnsMessage.WriteQuery(message, 0x1234, "a.example");

        Assert.Equal(Bytes("1234 0100 0001 0000 0000 0000 01 61 07 6578616d706c65 00 0001 0001"), message[..length]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..example")]
    [InlineData("a.example.")]
    [InlineData("a123456789012345678901234567890123456789012345678901234567890123.example")]
    public void What_is_no_name_is_not_asked_for(string name) =>
        Assert.Throws<UsageException>(() => DnsMessage.WriteQuery(new byte[DnsMessage.LongestBytes], 1, name));

    [Theory]
    [InlineData("an address", $"{Header} {Question} {Record}", nameof(DnsOutcome.Address))]
    [InlineData("behind an alias", $"1234 8580 0001 0002 0000 0000 {Question} c00c 0005 0001 0000 001e 0002 c00f {Record}", nameof(DnsOutcome.Address))]
    [InlineData("no record", $"1234 8580 0001 0000 0000 0000 {Question}", nameof(DnsOutcome.Empty))]
    [InlineData("an address of IPv6", $"{Header} {Question} c00c 001c 0001 0000 001e 0010 20010db8000000000000000000000001", nameof(DnsOutcome.Empty))]
    [InlineData("SERVFAIL", $"1234 8582 0001 0000 0000 0000 {Question}", nameof(DnsOutcome.Refused))]
    [InlineData("FORMERR without a question", "1234 8581 0000 0000 0000 0000", nameof(DnsOutcome.Refused))]
    [InlineData("cut off in the record", $"{Header} {Question} c00c 0001 0001 0000 001e 0004 c612", nameof(DnsOutcome.Malformed))]
    [InlineData("cut off before the record", $"{Header} {Question}", nameof(DnsOutcome.Malformed))]
    [InlineData("a name that runs out", $"{Header} {Question} 3f61", nameof(DnsOutcome.Malformed))]
    [InlineData("another id", $"1235 8580 0001 0001 0000 0000 {Question} {Record}", nameof(DnsOutcome.Foreign))]
    [InlineData("a query", $"1234 0100 0001 0000 0000 0000 {Question}", nameof(DnsOutcome.Foreign))]
    [InlineData("another name", $"{Header} 0261 38 04 63646e73 00 0001 0001 {Record}", nameof(DnsOutcome.Foreign))]
    [InlineData("too short for a header", "1234 8580", nameof(DnsOutcome.Foreign))]
    public void An_answer_is(string what, string message, string expected)
    {
        var query = new byte[DnsMessage.LongestBytes];
        var length = DnsMessage.WriteQuery(query, 0x1234, "a7.cdns");

        var outcome = DnsMessage.ReadAnswer(Bytes(message), query.AsSpan(0, length), out var address, out _);

        Assert.True(expected == outcome.ToString(), $"{what}: {outcome}");
        Assert.Equal(outcome == DnsOutcome.Address ? IpAddress.Parse("198.18.0.1") : default, address);
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
