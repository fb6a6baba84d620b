using System.Buffers.Binary;
using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Tunnels;

/// <summary>One of several equal ways: the device, the gateway on it (or the address itself), and its weight, 1 to 256.</summary>
public readonly record struct PathLeg(int InterfaceIndex, IpAddress Neighbour, int Weight);

/// <summary>
/// Spreads endpoints over the legs of a multipath route. A tunnel has one next hop at a time, so the choice is made per
/// pair of outer addresses, by weighted rendezvous hashing: it does not depend on the order of the legs, and a leg that
/// goes moves only the endpoints that used it.
/// </summary>
public static class PathChoice
{
    /// <summary>The legs in order of preference.</summary>
    public static ImmutableArray<PathLeg> Order(IpAddress source, IpAddress endpoint, IEnumerable<PathLeg> legs) =>
        [.. legs.OrderByDescending(leg => Score(source, endpoint, leg)).ThenBy(leg => leg.InterfaceIndex).ThenBy(leg => leg.Neighbour)];

    // -weight / ln(u), u uniform in (0, 1): the chance of the highest score is proportional to the weight.
    private static double Score(IpAddress source, IpAddress endpoint, PathLeg leg)
    {
        Span<byte> key = stackalloc byte[16 + 16 + 16 + 4];
        BinaryPrimitives.WriteUInt128BigEndian(key, source.Value);
        BinaryPrimitives.WriteUInt128BigEndian(key[16..], endpoint.Value);
        BinaryPrimitives.WriteUInt128BigEndian(key[32..], leg.Neighbour.Value);
        BinaryPrimitives.WriteInt32BigEndian(key[48..], leg.InterfaceIndex);
        ulong hash = 0xCBF29CE484222325; // FNV-1a, then a finalizer that spreads it over all 64 bits
        foreach (var octet in key)
        {
            hash = (hash ^ octet) * 0x100000001B3;
        }

        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        hash ^= hash >> 33;
        var uniform = ((hash >> 11) + 0.5) * (1.0 / (1UL << 53));
        return -Math.Max(1, leg.Weight) / Math.Log(uniform);
    }
}
