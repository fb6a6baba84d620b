using System.Buffers.Binary;
using System.Runtime.InteropServices;
using SoftUnicast.Linux.Host;
using SoftUnicast.Model;

namespace SoftUnicast.Linux.Net;

/// <summary>
/// The program that the kernel runs on each socket before it tells of it (linux/inet_diag.h): operations of a code, the length
/// to go on by if it holds, and the length to go on by if it does not. The socket is told of if the end is met exactly, and not
/// if it is overshot by 4. One clause a place: the address lies in it, the port lies in it, jump to the end.
/// </summary>
internal static class SocketFilter
{
    /// <summary>More clauses than this do not fit into one request: the kernel then tells of all sockets.</summary>
    public const int MostClauses = 1500;

    private const byte Jump = 1;
    private const byte SourcePortAtLeast = 2;
    private const byte SourcePortAtMost = 3;
    private const byte SourceIn = 7;
    private const int JumpBytes = 4;
    private const int AddressBytes = 16;
    private const int PortBytes = 8;

    /// <param name="places">IPv4 prefixes with the ports in them.</param>
    public static byte[] Compile(IReadOnlyList<(IpPrefix Prefix, PortRange Ports)> places)
    {
        ArgumentOutOfRangeException.ThrowIfZero(places.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(places.Count, MostClauses);
        var sizes = places.Select((p, i) => Size(p.Ports, isLast: i == places.Count - 1)).ToList();
        var code = new byte[sizes.Sum()];
        var at = 0;
        for (var i = 0; i < places.Count; i++)
        {
            var (prefix, ports) = places[i];
            var isLast = i == places.Count - 1;
            var next = at + sizes[i];
            // Where nothing follows, what does not hold overshoots the end.
            var otherwise = isLast ? code.Length + 4 : next;
            Operation(code, at, SourceIn, AddressBytes, otherwise - at);
            code[at + 4] = Libc.AF_INET; // matches IPv4-mapped addresses too
            code[at + 5] = (byte)prefix.Length;
            MemoryMarshal.Write(code.AsSpan(at + 8), -1); // any port
            prefix.Network.ToBytes().CopyTo(code.AsSpan(at + 12));
            at += AddressBytes;
            if (ports != PortRange.All)
            {
                PortOperation(code, ref at, SourcePortAtLeast, ports.First, otherwise);
                PortOperation(code, ref at, SourcePortAtMost, ports.Last, otherwise);
            }

            if (!isLast)
            {
                Operation(code, at, Jump, JumpBytes, code.Length - at);
            }

            at = next;
        }

        return code;
    }

    private static int Size(PortRange ports, bool isLast) =>
        AddressBytes + (ports == PortRange.All ? 0 : 2 * PortBytes) + (isLast ? 0 : JumpBytes);

    // The port lies in the second half of the operation that follows (host order).
    private static void PortOperation(byte[] code, ref int at, byte operation, ushort port, int otherwise)
    {
        Operation(code, at, operation, PortBytes, otherwise - at);
        MemoryMarshal.Write(code.AsSpan(at + 6), port);
        at += PortBytes;
    }

    private static void Operation(byte[] code, int at, byte operation, byte yes, int no)
    {
        code[at] = operation;
        code[at + 1] = yes;
        MemoryMarshal.Write(code.AsSpan(at + 2), checked((ushort)no));
    }
}
