using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>An IPv4 header to be, with what tests like to bend.</summary>
internal sealed record Ip(string From, string To, byte Protocol)
{
    public byte Tos { get; init; }

    public byte Ttl { get; init; } = 64;

    public bool MoreFragments { get; init; }

    /// <summary>In units of 8 bytes.</summary>
    public int FragmentOffset { get; init; }

    /// <summary>A multiple of 4 bytes.</summary>
    public byte[] Options { get; init; } = [];

    public byte Version { get; init; } = 4;

    /// <summary>Header length in words; null: the right one.</summary>
    public int? HeaderWords { get; init; }

    /// <summary>Null: the right one.</summary>
    public int? TotalLength { get; init; }

    public ushort Checksum { get; init; }

    public byte[] Around(params byte[] payload)
    {
        var header = new byte[20 + Options.Length];
        header[0] = (byte)((Version << 4) | (HeaderWords ?? (header.Length / 4)));
        header[1] = Tos;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(TotalLength ?? (header.Length + payload.Length)));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), 0x1234);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), (ushort)(FragmentOffset | (MoreFragments ? 0x2000 : 0)));
        header[8] = Ttl;
        header[9] = Protocol;
        IpAddress.Parse(From).ToBytes().CopyTo(header, 12);
        IpAddress.Parse(To).ToBytes().CopyTo(header, 16);
        Options.CopyTo(header, 20);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), Checksum != 0 ? Checksum : Build.Sum(header));
        return [.. header, .. payload];
    }
}

/// <summary>Packets from parts, so that a row of a test reads like the packet.</summary>
internal static class Build
{
    public const byte Syn = 0x02;
    public const byte Ack = 0x10;
    public const byte Init = 1;
    public const byte Data = 0;

    /// <summary>An Ethernet frame to this server.</summary>
    /// <param name="tags">Tag protocol and VLAN of each tag, outermost first.</param>
    public static byte[] Frame(byte[] payload, ushort etherType = 0x0800, byte[]? to = null, params (ushort Type, ushort Vlan)[] tags)
    {
        byte[] header = [.. to ?? TestEndpoint.OwnMac, 0x02, 0, 0, 0, 0, 0x99];
        foreach (var (type, vlan) in tags)
        {
            header = [.. header, .. Word(type), .. Word(vlan)];
        }

        return [.. header, .. Word(etherType), .. payload];
    }

    public static byte[] Tcp(int from, int to, byte flags = Ack, params byte[] payload) =>
        [.. Word(from), .. Word(to), 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0x20, 0, 0xab, 0xcd, 0, 0, .. payload];

    public static byte[] Udp(int from, int to, params byte[] payload) =>
        [.. Word(from), .. Word(to), .. Word(8 + payload.Length), 0xab, 0xcd, .. payload];

    /// <summary>The common header, and a chunk of this type if one is asked for.</summary>
    public static byte[] Sctp(int from, int to, int? chunk = Data) =>
        [.. Word(from), .. Word(to), 0, 0, 0, 7, 0, 0, 0, 0, .. chunk is { } type ? (byte[])[(byte)type, 0, 0, 4] : []];

    /// <summary>An echo request (8) or reply (0), with its checksum.</summary>
    public static byte[] Echo(byte type, int identifier, params byte[] payload)
    {
        byte[] message = [type, 0, 0, 0, .. Word(identifier), 0, 1, .. payload];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Sum(message));
        return message;
    }

    /// <summary>An ICMP error that quotes a packet.</summary>
    public static byte[] Error(byte type, params byte[] quoted) => [type, 1, 0x11, 0x22, 0, 0, 0, 0, .. quoted];

    public static byte[] Gue(string from, string to, params byte[] inner) =>
        new Ip(from, to, 17).Around(Udp(50000, 6080, [0, 4, 0, 0, .. inner]));

    public static byte[] Gre(string from, string to, uint? key, params byte[] inner) =>
        new Ip(from, to, 47).Around([.. GreHeader(key), .. inner]);

    public static byte[] GreHeader(uint? key) => key is { } k
        ? [0x20, 0, 8, 0, (byte)(k >> 24), (byte)(k >> 16), (byte)(k >> 8), (byte)k]
        : [0, 0, 8, 0];

    public static byte[] Ipip(string from, string to, params byte[] inner) => new Ip(from, to, 4).Around(inner);

    /// <summary>The Internet checksum (RFC 1071), added up the slow way.</summary>
    public static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            sum += (ulong)bytes[i] << (i % 2 == 0 ? 8 : 0);
        }

        while (sum > 0xffff)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }

    public static byte[] Word(int value) => [(byte)(value >> 8), (byte)value];
}
