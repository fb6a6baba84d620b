using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>Everything that a <see cref="Speaker"/> is told once, at its start.</summary>
public sealed record SpeakerOptions
{
    /// <summary>The Unix socket that gobgpd's control interface listens on.</summary>
    public required string SocketPath { get; init; }

    public required Fleet Fleet { get; init; }

    /// <summary>The server that this is, by its name in the fleet.</summary>
    public required string ServerName { get; init; }

    /// <summary>The AS number that gobgpd speaks with; null: the one of the server's datacenter.</summary>
    public uint? Asn { get; init; }

    /// <summary>The BGP identifier (RFC 6286), an IPv4 address; null: the one of the fleet file.</summary>
    public IpAddress? RouterId { get; init; }

    /// <summary>TCP port that gobgpd listens on; -1: it does not.</summary>
    public int ListenPort { get; init; } = 179;

    /// <summary>Addresses that gobgpd listens on; empty: all.</summary>
    public ImmutableArray<IpAddress> ListenAddresses { get; init; } = [];

    public ImmutableArray<NeighbourOptions> Neighbours { get; init; } = [];

    /// <summary>How often a running gobgpd is asked whether it still answers.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often an absent gobgpd is looked for.</summary>
    public TimeSpan RetryInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long gobgpd may take to answer before it counts as hung.</summary>
    public TimeSpan ProbeDeadline { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long peers keep our routes when gobgpd dies without a word, and wait for it to be back (RFC 4724 restart time, whole seconds,
    /// at most 4095). It re-establishes sessions in 5 to 10 s.
    /// </summary>
    public TimeSpan RestartTime { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long, after gobgpd is back and has its neighbours, routes learned before are held for a neighbour that has not sent its table.
    /// </summary>
    public TimeSpan SettleTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>True if a speaker made with the other would say and believe the same.</summary>
    public bool IsSameAs(SpeakerOptions other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return this with { Fleet = other.Fleet, ListenAddresses = other.ListenAddresses, Neighbours = other.Neighbours } == other
            && Fleet.IsSameAs(other.Fleet) && ListenAddresses.SequenceEqual(other.ListenAddresses)
            && Neighbours.Length == other.Neighbours.Length && Neighbours.Zip(other.Neighbours).All(n => n.First.IsSameAs(n.Second));
    }

    internal Server Server => Fleet.Servers[ServerName];

    internal Datacenter Datacenter => Fleet.Datacenters[Server.Datacenter];

    internal uint EffectiveAsn => Asn ?? Datacenter.Asn;

    internal IpAddress EffectiveRouterId => RouterId ?? Server.RouterId;

    /// <exception cref="ArgumentException">Something contradicts itself; the message names it.</exception>
    internal void Check()
    {
        if (!Fleet.Servers.ContainsKey(ServerName))
        {
            throw new ArgumentException($"the fleet has no server '{ServerName}'");
        }

        if (Neighbours.Select(n => n.Problem()).FirstOrDefault(p => p is not null) is { } problem)
        {
            throw new ArgumentException(problem);
        }

        if (Neighbours.GroupBy(n => n.Address).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"neighbour {twice.Key} is there twice");
        }
    }
}
