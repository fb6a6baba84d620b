using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SoftUnicast.Model;

namespace SoftUnicast.Control.Replies;

/// <summary>Somebody's word on who owns a port.</summary>
/// <param name="Source">Who says it: kernel, assignment, bgp slice route, bgp block route.</param>
/// <param name="Says">The owner by that source.</param>
/// <param name="Slice">The range that it speaks of.</param>
/// <param name="Detail">What else it says, such as the route's origin; or null.</param>
public sealed record OwnershipClaim(string Source, OwnerRef Says, AddressPorts? Slice, string? Detail);

/// <summary><c>show slice for</c>.</summary>
/// <param name="Pool">The pool of the address.</param>
/// <param name="Slice">The slice of the port; its owner by the kernel's table follows.</param>
/// <param name="NextHop">Where a packet to it leaves: interface and MAC address, or why it cannot; null if here or unowned.</param>
/// <param name="Claims">What each source says, the one that decides first.</param>
/// <param name="QuarantinedUntil">No new owner before; null if the slice is not in quarantine.</param>
public sealed record SliceForReply(
    IpAddress Address,
    ushort Port,
    string Pool,
    AddressPorts Slice,
    OwnerRef Owner,
    IpAddress? Endpoint,
    Encapsulation? Encapsulation,
    string? NextHop,
    OwnerRef? Meant,
    ImmutableArray<OwnershipClaim> Claims,
    DateTimeOffset? QuarantinedUntil) : ControlReply
{
    [JsonIgnore]
    public override ReplyCode Code => ReplyCode.SliceOwner;

    public override IEnumerable<string> Lines()
    {
        var target = Address.IsIPv6 ? $"[{Address}]:{Port}" : $"{Address}:{Port}";
        yield return $"{target} is in slice {Slice} of pool {Pool}";
        yield return $"owner     {Owner}{(Endpoint is null ? "" : $", by {Encapsulation} to {Endpoint}")}";
        if (NextHop is { } nextHop)
        {
            yield return $"next hop  {nextHop}";
        }

        if (Meant is { } meant)
        {
            yield return $"!         meant: {meant}";
        }

        if (QuarantinedUntil is { } until)
        {
            yield return $"          in quarantine until {Units.Time(until)}";
        }

        foreach (var line in new TextTable<OwnershipClaim>(Claims)
            .Left("source", c => c.Source)
            .Left("says", c => c.Says.ToString())
            .Left("of", c => c.Slice?.ToString())
            .Left("detail", c => c.Detail)
            .Lines())
        {
            yield return line;
        }
    }
}
