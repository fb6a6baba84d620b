using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>What tells learned routes apart: whom from, and what they match.</summary>
internal readonly record struct LearnedKey(IpAddress Neighbour, OwnershipMatch Match);

/// <summary>The accepted routes at one moment. Immutable.</summary>
public sealed class LearnedTable
{
    private readonly ImmutableDictionary<LearnedKey, OwnershipRoute> routes;

    internal LearnedTable(long version, bool synchronised, int heldCount, ImmutableDictionary<LearnedKey, OwnershipRoute> routes)
    {
        Version = version;
        Synchronised = synchronised;
        HeldCount = heldCount;
        this.routes = routes;
    }

    internal static LearnedTable Empty { get; } = new(0, false, 0, ImmutableDictionary<LearnedKey, OwnershipRoute>.Empty);

    /// <summary>Counts up with every change.</summary>
    public long Version { get; }

    /// <summary>
    /// True: it is what the neighbours say now. False: gobgpd is away, or back but its FlowSpec neighbours have not all sent their tables
    /// yet; the routes then include some that were learned before and are held.
    /// </summary>
    public bool Synchronised { get; }

    /// <summary>How many of the routes were learned before gobgpd went away and have not been heard again.</summary>
    public int HeldCount { get; }

    public int Count => routes.Count;

    /// <summary>In no particular order. One ownership may stand there once for each neighbour that it came from.</summary>
    public IEnumerable<OwnershipRoute> Routes => routes.Values;

    internal ImmutableDictionary<LearnedKey, OwnershipRoute> ByKey => routes;
}

/// <summary>
/// One step from a <see cref="LearnedTable"/> to the next. A reader that fell behind may miss steps (the versions tell): each carries the
/// whole table.
/// </summary>
/// <param name="Announced">New routes and new versions of old ones.</param>
/// <param name="Withdrawn">Routes that are gone, in their last version.</param>
public sealed record LearnedChange(LearnedTable Table, ImmutableArray<OwnershipRoute> Announced, ImmutableArray<OwnershipRoute> Withdrawn);
