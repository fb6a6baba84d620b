using System.Buffers.Binary;
using System.Text;
using SoftUnicast.Linux.Net;

namespace SoftUnicast.Linux.Tests.Net;

/// <summary>Hand-made netlink bytes, laid out as a little-endian kernel does.</summary>
internal static class Netlink
{
    public static byte[] Message(ushort type, ushort flags, uint sequence, params byte[][] parts)
    {
        var body = parts.SelectMany(p => p).ToArray();
        var message = new byte[(16 + body.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)(16 + body.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), flags);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), sequence);
        body.CopyTo(message, 16);
        return message;
    }

    public static byte[] Attribute(ushort type, params byte[] value)
    {
        var attribute = new byte[(4 + value.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(attribute, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(attribute.AsSpan(2), type);
        value.CopyTo(attribute, 4);
        return attribute;
    }

    public static byte[] Attribute(ushort type, string text) => Attribute(type, [.. Encoding.UTF8.GetBytes(text), 0]);

    public static byte[] Attribute(ushort type, uint value) => Attribute(type, BitConverter.GetBytes(value));

    public static byte[] IfInfo(int index, uint flags = Nl.IFF_UP | Nl.IFF_LOWER_UP, ushort type = Nl.ARPHRD_ETHER, byte family = 0) =>
        [family, 0, .. BitConverter.GetBytes(type), .. BitConverter.GetBytes(index), .. BitConverter.GetBytes(flags), 0, 0, 0, 0];

    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(p => p)];
}

/// <summary>Waits for a condition of a live system; what is false at the deadline fails with what was seen.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static async Task True(Func<bool> condition, Func<string> seen)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > Deadline)
            {
                Assert.Fail($"still not after {Deadline.TotalSeconds} s: {seen()}");
            }

            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
