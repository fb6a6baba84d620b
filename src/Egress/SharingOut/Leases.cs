using System.Collections.Immutable;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.SharingOut;

/// <summary>A lease that lost slices, or all of them.</summary>
/// <param name="Lease">As it was before.</param>
/// <param name="Lost">The slices that it lost; if that is all of them, the lease is over, but for a cgroup's that were taken back.</param>
public sealed record LostLease(Lease Lease, ImmutableArray<AddressPorts> Lost, LeaseEnd How)
{
    public bool IsOver => Lost.Length == Lease.Slices.Length && Lease.EndsWithLast(How);
}

/// <summary>
/// All leases in force, and how the latest others ended. A value: every change makes a new one, which the one writer puts in
/// place when the log has it.
/// </summary>
public sealed record Leases
{
    /// <summary>So many ended leases are remembered, for a clear answer to a holder that comes late.</summary>
    public const int Remembered = 256;

    public static Leases None { get; } = new();

    /// <summary>By id.</summary>
    public ImmutableSortedDictionary<long, Lease> InForce { get; private init; } = ImmutableSortedDictionary<long, Lease>.Empty;

    /// <summary>The id that the next one gets.</summary>
    public long NextId { get; private init; } = 1;

    private ImmutableSortedDictionary<long, LeaseEnd> Over { get; init; } = ImmutableSortedDictionary<long, LeaseEnd>.Empty;

    /// <summary>True if nobody holds anything.</summary>
    public bool IsEmpty => InForce.IsEmpty;

    public bool Holds(AddressPorts slice) => InForce.Values.Any(l => l.Slices.Contains(slice));

    /// <summary>Leases that hold the port, by id.</summary>
    public IEnumerable<Lease> Of(IpAddress address, ushort port) => InForce.Values.Where(l => l.Slices.Any(s => s.Contains(address, port)));

    public (Leases Leases, Lease Lease) Take(
        Holder holder, ImmutableArray<string> pools, ImmutableArray<AddressPorts> slices, SliceUse use, DateTimeOffset now)
    {
        var lease = new Lease(NextId, holder, pools, slices, use, now);
        return (With(lease), lease);
    }

    /// <summary>Puts a lease in place, as the log has it, or with other slices than before.</summary>
    public Leases With(Lease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        var next = this with { InForce = InForce.SetItem(lease.Id, lease), NextId = Math.Max(NextId, lease.Id + 1) };

        // Logs of former versions: a cgroup whose slices were all taken back had no lease any more, and then took another.
        return lease.Holder.Cgroup is null ? next : InForce.Values.Where(l => l.Id != lease.Id && l.Slices.IsEmpty && l.Holder.CgroupId == lease.Holder.CgroupId)
            .Aggregate(next, (leases, emptied) => leases.WithoutAll(emptied, LeaseEnd.Revoked));
    }

    /// <summary>Its holder gives a lease back. Who may: the process that took it, its user, and root.</summary>
    public (Leases Leases, LostLease? Lost, LeaseError? Error) Release(long id, ProcessName process, uint uid)
    {
        if (!InForce.TryGetValue(id, out var lease))
        {
            return (this, null, Missing(id));
        }

        if (lease.Holder.Process != process && lease.Holder.Uid != uid && uid != 0)
        {
            return (this, null, new LeaseError(id, LeaseErrorKind.Foreign, $"lease {id} belongs to process {lease.Holder.Process} ({lease.Holder.Command}) of user {lease.Holder.Uid}"));
        }

        var lost = new LostLease(lease, lease.Slices, LeaseEnd.Released);
        return (Without(lost), lost, null);
    }

    /// <summary>A slice is drained: every lease that holds it loses it. That of a cgroup stays in force, also without slices.</summary>
    public (Leases Leases, ImmutableArray<LostLease> Lost) Revoke(AddressPorts slice) =>
        Lose(InForce.Values.Where(l => l.Slices.Contains(slice)).Select(l => new LostLease(l, [slice], LeaseEnd.Revoked)));

    /// <summary>A process is gone: its leases end, but not those whose cgroup lives on (<see cref="CgroupRemoved"/>).</summary>
    public (Leases Leases, ImmutableArray<LostLease> Lost) ProcessEnded(ProcessName process) =>
        Lose(InForce.Values.Where(l => l.Holder.Process == process && l.Holder.Cgroup is null).Select(l => new LostLease(l, l.Slices, LeaseEnd.Ended)));

    /// <summary>An enrolled cgroup is gone.</summary>
    public (Leases Leases, ImmutableArray<LostLease> Lost) CgroupRemoved(ulong cgroupId) =>
        Lose(InForce.Values.Where(l => l.Holder.Cgroup is not null && l.Holder.CgroupId == cgroupId).Select(l => new LostLease(l, l.Slices, LeaseEnd.Ended)));

    /// <summary>Takes out what a lease lost.</summary>
    public Leases Without(LostLease lost)
    {
        ArgumentNullException.ThrowIfNull(lost);
        if (!InForce.TryGetValue(lost.Lease.Id, out var lease))
        {
            return this;
        }

        var rest = lease.Slices.RemoveAll(s => lost.Lost.Contains(s));
        return rest.IsEmpty && lease.EndsWithLast(lost.How)
            ? WithoutAll(lease, lost.How)
            : this with { InForce = InForce.SetItem(lease.Id, lease with { Slices = rest }) };
    }

    /// <summary>Leases begin at this number at the earliest.</summary>
    public Leases NotBefore(long nextId) => this with { NextId = Math.Max(NextId, nextId) };

    private Leases WithoutAll(Lease lease, LeaseEnd how)
    {
        var over = Over.SetItem(lease.Id, how);
        return this with { InForce = InForce.Remove(lease.Id), Over = over.Count > Remembered ? over.Remove(over.Keys.First()) : over };
    }

    private LeaseError Missing(long id)
    {
        if (id < 1 || id >= NextId)
        {
            return new LeaseError(id, LeaseErrorKind.Unknown, $"there is no lease {id}");
        }

        var how = !Over.TryGetValue(id, out var end) ? "is over" : end switch
        {
            LeaseEnd.Released => "was released",
            LeaseEnd.Revoked => "was revoked: its slices are drained",
            _ => "ended with its process",
        };
        return new LeaseError(id, LeaseErrorKind.Over, $"lease {id} {how}");
    }

    private (Leases Leases, ImmutableArray<LostLease> Lost) Lose(IEnumerable<LostLease> losses)
    {
        var lost = losses.ToImmutableArray();
        return (lost.Aggregate(this, (leases, loss) => leases.Without(loss)), lost);
    }
}
