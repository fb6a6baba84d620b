using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.BgpSpeaker;

/// <summary>One BGP neighbour, with the scopes that it is sent.</summary>
/// <param name="Address">Its address, unique among the neighbours.</param>
/// <param name="Asn">Its AS number (RFC 6793).</param>
/// <param name="Scopes">At least one; unicast scopes and FlowSpec scopes never together.</param>
public sealed record NeighbourOptions(IpAddress Address, uint Asn, ImmutableArray<Scope> Scopes)
{
    /// <summary>The address that the session leaves from; null: the system's choice.</summary>
    public IpAddress? LocalAddress { get; init; }

    /// <summary>TCP port of the neighbour; null: 179.</summary>
    public ushort? Port { get; init; }

    /// <summary>3 s to 65,535 s (RFC 4271 4.2), whole seconds.</summary>
    public TimeSpan HoldTime { get; init; } = TimeSpan.FromSeconds(9);

    /// <summary>TCP MD5 (RFC 2385); null: none.</summary>
    public string? Password { get; init; }

    /// <summary>TTL of an eBGP session to a neighbour that is not directly connected, 2 to 255; null: directly connected.</summary>
    public int? Multihop { get; init; }

    /// <summary>Generalised TTL security (RFC 5082): only packets that crossed no router are taken.</summary>
    public bool TtlSecurity { get; init; }

    /// <summary>True: waits to be connected to.</summary>
    public bool Passive { get; init; }

    /// <summary>True if its scopes are FlowSpec ones.</summary>
    public bool IsFlowSpec => Scopes.Any(s => s.IsFlowSpec());

    /// <summary>True if the other says the same.</summary>
    internal bool IsSameAs(NeighbourOptions other) => this with { Scopes = other.Scopes } == other && Scopes.SequenceEqual(other.Scopes);

    /// <summary>What is wrong with it, or null.</summary>
    internal string? Problem()
    {
        if (Scopes.IsDefaultOrEmpty)
        {
            return $"neighbour {Address} has no scope";
        }

        if (Scopes.Any(s => s.IsFlowSpec()) && !Scopes.All(s => s.IsFlowSpec()))
        {
            return $"neighbour {Address} mixes unicast and FlowSpec scopes: give it two sessions";
        }

        return HoldTime < TimeSpan.FromSeconds(3) || HoldTime > TimeSpan.FromSeconds(65535)
            ? $"neighbour {Address} has a hold time of {HoldTime.TotalSeconds} s: 3 to 65535 are legal"
            : null;
    }
}
