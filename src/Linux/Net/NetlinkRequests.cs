using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;

namespace SoftUnicast.Linux.Net;

/// <summary>A request that the kernel refused: the request, its object, the errno, and the kernel's own words if it gave any.</summary>
public sealed class NetlinkException(string request, string subject, int errno, string? kernelSays)
    : SystemCallException(request, subject, errno, kernelSays);

/// <summary>Builds a request; the writer already has its header.</summary>
internal delegate void RequestBody(ref NetlinkWriter writer);

/// <summary>Takes one message of an answer; it must not keep the span.</summary>
internal delegate void MessageHandler(in NetlinkMessage message);

/// <summary>A message's type and body, for parsers.</summary>
internal readonly ref struct NetlinkBody(ushort type, ReadOnlySpan<byte> bytes)
{
    public ushort Type { get; } = type;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public string Name => Nl.Name(Type);
}

/// <summary>Requests and dumps over a transport: one at a time, from any thread.</summary>
/// <param name="nameOf">Names message types in errors; null: as rtnetlink has them.</param>
/// <param name="requestBytes">The longest request.</param>
internal sealed class NetlinkRequests(INetlinkTransport transport, Func<ushort, string>? nameOf = null, int requestBytes = NetlinkRequests.SmallRequest) : IDisposable
{
    private const int SmallRequest = 512;
    private const int AttemptsAtDump = 20;
    private readonly Lock gate = new();
    private uint sequence;

    /// <summary>One request and its answers up to the acknowledgement.</summary>
    /// <exception cref="NetlinkException">The kernel refuses it.</exception>
    public void Request(ushort type, ushort flags, string subject, RequestBody body, MessageHandler? answer = null)
    {
        lock (gate)
        {
            Exchange(type, (ushort)(flags | Nl.NLM_F_ACK), subject, body, answer);
        }
    }

    /// <summary>A dump, as a list; done again if the tables changed while it ran (NLM_F_DUMP_INTR).</summary>
    public List<T> Dump<T>(ushort type, string subject, RequestBody body, Func<NetlinkBody, T?> parse)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(parse);
        lock (gate)
        {
            for (var attempt = 1; ; attempt++)
            {
                var items = new List<T>();
                var interrupted = Exchange(
                    type,
                    Nl.NLM_F_DUMP,
                    subject,
                    body,
                    (in NetlinkMessage message) =>
                    {
                        if (parse(new NetlinkBody(message.Type, message.Body)) is { } item)
                        {
                            items.Add(item);
                        }
                    });
                // Tables that never hold still: the last copy will do, for notifications correct it.
                if (!interrupted || attempt == AttemptsAtDump)
                {
                    return items;
                }
            }
        }
    }

    public void Dispose() => transport.Dispose();

    /// <summary>The errno and the kernel's words of an NLMSG_ERROR; 0 for an acknowledgement.</summary>
    internal static (int Errno, string? KernelSays) ReadError(in NetlinkMessage message)
    {
        if (message.Body.Length < sizeof(int))
        {
            throw new NetlinkFormatException($"NLMSG_ERROR of {message.Body.Length} bytes");
        }

        var errno = -MemoryMarshal.Read<int>(message.Body);
        // Behind the error lies the request's header, and its body too unless capped (netlink(7)).
        var echoed = NetlinkReader.HeaderBytes;
        if ((message.Flags & Nl.NLM_F_CAPPED) == 0 && message.Body.Length >= sizeof(int) + NetlinkReader.HeaderBytes)
        {
            echoed = (int)Math.Min(NetlinkReader.Align((int)Math.Min(MemoryMarshal.Read<uint>(message.Body[4..]), 1 << 20)), message.Body.Length);
        }

        if ((message.Flags & Nl.NLM_F_ACK_TLVS) == 0 || message.Body.Length <= sizeof(int) + echoed)
        {
            return (errno, null);
        }

        var attributes = new AttributeReader("NLMSG_ERROR", message.Body[(sizeof(int) + echoed)..]);
        while (attributes.TryRead(out var type, out var value))
        {
            if (type == Nl.NLMSGERR_ATTR_MSG)
            {
                return (errno, value.AsText());
            }
        }

        return (errno, null);
    }

    // True if a dump was interrupted.
    private bool Exchange(ushort type, ushort flags, string subject, RequestBody body, MessageHandler? answer)
    {
        var name = nameOf ?? Nl.Name;
        var expected = ++sequence;
        Span<byte> request = requestBytes <= SmallRequest ? stackalloc byte[SmallRequest] : new byte[requestBytes];
        var writer = new NetlinkWriter(request, type, flags, expected);
        body(ref writer);
        var bytes = writer.Finish();
        transport.Send(bytes);

        var interrupted = false;
        while (true)
        {
            var reader = new NetlinkReader(transport.Receive());
            while (reader.TryRead(out var message))
            {
                if (message.Sequence != expected)
                {
                    continue; // left over from a request that was given up
                }

                interrupted |= (message.Flags & Nl.NLM_F_DUMP_INTR) != 0;
                switch (message.Type)
                {
                    case Nl.NLMSG_NOOP:
                        break;
                    case Nl.NLMSG_DONE:
                        // A dump that fails halfway says so here (kernel 4.20 on).
                        return message.Body.Length < sizeof(int) || MemoryMarshal.Read<int>(message.Body) is >= 0
                            ? interrupted
                            : throw new NetlinkException(name(type), subject, -MemoryMarshal.Read<int>(message.Body), null);
                    case Nl.NLMSG_OVERRUN:
                        throw new NetlinkException(name(type), subject, Libc.ENOBUFS, "the answer was cut off");
                    case Nl.NLMSG_ERROR:
                        var (errno, kernelSays) = ReadError(message);
                        return errno == 0 ? interrupted : throw new NetlinkException(name(type), subject, errno, kernelSays);
                    default:
                        answer?.Invoke(message);
                        break;
                }
            }
        }
    }
}
