using SoftUnicast.Model;

namespace SoftUnicast.Steering.Tests.Support;

/// <summary>
/// Random frames for the tables of <see cref="RandomTables"/>: mostly whole packets that go deep, some of them bent in a few
/// bytes, cut short or padded; a third of them <see cref="PlainPackets"/>.
/// </summary>
internal static class RandomPackets
{
    public static byte[] Make(Random random)
    {
        if (random.Next(3) == 0)
        {
            return PlainPackets.Make(random);
        }

        var packet = random.Next(2) == 0 ? Native(random) : Tunnelled(random, Native(random));
        if (random.Next(60) == 0)
        {
            packet = Tunnelled(random, packet);
        }

        (ushort, ushort)[] tags = [.. Enumerable.Range(0, random.Next(4) == 0 ? random.Next(1, 4) : 0)
            .Select(_ => (random.Next(2) == 0 ? (ushort)0x8100 : (ushort)0x88a8, (ushort)random.Next(65536)))];
        var frame = Build.Frame(
            packet,
            random.Next(50) == 0 ? (ushort)random.Next(65536) : (ushort)0x0800,
            random.Next(50) == 0 ? [2, 0, 0, 0, 0, (byte)random.Next(4)] : null,
            tags);
        return Spoil(random, frame);
    }

    private static byte[] Spoil(Random random, byte[] frame)
    {
        if (random.Next(5) == 0)
        {
            frame = [.. frame, .. Bytes(random, random.Next(1, 30))];
        }

        if (random.Next(4) == 0)
        {
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                // Headers more often than payload, single bits more often than bytes.
                var at = random.Next(Math.Min(frame.Length, 90));
                frame[at] = random.Next(2) == 0 ? (byte)(frame[at] ^ (1 << random.Next(8))) : (byte)random.Next(256);
            }
        }

        return random.Next(6) == 0 && frame.Length > 15 ? frame[..random.Next(14, frame.Length)] : frame;
    }

    private static byte[] Native(Random random)
    {
        var address = IpPrefix.Parse(Pick(random, RandomTables.Networks)).Network.Add((UInt128)(random.Next(20) == 0 ? random.Next(256) : random.Next(4) * 85));
        var to = random.Next(40) == 0 ? "8.8.8.8" : address.ToString();
        var from = $"100.64.{random.Next(256)}.{random.Next(256)}";
        var protocol = random.Next(30) == 0 ? (byte)random.Next(256) : Pick<byte>(random, [6, 6, 17, 132, 1, 1]);
        return Bend(random, new Ip(from, to, protocol)).Around(Transport(random, protocol, from, to));
    }

    private static byte[] Tunnelled(Random random, byte[] inner)
    {
        var from = random.Next(20) == 0 ? $"10.1.1.{random.Next(256)}" : Pick(random, RandomTables.Peers);
        var to = Pick(random, RandomTables.Locals);
        var key = random.Next(8) == 0 ? (uint)random.Next() : RandomTables.GreKey;
        var (protocol, payload) = random.Next(4) switch
        {
            0 => ((byte)4, inner),
            1 => ((byte)47, (byte[])[.. Build.GreHeader(null), .. inner]),
            2 => ((byte)47, [.. Build.GreHeader(key), .. inner]),
            _ => ((byte)17, Build.Udp(random.Next(65536), random.Next(30) == 0 ? 6081 : 6080, [0, 4, 0, 0, .. inner])),
        };
        return Bend(random, new Ip(from, to, protocol)).Around(payload);
    }

    private static Ip Bend(Random random, Ip ip) => ip with
    {
        Tos = (byte)random.Next(256),
        Ttl = random.Next(8) == 0 ? (byte)random.Next(4) : (byte)random.Next(256),
        Options = random.Next(8) == 0 ? Bytes(random, 4 * random.Next(1, 11)) : [],
        MoreFragments = random.Next(30) == 0,
        FragmentOffset = random.Next(40) == 0 ? random.Next(0x2000) : 0,
        Version = random.Next(60) == 0 ? (byte)random.Next(16) : (byte)4,
        HeaderWords = random.Next(60) == 0 ? random.Next(16) : null,
        TotalLength = random.Next(30) == 0 ? random.Next(120) : null,
        Checksum = random.Next(4) == 0 ? (ushort)random.Next(65536) : random.Next(8) == 0 ? (ushort)(0xfe00 + random.Next(0x200)) : (ushort)0,
    };

    private static byte[] Transport(Random random, byte protocol, string from, string to)
    {
        var (source, destination) = (random.Next(65536), random.Next(65536));
        var payload = Bytes(random, random.Next(4) == 0 ? random.Next(200) : random.Next(12));
        return protocol switch
        {
            6 => Build.Tcp(source, destination, random.Next(4) == 0 ? (byte)random.Next(256) : Build.Ack, payload),
            17 => Build.Udp(source, destination, payload),
            132 => Build.Sctp(source, destination, random.Next(4) switch { 0 => null, 1 => Build.Init, _ => random.Next(256) }),
            1 => random.Next(4) switch
            {
                0 => Build.Echo(8, destination, payload),
                1 => Build.Echo(0, destination, payload),
                2 => Build.Echo((byte)random.Next(256), destination, payload),
                _ => Build.Error(Pick<byte>(random, [3, 11, 12]), Quote(random, from, to)),
            },
            _ => payload,
        };
    }

    /// <summary>What was sent from the egress address, as an error quotes it: often no more than 8 bytes of it.</summary>
    private static byte[] Quote(Random random, string from, string to)
    {
        var protocol = random.Next(20) == 0 ? (byte)random.Next(256) : Pick<byte>(random, [6, 17, 132, 1]);
        var port = random.Next(65536);
        var transport = protocol == 1 ? Build.Echo(random.Next(10) == 0 ? (byte)3 : random.Next(2) == 0 ? (byte)0 : (byte)8, port) : Build.Tcp(port, 443);
        var length = random.Next(3) == 0 ? random.Next(transport.Length + 1) : 8;
        return Bend(random, new Ip(random.Next(20) == 0 ? from : to, from, protocol)).Around(transport[..length]);
    }

    private static T Pick<T>(Random random, T[] items) => items[random.Next(items.Length)];

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
