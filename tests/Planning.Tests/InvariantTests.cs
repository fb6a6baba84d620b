using SoftUnicast.Model;
using static SoftUnicast.Planning.Tests.Fleets;

namespace SoftUnicast.Planning.Tests;

/// <summary>A good assignment, spoiled in one place: exactly that is found.</summary>
public sealed class InvariantTests
{
    private static readonly Fleet Fleet = Make(Pool(addresses: 2, weights: [("ams", 1), ("fra", 1)]), ("ams", 2), ("fra", 1), ("nyc", 1));
    private static readonly Assignment Good = Plan(Fleet);

    public static TheoryData<string, InvariantRule, string> Spoiled => new()
    {
        { "unknown server", InvariantRule.Owner, "192.0.2.0:4096-6143 belongs to ghost, which the fleet does not have" },
        { "unserved datacenter", InvariantRule.Owner, "192.0.2.0:4096-6143 belongs to nyc-1 in nyc, which the pool does not serve" },
        { "other datacenter's block", InvariantRule.Owner, "192.0.2.1:4096-6143 of ams-2 lies in no block of ams" },
        { "reserved slice", InvariantRule.Slice, "192.0.2.0:0-2047 is not a slice that may be assigned" },
        { "misaligned slice", InvariantRule.Slice, "192.0.2.0:5000-6143 is not a slice that may be assigned" },
        { "two owners", InvariantRule.Overlap, "slices: 192.0.2.0:2048-4095 overlaps 192.0.2.0:2048-4095" },
        { "slices out of order", InvariantRule.Order, "slices: 192.0.2.0:2048-4095 stands after 192.0.2.1:2048-4095" },
        { "a slice too few", InvariantRule.Served, "ams-2 has 0 of 1 slices" },
        { "half an address", InvariantRule.Coverage, "32768 ports of 192.0.2.1 belong to no datacenter" },
        { "an address too few", InvariantRule.Coverage, "1 addresses belong to no datacenter" },
        { "block of an unserved datacenter", InvariantRule.Block, "192.0.2.1:0-65535 belongs to nyc, which the pool does not serve" },
        { "block through a slice", InvariantRule.Block, "192.0.2.1:0-32000 is not cut between slices" },
        { "block outside the pool", InvariantRule.Block, "192.0.2.9:0-65535 may not be assigned" },
        { "overlapping blocks", InvariantRule.Overlap, "blocks: 192.0.2.1:2048-4095 overlaps 192.0.2.1:0-65535" },
        { "owned and quarantined", InvariantRule.Overlap, "192.0.2.0:4096-6143 overlaps 192.0.2.0:4096-5119: one is owned, the other in quarantine" },
        { "another slice size", InvariantRule.Pool, "was made for slices of 4096 ports, the fleet says 2048" },
        { "unknown pool", InvariantRule.Pool, "the fleet has no such pool" },
        { "pool missing", InvariantRule.Served, "none of its servers has a slice" },
        { "pool twice", InvariantRule.Order, "stands after pool us" },
    };

    [Fact]
    public void A_planned_assignment_breaks_no_rule() => Assert.Empty(AssignmentInvariants.Check(Fleet, Good));

    [Theory]
    [MemberData(nameof(Spoiled))]
    public void What_is_wrong_is_named(string what, InvariantRule rule, string message) =>
        Assert.Contains(AssignmentInvariants.Check(Fleet, Spoil(what)), v => v.Rule == rule && v.Message == message);

    [Fact]
    public void A_slice_that_changes_owner_without_having_been_free_is_a_bad_step()
    {
        var taken = Spoil("taken over");
        Assert.Equal(
            "192.0.2.0:2048-4095 of ams-2 is ams-1's or in quarantine after it",
            Assert.Single(AssignmentInvariants.CheckStep(Good, taken, Now)).Message);
        var gone = Plan(Fleet.Without("ams-1"), Good);
        Assert.Single(AssignmentInvariants.CheckStep(gone, taken, Now.AddSeconds(119)));
        Assert.Empty(AssignmentInvariants.CheckStep(gone, taken, Now.AddSeconds(120)));
    }

    private static Assignment Spoil(string what)
    {
        var pool = Good.Pools[0];
        var (slices, blocks) = (pool.Slices, pool.Blocks);
        PoolAssignment Second(OwnedSlice slice) => pool with { Slices = [.. slices.SetItem(1, slice).OrderBy(s => s.Slice)] };
        PoolAssignment Cut(params (string Block, string Datacenter)[] cut) => pool with { Blocks = [blocks[0], .. cut.Select(c => new OwnedBlock(AddressPorts.Parse(c.Block), c.Datacenter))] };
        PoolAssignment[] pools = what switch
        {
            "unknown server" => [Second(slices[1] with { Server = "ghost" })],
            "unserved datacenter" => [Second(slices[1] with { Server = "nyc-1" })],
            "other datacenter's block" => [Second(new(AddressPorts.Parse("192.0.2.1:4096-6143"), "ams-2"))],
            "reserved slice" => [Second(new(AddressPorts.Parse("192.0.2.0:0-2047"), "ams-2"))],
            "misaligned slice" => [Second(new(AddressPorts.Parse("192.0.2.0:5000-6143"), "ams-2"))],
            "two owners" => [Second(slices[0] with { Server = "ams-2" })],
            "taken over" => [pool with { Slices = [slices[0] with { Server = "ams-2" }, slices[2]] }],
            "slices out of order" => [pool with { Slices = [slices[2], slices[0], slices[1]] }],
            "a slice too few" => [pool with { Slices = slices.RemoveAt(1) }],
            "half an address" => [Cut(("192.0.2.1:0-32767", "fra"))],
            "an address too few" => [pool with { Blocks = [blocks[0]] }],
            "block of an unserved datacenter" => [Cut(("192.0.2.1:0-65535", "nyc"))],
            "block through a slice" => [Cut(("192.0.2.1:0-32000", "fra"), ("192.0.2.1:32001-65535", "fra"))],
            "block outside the pool" => [Cut(("192.0.2.1:0-65535", "fra"), ("192.0.2.9:0-65535", "fra"))],
            "overlapping blocks" => [Cut(("192.0.2.1:0-65535", "fra"), ("192.0.2.1:2048-4095", "ams"))],
            "owned and quarantined" => [pool with { Quarantined = [new(AddressPorts.Parse("192.0.2.0:4096-5119"), "x", Now)] }],
            "another slice size" => [pool with { SliceSize = SliceSize.Create(4096) }],
            "unknown pool" => [pool with { Pool = "old" }, pool],
            "pool missing" => [],
            "pool twice" => [pool, pool],
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
        };
        return Good with { Pools = [.. pools] };
    }
}
