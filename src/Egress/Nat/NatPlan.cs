using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.Nat;

/// <summary>Forwarded traffic that leaves from slices of one pool.</summary>
/// <param name="Name">The pool's: a lower-case letter, then lower-case letters, digits and hyphens.</param>
/// <param name="Sources">IPv4 prefixes that it comes from.</param>
/// <param name="InInterfaces">Interfaces that it comes in by, whatever its source.</param>
/// <param name="Slices">What it leaves from, evenly; empty: it is not touched.</param>
public sealed record NatPool(
    string Name, ImmutableArray<IpPrefix> Sources, ImmutableArray<string> InInterfaces, ImmutableArray<AddressPorts> Slices);

/// <summary>Datagrams of unconnected UDP sockets of one cgroup and those below it.</summary>
/// <param name="Path">Below the root of the cgroup2 file system, without a slash at either end: <c>softunicast/exec-1</c>.</param>
/// <param name="Slices">What they leave from; empty: they are not touched.</param>
public sealed record NatCgroup(string Path, ImmutableArray<AddressPorts> Slices)
{
    /// <summary>Its number, which is what a rule holds: one that is made again at the same path has another.</summary>
    public ulong Id { get; init; }

    /// <summary>How many cgroups deep it lies: 1 below the root.</summary>
    public int Level => Path.Count(c => c == '/') + 1;
}

/// <summary>
/// What nftables has to do on this server: translate forwarded traffic and datagrams of enrolled cgroups into slices of use
/// <see cref="SliceUse.Nat"/>, and keep everything else of the egress addresses out of connection tracking, which might give a
/// bound socket another port. IPv4.
/// </summary>
/// <param name="Table">The name of our table, family ip: <see cref="TablePrefix"/>, or that, a hyphen and a name.</param>
/// <param name="EgressPrefixes">All egress prefixes of the fleet.</param>
public sealed record NatPlan(
    string Table, ImmutableArray<IpPrefix> EgressPrefixes, ImmutableArray<NatPool> Pools, ImmutableArray<NatCgroup> Cgroups)
{
    /// <summary>Every table of ours is named so, and no table that is not is ever touched.</summary>
    public const string TablePrefix = "softunicast";

    /// <summary>How full a slice may be planned for one destination: from here on the kernel may drop a new flow without a word.</summary>
    public const int PlannedPercent = 85;

    /// <summary>Interfaces that lead to the Internet: nothing that leaves by another is translated. Empty: by any.</summary>
    public ImmutableArray<string> OutInterfaces { get; init; } = [];

    /// <summary>Destinations that see the real source: networks of one's own.</summary>
    public ImmutableArray<IpPrefix> Untouched { get; init; } = [];

    /// <summary>Slices that get no new flow while their old ones are still translated.</summary>
    public ImmutableArray<AddressPorts> Draining { get; init; } = [];

    /// <summary>The table of a server, where several share a network namespace or a name tells more.</summary>
    public static string TableOf(string server) => $"{TablePrefix}-{server}";

    /// <summary>True for a table that may be ours: lower-case letters, digits and hyphens after the prefix.</summary>
    public static bool IsTable(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length <= 100 && (name == TablePrefix || (name.Length > TablePrefix.Length + 1 && name.StartsWith($"{TablePrefix}-", StringComparison.Ordinal) && NatNames.IsName(name)));
    }

    /// <summary>Every slice whose packets connection tracking must see, in order, each once.</summary>
    public ImmutableArray<AddressPorts> Tracked =>
        [.. Pools.SelectMany(p => p.Slices).Concat(Cgroups.SelectMany(c => c.Slices)).Concat(Draining).Distinct().Order()];

    /// <summary>What keeps the plan from being written, each in a sentence; empty if nothing does.</summary>
    public ImmutableArray<string> Problems() => [.. NatProblems.Of(this)];

    /// <summary>
    /// All that the kernel will hold, as a text to compare by: the script, and the numbers of the cgroups, which it names by path.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has <see cref="Problems"/>.</exception>
    public string Meaning() => string.Join('\n', [Script(), .. Cgroups.Select(c => $"{c.Path} is {c.Id}")]);

    /// <summary>The nft script that puts this plan in the place of whatever our table holds, in one transaction.</summary>
    /// <param name="cgroupMount">Where the cgroup2 file system is mounted, below /sys/fs/cgroup: empty, or <c>unified</c> beside version 1.</param>
    /// <exception cref="InvalidOperationException">It has <see cref="Problems"/>.</exception>
    public string Script(string cgroupMount = "")
    {
        var problems = Problems();
        return problems.IsEmpty ? NatScript.Of(this, cgroupMount) : throw new InvalidOperationException($"table {Table}: {string.Join("; ", problems)}");
    }
}
