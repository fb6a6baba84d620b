using System.Buffers.Binary;
using SoftUnicast.Model;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>
/// What nearly all packets are, for the tables of <see cref="RandomTables"/>: untagged, no options, whole, TCP or UDP, as it comes
/// or by GUE. Every other one is bent in one thing, so that it is just not plain any more; but none that fills a buffer: padding
/// in a second one is not counted.
/// </summary>
internal static class PlainPackets
{
    private const int Link = 14;
    private const int Tunnel = 32;
    private const int Bends = 24;
    private const int MaxBentBytes = 200;

    public static byte[] Make(Random random)
    {
        var tunnelled = random.Next(2) == 0;
        var packet = Native(random);
        if (tunnelled)
        {
            packet = Build.Gue(Pick(random, RandomTables.Peers), Pick(random, RandomTables.Locals), packet);
        }

        var frame = Build.Frame(packet);
        return random.Next(2) == 0 || frame.Length > MaxBentBytes ? frame : Bend(random, frame, tunnelled, tunnelled && random.Next(2) == 0 ? Link + Tunnel : Link);
    }

    private static byte[] Native(Random random)
    {
        var to = IpPrefix.Parse(Pick(random, RandomTables.Networks)).Network.Add((UInt128)(random.Next(4) * 85)).ToString();
        var protocol = Pick<byte>(random, [6, 6, 17]);

        // 12 bytes and more of UDP are plain. Now and then a frame of about as much as one buffer holds, or of two.
        var payload = new byte[random.Next(60) == 0 ? random.Next(3350, 3550) : random.Next(24)];
        random.NextBytes(payload);
        var (source, destination) = (random.Next(65536), random.Next(65536));
        return (new Ip($"100.64.{random.Next(256)}.{random.Next(256)}", to, protocol) { Tos = (byte)random.Next(256) })
            .Around(protocol == 6 ? Build.Tcp(source, destination, Build.Ack, payload) : Build.Udp(source, destination, payload));
    }

    /// <param name="ip">Where the header begins that is bent.</param>
    private static byte[] Bend(Random random, byte[] frame, bool tunnelled, int ip)
    {
        switch (random.Next(Bends))
        {
            case 0: return frame[..^1];
            case 1: return [.. frame, .. new byte[random.Next(1, 20)]];
            case 2: frame[Link + 1] |= 3; break; // congestion met
            case 3: frame[ip] = 0x46; break; // options
            case 4: frame[ip] = Pick<byte>(random, [0x44, 0x35, 0x55, 0x65]); break;
            case 5 when frame.Length > ip + 33: frame[ip + 33] = (byte)(Build.Syn | random.Next(2) << 4); break;
            case 6: frame[ip + 6] |= 0x20; break; // first fragment
            case 7: frame[ip + 7] = 1; break; // later one
            case 8: frame[ip + 6] |= 0x80; break;
            case 9: frame[ip + 6] ^= 0x40; break;
            case 10: frame[ip + 8] = (byte)random.Next(3); break;
            case 11: frame[ip + 9] = Pick<byte>(random, [1, 4, 6, 17, 47, 132]); break;
            case 12: AddTo(frame, ip + 2, random.Next(2) == 0 ? 1 : -1); break;
            case 13: BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(ip + 2), (ushort)random.Next(19, 60)); break;
            case 14: AddTo(frame, Link + 24, random.Next(2) == 0 ? 1 : -1); break; // UDP length, TCP sequence number
            case 15: BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(Link + 22), (ushort)random.Next(6079, 6082)); break;
            case 16 when tunnelled: frame[Link + 28 + random.Next(4)] ^= (byte)(1 << random.Next(8)); break; // GUE
            case 17: frame[random.Next(6)] ^= 1; break; // another station
            case 18: frame[12 + random.Next(2)] ^= (byte)(1 << random.Next(8)); break;
            case 19: frame[ip + 15] = (byte)random.Next(4); break; // source
            case 20: frame[ip + 16 + random.Next(4)] ^= (byte)(1 << random.Next(8)); break; // destination
            case 21: return [.. frame.AsSpan(0, 12), 0x81, 0, 0, 7, .. frame.AsSpan(12)];
            case 22: return frame[..random.Next(Link, frame.Length)];
            default: frame[random.Next(Math.Min(frame.Length, 80))] ^= (byte)(1 << random.Next(8)); break;
        }

        return frame;
    }

    private static void AddTo(byte[] frame, int at, int value)
    {
        var field = frame.AsSpan(at, 2);
        BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)(BinaryPrimitives.ReadUInt16BigEndian(field) + value));
    }

    private static T Pick<T>(Random random, T[] items) => items[random.Next(items.Length)];
}
