using System.Collections.Immutable;
using SoftUnicast.BgpSpeaker.Wire;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Tests.Wire;

/// <summary>FlowSpec NLRI (RFC 8955 4, RFC 8956 3), as bytes and back.</summary>
public sealed class FlowSpecTests
{
    private const string Slice = """
        0d                    # 13 bytes follow
        01 20 c0000207        # destination prefix, 32 bits: 192.0.2.7
        05                    # destination port
           13 1000            #   2 bytes, > =           4096
           d5 17ff            #   end, and, 2 bytes, < = 6143
        """;

    private const string Part = """
        0f                    # 15 bytes follow
        01 20 c0000207        # destination prefix
        02 00                 # source prefix, 0 bits: any
        05 13 1000 d5 17ff    # destination port
        """;

    private const string Whole = """
        06                    # 6 bytes follow
        01 20 c0000207        # destination prefix
        """;

    private const string LowPorts = """
        0b                    # 11 bytes follow
        01 20 c0000207
        05 03 00              # destination port, 1 byte, > = 0: the shortest operand
           85 ff              #   end, 1 byte, < = 255, without the and bit
        """;

    private const string Six = """
        1a                    # 26 bytes follow
        01 80 00              # destination prefix, 128 bits, offset 0
           20010db8000a00000000000000000001
        05 13 1000 d5 17ff    # destination port
        """;

    public static TheoryData<string, string, bool> Readable() => new()
    {
        { "dst 192.0.2.7/32, dst-port >=4096&<=6143", Slice, false },
        { "dst 192.0.2.7/32, src 0.0.0.0/0, dst-port >=4096&<=6143", Part, false },
        { "dst 192.0.2.7/32", Whole, false },
        { "dst 192.0.2.7/32, dst-port >=0<=255", LowPorts, false },
        { "dst 2001:db8:a::1/128, dst-port >=4096&<=6143", Six, true },
        { "dst 10.0.0.0/8", "03 01 08 0a", false },
        { "dst 2001:db8::/32 offset 8", "07 01 28 08 20010db8", true },
        { "type 3 =6", "03 03 81 06", false },
        { "dst-port =4294967296", "0a 05 b1 0000000100000000", false },
        { "dst-port =65536", "06 05 a1 00010000", false },
    };

    [Theory]
    [MemberData(nameof(Readable))]
    public void A_good_one_is_read_and_written_back_byte_for_byte(string text, string hex, bool ipv6)
    {
        Assert.Equal(FlowSpecFault.None, FlowSpecReader.TryRead(Hex.Parse(hex), ipv6, out var nlri));
        Assert.Equal(text, nlri!.ToString());
        Assert.Equal(Convert.ToHexStringLower(Hex.Parse(hex)), Convert.ToHexStringLower(FlowSpecWriter.Write(nlri)));
    }

    public static TheoryData<string, string, bool, string> Unreadable() => new()
    {
        { "empty", "", false, "Length" },
        { "length zero (RFC 8955 4: a rule has a component)", "00", false, "Length" },
        { "ends before its length", "07 01 20 c0000207", false, "Length" },
        { "goes on past its length", "05 01 20 c0000207", false, "Length" },
        { "long length of one byte", "f0", false, "Length" },
        { "long length that is not there", "f3e8 01 20 c0000207", false, "Length" },
        { "prefix without its length", "01 01", false, "Length" },
        { "prefix cut off", "04 01 20 c000", false, "Length" },
        { "prefix of 33 bits", "07 01 21 c000020700", false, "Prefix" },
        { "IPv6 prefix of 129 bits", "14 01 81 00 20010db8000a0000000000000000000100", true, "Prefix" },
        { "IPv6 offset at the prefix's end (RFC 8956 3.1)", "03 01 20 20", true, "Prefix" },
        { "operator without operand", "02 05 91", false, "Length" },
        { "operands without an end", "05 05 03 01 03 02", false, "Length" },
        { "component 0", "03 00 81 06", false, "UnknownComponent" },
        { "component 13 in IPv4 (RFC 8956 3.7: IPv6 only)", "03 0d 81 06", false, "UnknownComponent" },
        { "component 14", "03 0e 81 06", true, "UnknownComponent" },
        { "port before prefix (RFC 8955 4.2: types ascend)", "09 05 81 06 01 20 c0000207", false, "Order" },
        { "prefix twice", "0c 01 20 c0000207 01 20 c0000208", false, "Order" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public void A_bad_one_is_a_fault_with_its_name(string why, string hex, bool ipv6, string fault)
    {
        Assert.Equal((fault, why), (FlowSpecReader.TryRead(Hex.Parse(hex), ipv6, out var nlri).ToString(), why));
        Assert.Null(nlri);
    }

    [Fact]
    public void A_thousand_operands_are_not_read_to_their_end()
    {
        byte[] items = [5, .. Enumerable.Range(0, 1000).SelectMany(i => new byte[] { (byte)(i == 999 ? 0x81 : 0x01), (byte)i })];
        Assert.Equal(FlowSpecFault.TooMany, FlowSpecReader.TryRead([(byte)(0xf0 | (items.Length >> 8)), (byte)items.Length, .. items], false, out _));
        items = [5, .. Enumerable.Range(0, FlowSpecNlri.MaxItems).SelectMany(i => new byte[] { (byte)(i == FlowSpecNlri.MaxItems - 1 ? 0x81 : 0x01), 1 })];
        Assert.Equal(FlowSpecFault.None, FlowSpecReader.TryRead([(byte)items.Length, .. items], false, out _));
    }

    [Fact]
    public void A_thousand_components_cannot_ascend()
    {
        byte[] components = [.. Enumerable.Range(0, 1000).SelectMany(_ => new byte[] { 3, 0x81, 6 })];
        Assert.Equal(FlowSpecFault.Order, FlowSpecReader.TryRead([(byte)(0xf0 | (components.Length >> 8)), (byte)components.Length, .. components], false, out _));
    }

    [Fact]
    public void From_240_bytes_on_the_length_takes_two()
    {
        var items = Enumerable.Range(0, 60).Select(i => new FlowSpecItem(FlowSpecItem.Equal, 0x1_0000_0000u + (ulong)i)).ToImmutableArray();
        var bytes = FlowSpecWriter.Write(new FlowSpecNlri(false, [FlowSpecComponent.OfItems(5, items)]));
        Assert.Equal([0xf2, 0x1d], bytes[..2]);
        Assert.Equal(2 + 0x21d, bytes.Length);
        Assert.Equal(FlowSpecFault.None, FlowSpecReader.TryRead(bytes, false, out var back));
        Assert.Equal(items, back!.Components.Single().Items);
    }

    [Fact]
    public void Random_bytes_never_throw_and_what_is_read_is_written_back_to_the_same_meaning()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 200_000; round++)
        {
            var bytes = new byte[random.Next(1, 40)];
            random.NextBytes(bytes);
            bytes[0] = (byte)(bytes.Length - 1);
            if (bytes.Length > 1)
            {
                bytes[1] = (byte)random.Next(0, 15);
            }

            var ipv6 = random.Next(2) == 0;
            if (FlowSpecReader.TryRead(bytes, ipv6, out var nlri) == FlowSpecFault.None)
            {
                var again = FlowSpecReader.TryRead(FlowSpecWriter.Write(nlri!), ipv6, out var back);
                Assert.True(again == FlowSpecFault.None && nlri!.Equals(back), $"seed {seed}, round {round}: {Convert.ToHexStringLower(bytes)}");
            }
        }
    }

    [Theory]
    [InlineData("192.0.2.7:4096-6143", "Slice", Slice)]
    [InlineData("192.0.2.7:4096-6143", "Block", Part)]
    [InlineData("192.0.2.7:0-65535", "Block", Whole)]
    [InlineData("[2001:db8:a::1]:4096-6143", "Slice", Six)]
    public void Ownership_has_one_form_as_bytes(string ports, string kind, string hex)
    {
        var match = OwnershipMatch.Of(Enum.Parse<OwnershipKind>(kind), AddressPorts.Parse(ports));
        Assert.Equal(Convert.ToHexStringLower(Hex.Parse(hex)), Convert.ToHexStringLower(FlowSpecWriter.Write(match.ToNlri())));
        Assert.True(OwnershipMatch.TryRead(match.ToNlri(), out var back, out _));
        Assert.Equal(match, back);
    }

    [Theory]
    [InlineData("one port is no range", "09 01 20 c0000207 05 81 06", "dst-port =6 is not one range of ports")]
    [InlineData("the range is open", "0a 01 20 c0000207 05 93 1000", "dst-port >=4096 is not one range of ports")]
    [InlineData("or instead of and", LowPorts, "dst-port >=0<=255 is not one range of ports")]
    [InlineData("the range runs backwards", "0c 01 20 c0000207 05 13 2000 d5 17ff", "dst-port >=8192&<=6143 is not one range of ports")]
    [InlineData("a port past 65535", "0e 01 20 c0000207 05 13 1000 e5 00010000", "dst-port >=4096&<=65536 is not one range of ports")]
    [InlineData("a prefix", "05 01 18 c00002", "dst 192.0.2.0/24 is not one address")]
    [InlineData("a protocol", "09 01 20 c0000207 03 81 06", "type 3 =6 is no part of an ownership route")]
    [InlineData("a source", "08 01 20 c0000207 02 08 0a", "src 10.0.0.0/8 is no part of an ownership route")]
    [InlineData("no destination", "07 05 13 1000 d5 17ff", "no destination address")]
    public void Other_rules_are_not_ownership_and_say_what_they_are(string why, string hex, string problem)
    {
        var bytes = Hex.Parse(hex);
        // The length byte of a row is filled in here.
        bytes[0] = (byte)(bytes.Length - 1);
        Assert.Equal((FlowSpecFault.None, why), (FlowSpecReader.TryRead(bytes, false, out var nlri), why));
        Assert.False(OwnershipMatch.TryRead(nlri!, out _, out var actual));
        Assert.Equal(problem, actual);
    }
}
