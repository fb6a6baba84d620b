using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Serialization;
using SoftUnicast.Control.Commands;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>Slices of a pool on this server by what they serve.</summary>
public sealed record SlicesByUse(int None, int Exec, int Range, int Explicit, int Nat);

/// <summary>Slices of a pool on this server by where they are in their life.</summary>
public sealed record SlicesByState(int Free, int Owned, int Draining, int Quarantined);

/// <summary>The (address, destination) that has taken the largest part of the ports that this server has on that address.</summary>
/// <param name="Ports">Taken.</param>
/// <param name="Capacity">That could be taken.</param>
public sealed record FullestDestination(IpAddress Address, IpAddress Destination, ushort Port, int Ports, int Capacity);

/// <summary>A pool, as far as it is on this server.</summary>
/// <param name="Tags">Ascending.</param>
/// <param name="Sockets">On its slices.</param>
/// <param name="Percent">How full <paramref name="Fullest"/> is, 0 to 100.</param>
/// <param name="Level">The highest warning level that <paramref name="Percent"/> has reached: 75, 85, 95; 0: none.</param>
public sealed record PoolRow(
    string Pool,
    ImmutableArray<Tag> Tags,
    int SlicesHere,
    SlicesByUse Uses,
    SlicesByState States,
    int Sockets,
    FullestDestination? Fullest,
    int Percent,
    int Level)
{
    /// <summary>The warning level of a fill of so many percent.</summary>
    public static int LevelOf(int percent) => percent switch
    {
        >= 95 => 95,
        >= 85 => 85,
        >= 75 => 75,
        _ => 0,
    };
}

/// <summary><c>show pools</c>.</summary>
public sealed record PoolsReply(ImmutableArray<PoolRow> Pools) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.Pools;

    public override IEnumerable<string> Lines() => Pools.Length == 0
        ? ["no pool is configured"]
        : new TextTable<PoolRow>(Pools)
            .Left("pool", p => p.Pool)
            .Left("tags", p => string.Join(' ', p.Tags))
            .Right("slices", p => Units.Count(p.SlicesHere))
            .Right("exec", p => Units.Count(p.Uses.Exec))
            .Right("range", p => Units.Count(p.Uses.Range))
            .Right("explicit", p => Units.Count(p.Uses.Explicit))
            .Right("nat", p => Units.Count(p.Uses.Nat))
            .Right("unused", p => Units.Count(p.Uses.None))
            .Right("draining", p => Units.Count(p.States.Draining))
            .Right("quarantined", p => Units.Count(p.States.Quarantined))
            .Right("sockets", p => Units.Count(p.Sockets))
            .Right("full", p => Units.Percent(p.Percent))
            .Left("warning", p => p.Level == 0 ? null : $"! {Units.Percent(p.Level)}")
            .Left("fullest", p => p.Fullest is { } f
                ? string.Create(CultureInfo.InvariantCulture, $"{f.Address} to {Units.Endpoint(f.Destination, f.Port)}: {f.Ports} of {f.Capacity}")
                : null)
            .Lines();
}
