using System.Buffers.Binary;
using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Naming.Tests.Lab;

/// <summary>One record of an answer section.</summary>
internal readonly record struct DnsRecord(string Name, int Type, uint Ttl, IpAddress? Address);

/// <summary>A DNS message as a client reads it; strict, for it reads what we write.</summary>
internal sealed record DnsReply(ushort Id, int Rcode, bool IsAuthoritative, bool IsRecursionAvailable, ImmutableArray<DnsRecord> Answers, bool HasEdns, int Authorities)
{
    public static byte[] Query(ushort id, string name, int type, bool edns = false)
    {
        var wire = DnsName.Parse(name).Wire.Span.ToArray();
        var message = new byte[12 + wire.Length + 4 + (edns ? 11 : 0)];
        BinaryPrimitives.WriteUInt16BigEndian(message, id);
        message[5] = 1;
        wire.CopyTo(message, 12);
        message[12 + wire.Length + 1] = (byte)type;
        message[12 + wire.Length + 3] = 1;
        if (edns)
        {
            message[11] = 1;
            message[^9] = 41;
            message[^8] = 4; // 1024 bytes
            message[^4] = 128; // DO
        }

        return message;
    }

    public static DnsReply Read(ReadOnlySpan<byte> message)
    {
        var place = 12;
        Assert.Equal(1, message[5]);
        Assert.NotEqual(0, message[2] & 0x80);
        Name(message, ref place);
        place += 4;
        var answers = ImmutableArray.CreateBuilder<DnsRecord>();
        var (answerCount, authorityCount, additionalCount) = (Number(message, 6), Number(message, 8), Number(message, 10));
        var edns = false;
        for (var i = 0; i < answerCount + authorityCount + additionalCount; i++)
        {
            var name = Name(message, ref place);
            var type = Number(message, place);
            var ttl = BinaryPrimitives.ReadUInt32BigEndian(message[(place + 4)..]);
            var length = Number(message, place + 8);
            var data = message.Slice(place + 10, length);
            place += 10 + length;
            if (i < answerCount)
            {
                answers.Add(new DnsRecord(name, type, ttl, type is 1 or 28 ? IpAddress.FromBytes(data) : null));
            }

            edns |= type == 41;
        }

        Assert.Equal(message.Length, place);
        return new DnsReply(BinaryPrimitives.ReadUInt16BigEndian(message), message[3] & 15, (message[2] & 4) != 0, (message[3] & 128) != 0, answers.ToImmutable(), edns, authorityCount);
    }

    private static int Number(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);

    private static string Name(ReadOnlySpan<byte> message, ref int place)
    {
        var text = "";
        var (at, jumped) = (place, false);
        while (message[at] != 0)
        {
            if (message[at] >= 0xc0)
            {
                var target = Number(message, at) & 0x3fff;
                place = jumped ? place : at + 2;
                (at, jumped) = (target, true);
                continue;
            }

            text += System.Text.Encoding.Latin1.GetString(message.Slice(at + 1, message[at])) + ".";
            at += message[at] + 1;
        }

        place = jumped ? place : at + 1;
        return text;
    }
}
