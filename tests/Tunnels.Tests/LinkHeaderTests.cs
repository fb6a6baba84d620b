using SoftUnicast.Model;

namespace SoftUnicast.Tunnels.Tests;

public sealed class LinkHeaderTests
{
    private static readonly MacAddress Source = MacAddress.Parse("02:00:00:00:00:01");
    private static readonly MacAddress Destination = MacAddress.Parse("02:00:00:00:00:fe");

    [Theory]
    [InlineData(null, "0200000000fe 020000000001 0800")]
    [InlineData((ushort)1, "0200000000fe 020000000001 8100 0001 0800")]
    [InlineData((ushort)100, "0200000000fe 020000000001 8100 0064 0800")]
    [InlineData((ushort)4094, "0200000000fe 020000000001 8100 0ffe 0800")]
    public void The_header_is_14_bytes_or_18_with_a_tag(ushort? vlanId, string hex)
    {
        var header = LinkHeader.Build(new NextHop(3, Source, Destination, vlanId, 1500));

        Assert.Equal(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), header);
        Assert.True(LinkHeader.TryParse(header, out var source, out var destination, out var readId));
        Assert.Equal((Source, Destination, vlanId), (source, destination, readId));
    }

    [Theory]
    [InlineData((ushort)0)]
    [InlineData((ushort)4095)]
    [InlineData((ushort)65535)]
    public void A_reserved_VLAN_id_is_refused(ushort vlanId)
    {
        var error = Assert.Throws<ArgumentException>(() => LinkHeader.Build(new NextHop(3, Source, Destination, vlanId, 1500)));

        Assert.StartsWith($"a VLAN id is 1 to 4094, not {vlanId}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0200000000fe0200000000010800ff")] // a byte too many
    [InlineData("0200000000fe02000000000186dd")] // IPv6
    [InlineData("0200000000fe02000000000188a800640800")] // 802.1ad
    [InlineData("0200000000fe020000000001810000000800")] // VLAN 0
    [InlineData("0200000000fe0200000000018100e0640800")] // priority 7
    public void Other_bytes_do_not_read_back(string hex) =>
        Assert.False(LinkHeader.TryParse(Convert.FromHexString(hex), out _, out _, out _));
}
