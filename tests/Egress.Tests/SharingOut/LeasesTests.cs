using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Egress.Tests.Support;

namespace SoftUnicast.Egress.Tests.SharingOut;

public sealed class LeasesTests
{
    private static readonly Holder Service = new(new ProcessName(99, 5), 0, "softunicastc", "/system.slice/proxy.service", 1234);

    [Fact]
    public void A_lease_is_held_until_it_is_released()
    {
        var (leases, lease) = Leases.None.Take(Samples.Curl, [Samples.Pool], [Samples.Slice, Samples.Other], SliceUse.Range, At.Noon);
        Assert.Equal(1, lease.Id);
        Assert.True(leases.Holds(Samples.Slice) && leases.Holds(Samples.Other));
        Assert.Same(lease, Assert.Single(leases.Of(Samples.Slice.Address, 5000)));
        Assert.Empty(leases.Of(Samples.Slice.Address, 7000));

        var (after, lost, error) = leases.Release(1, Samples.Curl.Process, Samples.Curl.Uid);
        Assert.Null(error);
        Assert.Equal((lease, true, LeaseEnd.Released), (lost!.Lease, lost.IsOver, lost.How));
        Assert.True(after.IsEmpty);
        Assert.Equal(2, after.NextId);
    }

    public static TheoryData<string, long, ProcessName, uint, string?> Releases => new()
    {
        { "its process", 1, Samples.Curl.Process, 1000, null },
        { "its user", 1, new ProcessName(1, 1), 1000, null },
        { "root", 1, new ProcessName(1, 1), 0, null },
        { "somebody else", 1, new ProcessName(1, 1), 1001, "lease 1 belongs to process 4711 (curl) of user 1000" },
        { "another process of the same number", 1, new ProcessName(4711, 1), 1001, "lease 1 belongs to process 4711 (curl) of user 1000" },
        { "never existed", 9, Samples.Curl.Process, 1000, "there is no lease 9" },
        { "number below the first", 0, Samples.Curl.Process, 1000, "there is no lease 0" },
        { "released", 2, Samples.Curl.Process, 1000, "lease 2 was released" },
        { "revoked", 3, Samples.Curl.Process, 1000, "lease 3 was revoked: its slices are drained" },
        { "ended", 4, Samples.Curl.Process, 1000, "lease 4 ended with its process" },
    };

    [Theory]
    [MemberData(nameof(Releases))]
    public void Who_may_give_back_what(string who, long id, ProcessName process, uint uid, string? message)
    {
        var gone = new Holder(new ProcessName(7, 7), 1000, "gone");
        var leases = Leases.None
            .Take(Samples.Curl, [Samples.Pool], [Samples.Slice], SliceUse.Range, At.Noon).Leases
            .Take(Samples.Curl, [Samples.Pool], [Samples.Slice], SliceUse.Range, At.Noon).Leases
            .Take(Samples.Curl, [Samples.Pool], [Samples.Other], SliceUse.Range, At.Noon).Leases
            .Take(gone, [Samples.Pool], [Samples.Slice], SliceUse.Range, At.Noon).Leases
            .Release(2, Samples.Curl.Process, 1000).Leases
            .Revoke(Samples.Other).Leases
            .ProcessEnded(gone.Process).Leases;

        var (_, lost, error) = leases.Release(id, process, uid);
        Assert.True(message == error?.Message, who);
        Assert.Equal(message is null, lost is not null);
    }

    [Fact]
    public void A_drained_slice_leaves_the_rest_of_the_lease()
    {
        var (leases, _) = Leases.None.Take(Samples.Curl, [Samples.Pool], [Samples.Slice, Samples.Other], SliceUse.Range, At.Noon);
        var (shrunk, lost) = leases.Revoke(Samples.Slice);

        Assert.Equal([Samples.Slice], Assert.Single(lost).Lost);
        Assert.False(lost[0].IsOver);
        Assert.Equal([Samples.Other], shrunk.InForce[1].Slices);
        Assert.True(Assert.Single(shrunk.Revoke(Samples.Other).Lost).IsOver);
    }

    [Fact]
    public void An_ended_process_takes_its_leases_along_but_not_those_of_the_cgroup_that_it_enrolled()
    {
        var (leases, own) = Leases.None.Take(Service with { Cgroup = null, CgroupId = 0 }, [Samples.Pool], [Samples.Slice], SliceUse.Explicit, At.Noon);
        (leases, var enrolled) = leases.Take(Service, [Samples.Pool], [Samples.Other], SliceUse.Exec, At.Noon);

        var (after, lost) = leases.ProcessEnded(Service.Process);
        Assert.Equal((own, LeaseEnd.Ended), (Assert.Single(lost).Lease, lost[0].How));
        Assert.Equal([enrolled.Id], after.InForce.Keys);
        Assert.Empty(after.ProcessEnded(new ProcessName(99, 6)).Lost);
        Assert.Empty(after.CgroupRemoved(1).Lost);
        Assert.True(after.CgroupRemoved(1234).Leases.IsEmpty);
    }

    [Fact]
    public void A_cgroup_whose_slices_are_all_taken_back_has_its_lease_until_it_is_gone_or_given_back()
    {
        var (leases, lease) = Leases.None.Take(Service, [Samples.Pool], [Samples.Slice], SliceUse.Exec, At.Noon);

        var (emptied, lost) = leases.Revoke(Samples.Slice);

        Assert.False(Assert.Single(lost).IsOver);
        Assert.Empty(Assert.Single(emptied.InForce.Values).Slices);
        Assert.False(emptied.Holds(Samples.Slice));
        Assert.Empty(emptied.Of(Samples.Slice.Address, 5000));
        Assert.Equal([Samples.Other], emptied.With(lease with { Slices = [Samples.Other] }).InForce[lease.Id].Slices);
        Assert.True(Assert.Single(emptied.CgroupRemoved(1234).Lost).IsOver);
        Assert.True(emptied.CgroupRemoved(1234).Leases.IsEmpty);
        Assert.True(emptied.Release(lease.Id, default, 0).Leases.IsEmpty);
    }

    [Fact]
    public void A_cgroup_that_takes_another_lease_has_no_emptied_one_beside_it()
    {
        var (leases, first) = Leases.None.Take(Service, [Samples.Pool], [Samples.Slice], SliceUse.Exec, At.Noon);
        (leases, var foreign) = leases.Take(Service with { CgroupId = 1235 }, [Samples.Pool], [Samples.Slice], SliceUse.Exec, At.Noon);
        (leases, var second) = leases.Revoke(Samples.Slice).Leases.Take(Service, [Samples.Pool], [Samples.Other], SliceUse.Exec, At.Noon);

        Assert.Equal([foreign.Id, second.Id], leases.InForce.Keys);
        Assert.Equal($"lease {first.Id} was revoked: its slices are drained", leases.Release(first.Id, default, 0).Error!.Message);
    }

    [Fact]
    public void How_old_leases_ended_is_forgotten_after_a_while_and_they_stay_over()
    {
        var leases = Leases.None;
        for (var i = 1; i <= Leases.Remembered + 1; i++)
        {
            leases = leases.Take(Samples.Curl, [Samples.Pool], [Samples.Slice], SliceUse.Range, At.Noon).Leases.Release(i, Samples.Curl.Process, 0).Leases;
        }

        Assert.Equal(new LeaseError(1, LeaseErrorKind.Over, "lease 1 is over"), leases.Release(1, Samples.Curl.Process, 0).Error);
        Assert.Equal(new LeaseError(2, LeaseErrorKind.Over, "lease 2 was released"), leases.Release(2, Samples.Curl.Process, 0).Error);
    }
}
