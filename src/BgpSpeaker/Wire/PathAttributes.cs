using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker.Wire;

/// <summary>The path attributes that mean something to the speaker; the others are skipped. Lists are sorted.</summary>
/// <param name="ExtendedCommunities">RFC 4360: the eight bytes as a number in network order, type byte first.</param>
/// <param name="OriginatorId">RFC 4456: who brought the route into the AS, if a reflector stands between.</param>
/// <param name="Malformed">What could not be read, or null.</param>
internal sealed record PathAttributes(
    ImmutableArray<uint> Communities,
    ImmutableArray<ulong> ExtendedCommunities,
    ImmutableArray<LargeCommunity> LargeCommunities,
    IpAddress? OriginatorId = null,
    string? Malformed = null)
{
    public static PathAttributes Empty { get; } = new([], [], []);

    /// <summary>True if both say the same, whatever order the communities were in.</summary>
    public bool SaysTheSame(PathAttributes other) =>
        Communities.AsSpan().SequenceEqual(other.Communities.AsSpan())
        && ExtendedCommunities.AsSpan().SequenceEqual(other.ExtendedCommunities.AsSpan())
        && LargeCommunities.AsSpan().SequenceEqual(other.LargeCommunities.AsSpan());

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"communities [{string.Join(' ', Communities.Select(c => $"{c >> 16}:{c & 0xffff}"))}] extended [{string.Join(' ', ExtendedCommunities.Select(e => e.ToString("x16", CultureInfo.InvariantCulture)))}] large [{string.Join(' ', LargeCommunities)}]");
}
