namespace SoftUnicast.Model.Tests;

public class LinkTests
{
    [Theory]
    [InlineData("00:00:00:00:00:00", "00:00:00:00:00:00")]
    [InlineData("02:00:5e:10:00:ff", "02:00:5e:10:00:ff")]
    [InlineData("FF:FF:FF:FF:FF:FF", "ff:ff:ff:ff:ff:ff")]
    public void A_mac_address_is_six_pairs_of_digits(string text, string canonical)
    {
        var address = MacAddress.Parse(text);
        Assert.Equal(canonical, address.ToString());
        Assert.Equal(address, MacAddress.FromBytes(address.ToBytes()));
        Order.FormatsLike(address);
    }

    [Theory]
    [InlineData("")]
    [InlineData("02:00:5e:10:00")]
    [InlineData("02:00:5e:10:00:ff:")]
    [InlineData("02-00-5e-10-00-ff")]
    [InlineData("02005e1000ff")]
    [InlineData("02:00:5e:10:00:fg")]
    [InlineData("02:00:5e:10:00: f")]
    [InlineData("2:0:5e:10:00:ff00")]
    [InlineData("02:00:5e:10:00:+f")]
    public void Other_texts_are_no_mac_addresses(string text)
    {
        Assert.False(MacAddress.TryParse(text, out var address));
        Assert.Equal(default, address);
        Assert.Throws<FormatException>(() => MacAddress.Parse(text));
    }

    [Fact]
    public void Bytes_stand_as_on_the_wire()
    {
        Assert.Equal([0x02, 0x00, 0x5e, 0x10, 0x00, 0xff], MacAddress.Parse("02:00:5e:10:00:ff").ToBytes());
        Assert.Throws<ArgumentException>(() => MacAddress.FromBytes(new byte[5]));
        Assert.Throws<ArgumentException>(() => MacAddress.FromBytes(new byte[7]));
    }

    [Theory]
    [InlineData(EncapsulationKind.Gue, null, "gue", 32)]
    [InlineData(EncapsulationKind.Gre, null, "gre", 24)]
    [InlineData(EncapsulationKind.Gre, 7u, "gre key 7", 28)]
    [InlineData(EncapsulationKind.Gre, 0u, "gre key 0", 28)]
    [InlineData(EncapsulationKind.Ipip, null, "ipip", 20)]
    public void An_encapsulation_has_a_name_and_costs_bytes(EncapsulationKind kind, uint? key, string text, int overheadBytes)
    {
        var encapsulation = new Encapsulation(kind, key);
        Assert.Equal((text, overheadBytes), (encapsulation.ToString(), encapsulation.OverheadBytes));
        Assert.Equal(encapsulation, new Encapsulation(kind, key));
    }

    [Theory]
    [InlineData(EncapsulationKind.Gue)]
    [InlineData(EncapsulationKind.Ipip)]
    public void Only_gre_carries_a_key(EncapsulationKind kind) => Assert.Throws<ArgumentException>(() => new Encapsulation(kind, 0));

    [Fact]
    public void The_default_encapsulation_is_gue_and_a_key_of_zero_is_a_key()
    {
        Assert.Equal(new Encapsulation(EncapsulationKind.Gue), default);
        Assert.NotEqual(new Encapsulation(EncapsulationKind.Gre), new Encapsulation(EncapsulationKind.Gre, 0));
    }
}
