using SoftUnicast.Model;

namespace SoftUnicast.Config;

/// <summary>No port of an address has two owners, and none that is quarantined has one.</summary>
internal static class OverlapRules
{
    public static void Check(DiagnosticBag bag, OwnershipReader owned, List<Placed<QuarantinedSlice>> quarantined)
    {
        Check(bag, owned.Blocks.Select(b => new Claim(b.Value.Block, b.Place, $"block {b.Value.Block.Ports} of datacenter '{b.Value.Datacenter}'")));
        Check(bag, owned.Slices.Select(s => new Claim(s.Value.Slice, s.Place, $"slice {s.Value.Slice.Ports} of server '{s.Value.Server}'"))
            .Concat(quarantined.Select(q => new Claim(q.Value.Slice, q.Place, $"quarantined {q.Value.Slice.Ports}"))));
    }

    private static void Check(DiagnosticBag bag, IEnumerable<Claim> claims)
    {
        Claim? reach = null;
        foreach (var claim in claims.OrderBy(c => c.Ports).ThenBy(c => c.Place.Line).ThenBy(c => c.Place.Column))
        {
            if (reach is { } other && other.Ports.Overlaps(claim.Ports))
            {
                var (late, early) = (other.Place.Line, other.Place.Column).CompareTo((claim.Place.Line, claim.Place.Column)) > 0 ? (other, claim) : (claim, other);
                bag.Error(late.Place, FormattableString.Invariant($"{late.What} overlaps {early.What} in line {early.Place.Line}"));
            }

            if (reach is null || reach.Value.Ports.Address != claim.Ports.Address || claim.Ports.Ports.Last > reach.Value.Ports.Ports.Last)
            {
                reach = claim;
            }
        }
    }

    private readonly record struct Claim(AddressPorts Ports, Place Place, string What);
}
