using System.Buffers.Binary;
using System.Text;
using SoftUnicast.Model;

namespace SoftUnicast.Traffic;

internal enum DnsOutcome
{
    /// <summary>No answer to this query: another one's, or nobody's.</summary>
    Foreign,
    Address,

    /// <summary>No error, and no A record.</summary>
    Empty,

    /// <summary>A response code other than 0.</summary>
    Refused,
    Malformed,
}

/// <summary>As much of DNS (RFC 1035) as asking for A records takes.</summary>
internal static class DnsMessage
{
    public const int LongestBytes = 512; // without EDNS
    private const int HeaderBytes = 12;
    private const int RecursionDesired = 0x0100;
    private const int IsResponse = 0x8000;
    private const int LongestLabel = 63;
    private const int LongestName = 255;
    private const int TypeA = 1;
    private const int ClassIn = 1;

    /// <summary>A query for A.</summary>
    /// <param name="name">Without a dot at its end.</param>
    /// <returns>How many bytes of <paramref name="message"/> it is.</returns>
    public static int WriteQuery(Span<byte> message, ushort id, string name)
    {
        message[..HeaderBytes].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(message, id);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], RecursionDesired);
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], 1); // one question
        var place = HeaderBytes;
        foreach (var label in name.Split('.'))
        {
            if (label.Length is 0 or > LongestLabel || place + label.Length + 2 - HeaderBytes > LongestName)
            {
                throw new UsageException($"'{name}' is no name of the DNS");
            }

            message[place] = (byte)label.Length;
            place += 1 + Encoding.ASCII.GetBytes(label, message[(place + 1)..]);
        }

        message[place] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(message[(place + 1)..], TypeA);
        BinaryPrimitives.WriteUInt16BigEndian(message[(place + 3)..], ClassIn);
        return place + 5;
    }

    /// <summary>The first A record of an answer to a query.</summary>
    /// <param name="responseCode">Of the header; 2 is SERVFAIL, 3 NXDOMAIN.</param>
    public static DnsOutcome ReadAnswer(ReadOnlySpan<byte> message, ReadOnlySpan<byte> query, out IpAddress address, out int responseCode)
    {
        (address, responseCode) = (default, 0);
        var question = query[HeaderBytes..];
        if (message.Length < HeaderBytes || !message[..2].SequenceEqual(query[..2]) || (Number(message, 2) & IsResponse) == 0)
        {
            return DnsOutcome.Foreign;
        }

        responseCode = message[3] & 15;
        var hasQuestion = Number(message, 4) == 1;
        if (hasQuestion && !message[HeaderBytes..].StartsWith(question))
        {
            return DnsOutcome.Foreign;
        }

        if (responseCode != 0)
        {
            return DnsOutcome.Refused;
        }

        var place = HeaderBytes + (hasQuestion ? question.Length : 0);
        for (var left = Number(message, 6); left > 0; left--)
        {
            if (!SkipName(message, ref place) || place + 10 > message.Length || place + 10 + Number(message, place + 8) > message.Length)
            {
                return DnsOutcome.Malformed;
            }

            var data = message.Slice(place + 10, Number(message, place + 8));
            if (Number(message, place) == TypeA && Number(message, place + 2) == ClassIn && data.Length == 4)
            {
                address = IpAddress.FromBytes(data);
                return DnsOutcome.Address;
            }

            place += 10 + data.Length;
        }

        return DnsOutcome.Empty;
    }

    private static int Number(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);

    // A name ends with an empty label, or with a pointer to the rest of it.
    private static bool SkipName(ReadOnlySpan<byte> message, ref int place)
    {
        while (place < message.Length)
        {
            var length = message[place];
            place += length switch { 0 => 1, >= 0xc0 => 2, _ => length + 1 };
            if (length is 0 or >= 0xc0)
            {
                return true;
            }
        }

        return false;
    }
}
