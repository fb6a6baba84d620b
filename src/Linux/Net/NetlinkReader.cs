using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>Bytes that are no well-formed netlink. Says which message and where.</summary>
public sealed class NetlinkFormatException(string message) : FormatException(message);

/// <summary>One message: its header's fields and the bytes behind the header.</summary>
internal readonly ref struct NetlinkMessage
{
    public ushort Type { get; init; }

    public ushort Flags { get; init; }

    public uint Sequence { get; init; }

    public ReadOnlySpan<byte> Body { get; init; }
}

/// <summary>
/// Walks the messages of one datagram: length (4 bytes, header included), type (2), flags (2), sequence (4), port id (4),
/// body, padding to 4. Host byte order.
/// </summary>
internal ref struct NetlinkReader(ReadOnlySpan<byte> datagram)
{
    public const int HeaderBytes = 16;
    private ReadOnlySpan<byte> rest = datagram;

    /// <summary>False at the end.</summary>
    /// <exception cref="NetlinkFormatException">A header is cut short, or its length is less than a header or more than there is.</exception>
    public bool TryRead(out NetlinkMessage message)
    {
        message = default;
        if (rest.IsEmpty)
        {
            return false;
        }

        if (rest.Length < HeaderBytes)
        {
            throw new NetlinkFormatException($"netlink header cut short: {rest.Length} of {HeaderBytes} bytes");
        }

        var length = MemoryMarshal.Read<uint>(rest);
        if (length < HeaderBytes || length > rest.Length)
        {
            throw new NetlinkFormatException($"netlink message claims {length} bytes, {rest.Length} are there");
        }

        message = new NetlinkMessage
        {
            Type = MemoryMarshal.Read<ushort>(rest[4..]),
            Flags = MemoryMarshal.Read<ushort>(rest[6..]),
            Sequence = MemoryMarshal.Read<uint>(rest[8..]),
            Body = rest[HeaderBytes..(int)length],
        };
        rest = rest[Math.Min(rest.Length, Align((int)length))..];
        return true;
    }

    public static int Align(int length) => (length + 3) & ~3;
}

/// <summary>Walks attributes: length (2 bytes, header included), type (2), value, padding to 4.</summary>
internal ref struct AttributeReader(string owner, ReadOnlySpan<byte> attributes)
{
    public const int HeaderBytes = 4;
    private ReadOnlySpan<byte> rest = attributes;

    /// <param name="owner">What the attributes belong to, for errors.</param>
    /// <param name="body">A message body: a fixed header, then attributes.</param>
    /// <exception cref="NetlinkFormatException">The fixed header is cut short.</exception>
    public static AttributeReader Behind(string owner, ReadOnlySpan<byte> body, int headerBytes) => body.Length < headerBytes
        ? throw new NetlinkFormatException($"{owner}: {body.Length} bytes, where its header alone has {headerBytes}")
        : new AttributeReader(owner, body[Math.Min(body.Length, NetlinkReader.Align(headerBytes))..]);

    public bool TryRead(out ushort type, out AttributeValue value)
    {
        type = 0;
        value = default;
        if (rest.IsEmpty)
        {
            return false;
        }

        if (rest.Length < HeaderBytes)
        {
            throw new NetlinkFormatException($"{owner}: attribute header cut short: {rest.Length} of {HeaderBytes} bytes");
        }

        var length = MemoryMarshal.Read<ushort>(rest);
        type = (ushort)(MemoryMarshal.Read<ushort>(rest[2..]) & Nl.NLA_TYPE_MASK);
        if (length < HeaderBytes || length > rest.Length)
        {
            throw new NetlinkFormatException($"{owner}: attribute {type} claims {length} bytes, {rest.Length} are there");
        }

        value = new AttributeValue(owner, type, rest[HeaderBytes..length]);
        rest = rest[Math.Min(rest.Length, NetlinkReader.Align(length))..];
        return true;
    }
}

/// <summary>The value of one attribute, read as what the reader expects it to be.</summary>
internal readonly ref struct AttributeValue(string owner, ushort type, ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    public ReadOnlySpan<byte> Bytes => bytes;

    public byte AsByte() => Exactly(1)[0];

    public ushort AsUInt16() => MemoryMarshal.Read<ushort>(Exactly(2));

    public ushort AsUInt16BigEndian() => BinaryPrimitives.ReadUInt16BigEndian(Exactly(2));

    public uint AsUInt32() => MemoryMarshal.Read<uint>(Exactly(4));

    public int AsInt32() => MemoryMarshal.Read<int>(Exactly(4));

    /// <summary>An address of 4 or 16 bytes, network order.</summary>
    public IpAddress AsAddress() => bytes.Length is 4 or 16
        ? IpAddress.FromBytes(bytes)
        : throw Wrong("an address of 4 or 16 bytes");

    /// <summary>Text up to the first NUL.</summary>
    public string AsText()
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    public AttributeReader AsNested() => new($"{owner} attribute {type}", bytes);

    private ReadOnlySpan<byte> Exactly(int count) => bytes.Length == count ? bytes : throw Wrong($"{count} bytes");

    private NetlinkFormatException Wrong(string expected) => new($"{owner}: attribute {type} has {bytes.Length} bytes, not {expected}");
}
