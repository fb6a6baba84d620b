using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using SoftUnicast.Model;

namespace SoftUnicast.Naming;

/// <summary>How a request of PowerDNS was answered.</summary>
public enum RemoteOutcome
{
    /// <summary>With records by policy.</summary>
    Records = 0,

    /// <summary>With none: PowerDNS asks its next backend, or knows what it asked for to be absent.</summary>
    Empty = 1,

    /// <summary>With an error that makes PowerDNS say SERVFAIL: the policy and its defaults have nothing left.</summary>
    Nothing = 2,

    /// <summary>It was no request: an error came back, and nothing else happened.</summary>
    Malformed = 3,
}

/// <summary>
/// Answers what PowerDNS's remote backend asks, one line of JSON by one line of JSON (PowerDNS 4.7, "Remote Backend"). Keeps no
/// state between requests; safe for any number of callers.
/// </summary>
/// <param name="table">The rules in force: asked anew for each request, so that a change holds for the next one.</param>
public sealed class RemoteBackend(Func<NamingTable> table)
{
    public const int LongestRequest = 64 * 1024;

    /// <param name="request">One line, with or without its end.</param>
    /// <param name="reply">Gets one line with its end.</param>
    public RemoteOutcome Answer(ReadOnlySpan<byte> request, IBufferWriter<byte> reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        var asked = default(Request);
        try
        {
            if (Read(request, ref asked) is { } error)
            {
                return Refuse(reply, error);
            }
        }
        catch (JsonException e)
        {
            return Refuse(reply, $"no JSON in line {e.LineNumber + 1}, byte {e.BytePositionInLine}");
        }
        catch (InvalidOperationException)
        {
            return Refuse(reply, "a text holds what is no UTF-8");
        }

        return asked.Method switch
        {
            Method.Lookup => Lookup(asked, reply),
            Method.Initialize => Say(reply, "{\"result\":true}\n"u8),
            Method.Lists => Say(reply, "{\"result\":[]}\n"u8),
            Method.Maps => Say(reply, "{\"result\":{}}\n"u8),
            _ => Say(reply, "{\"result\":false}\n"u8),
        };
    }

    private RemoteOutcome Lookup(Request asked, IBufferWriter<byte> reply)
    {
        Span<byte> wire = stackalloc byte[DnsName.LongestName];
        var length = DnsName.Write(asked.Name.AsSpan(), wire);
        if (length == 0)
        {
            return Refuse(reply, "qname is no domain name");
        }

        if (asked.Types == AddressTypes.None)
        {
            return Say(reply, "{\"result\":[]}\n"u8);
        }

        var name = (ReadOnlySpan<byte>)wire[..length];
        var rules = table();
        var a = asked.Types.HasFlag(AddressTypes.A) ? rules.Answer(name, AddressTypes.A, Random.Shared) : default;
        var aaaa = asked.Types.HasFlag(AddressTypes.Aaaa) ? rules.Answer(name, AddressTypes.Aaaa, Random.Shared) : default;
        if (a.Kind == AnswerKind.Nothing || aaaa.Kind == AnswerKind.Nothing)
        {
            // No 'result': PowerDNS answers SERVFAIL. It asks for all types at once, so one that has nothing left takes the other
            // along: a reply with the other alone would be an empty answer to a query for this one.
            Say(reply, "{\"log\":[\"a policy and its defaults have nothing left to answer\"]}\n"u8);
            return RemoteOutcome.Nothing;
        }

        var to = reply.GetSpan(256 + (8 * asked.Name.Length));
        var at = Put(to, 0, "{\"result\":["u8);
        var first = at;
        at = Record(to, at, asked.Name, a, "A"u8, first);
        at = Record(to, at, asked.Name, aaaa, "AAAA"u8, first);
        var outcome = at == first ? RemoteOutcome.Empty : RemoteOutcome.Records;
        at = Put(to, at, "]}\n"u8);
        reply.Advance(at);
        return outcome;
    }

    private static int Record(Span<byte> to, int at, byte[] name, NamingAnswer answer, ReadOnlySpan<byte> type, int first)
    {
        if (answer.Kind != AnswerKind.Address)
        {
            return at;
        }

        at = at > first ? Put(to, at, ","u8) : at;
        at = Put(to, at, "{\"qtype\":\""u8);
        at = Put(to, at, type);
        at = Put(to, at, "\",\"qname\":\""u8);
        foreach (var b in name)
        {
            // What was read from a JSON text needs a backslash before the two that end or escape one; control characters never get here.
            if (b is (byte)'"' or (byte)'\\')
            {
                to[at++] = (byte)'\\';
            }

            to[at++] = b;
        }

        at = Put(to, at, "\",\"content\":\""u8);
        Span<char> text = stackalloc char[48];
        answer.Address.TryFormat(text, out var written, default, null);
        at += Encoding.ASCII.GetBytes(text[..written], to[at..]);
        at = Put(to, at, "\",\"ttl\":"u8);
        Utf8Formatter.TryFormat(answer.TtlSeconds, to[at..], out written);
        at += written;
        return Put(to, at, "}"u8);
    }

    private static int Put(Span<byte> to, int at, ReadOnlySpan<byte> text)
    {
        text.CopyTo(to[at..]);
        return at + text.Length;
    }

    private static RemoteOutcome Say(IBufferWriter<byte> reply, ReadOnlySpan<byte> line)
    {
        reply.Write(line);
        return RemoteOutcome.Empty;
    }

    internal static RemoteOutcome Refuse(IBufferWriter<byte> reply, string why)
    {
        using (var writer = new Utf8JsonWriter(reply))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("result", false);
            writer.WriteStartArray("log");
            writer.WriteStringValue($"bad request: {why}");
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        reply.Write("\n"u8);
        return RemoteOutcome.Malformed;
    }

    /// <returns>What is wrong with it, or null.</returns>
    private static string? Read(ReadOnlySpan<byte> request, ref Request asked)
    {
        var reader = new Utf8JsonReader(request, new JsonReaderOptions { MaxDepth = 8 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return "it is no object";
        }

        var parameters = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("method"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.String)
                {
                    return "method is a text";
                }

                asked.Method = MethodOf(ref reader);
            }
            else if (reader.ValueTextEquals("parameters"u8))
            {
                reader.Read();
                parameters = true;
                if (reader.TokenType != JsonTokenType.StartObject)
                {
                    return "parameters is an object";
                }

                if (ReadParameters(ref reader, ref asked) is { } error)
                {
                    return error;
                }
            }
            else
            {
                reader.Skip();
            }
        }

        // Reads to the end, so that something behind the object is an error.
        while (reader.Read())
        {
        }

        return asked.Method switch
        {
            Method.None => "it has no method",
            Method.Unknown => "it has a method that nobody knows",
            Method.Lookup when !parameters => "lookup has no parameters",
            Method.Lookup when asked.Name is null => "lookup has no qname",
            Method.Lookup when !asked.HasType => "lookup has no qtype",
            _ => null,
        };
    }

    private static string? ReadParameters(ref Utf8JsonReader reader, ref Request asked)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("qname"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.String)
                {
                    return "qname is a text";
                }

                var name = new byte[reader.ValueSpan.Length];
                asked.Name = name[..reader.CopyString(name)];
                if (asked.Name.AsSpan().IndexOfAnyInRange((byte)0, (byte)31) >= 0)
                {
                    return "qname holds a control character";
                }
            }
            else if (reader.ValueTextEquals("qtype"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.String)
                {
                    return "qtype is a text";
                }

                asked.HasType = true;
                asked.Types = reader.ValueTextEquals("ANY"u8) ? AddressTypes.Both
                    : reader.ValueTextEquals("A"u8) ? AddressTypes.A
                    : reader.ValueTextEquals("AAAA"u8) ? AddressTypes.Aaaa
                    : AddressTypes.None;
            }
            else
            {
                reader.Skip();
            }
        }

        return null;
    }

    private static Method MethodOf(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("lookup"u8) || reader.ValueTextEquals("APILookup"u8))
        {
            return Method.Lookup;
        }

        // Everything about zones is said to be absent: they are the operator's, in another backend.
        return reader.GetString() switch
        {
            "initialize" => Method.Initialize,
            "getAllDomains" or "getUpdatedMasters" or "getUnfreshSlaveInfos" or "getDomainMetadata" or "getDomainKeys" or "searchRecords"
                or "list" => Method.Lists,
            "getAllDomainMetadata" => Method.Maps,
            "getDomainInfo" or "getBeforeAndAfterNamesAbsolute" or "getTSIGKey" or "setDomainMetadata" or "addDomainKey" or "removeDomainKey"
                or "activateDomainKey" or "deactivateDomainKey" or "publishDomainKey" or "unpublishDomainKey" or "setNotified" or "isMaster"
                or "superMasterBackend" or "createSlaveDomain" or "replaceRRSet" or "feedRecord" or "feedEnts" or "feedEnts3" or "startTransaction"
                or "commitTransaction" or "abortTransaction" or "calculateSOASerial" or "directBackendCmd" or "setFresh" or "setStale" => Method.Denied,
            _ => Method.Unknown,
        };
    }

    private enum Method
    {
        None = 0,
        Unknown = 1,
        Initialize = 2,
        Lookup = 3,
        Lists = 4,
        Maps = 5,
        Denied = 6,
    }

    private struct Request
    {
        public Method Method;
        public AddressTypes Types;
        public bool HasType;
        public byte[] Name;
    }
}
