using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Model;

namespace SoftUnicast.Egress.SharingOut;

/// <summary>The process that holds something, as nobody else can be it: ids are used again, start times are not.</summary>
/// <param name="Id">The process id.</param>
/// <param name="Start">Field 22 of /proc/PID/stat: clock ticks since boot (proc(5)).</param>
public readonly record struct ProcessName(int Id, ulong Start)
{
    public override string ToString() => Id.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The process that asked, as the control socket says (SO_PEERCRED, unix(7)).</summary>
/// <param name="Uid">Its user id.</param>
/// <param name="Command">Its command name, /proc/PID/comm.</param>
/// <param name="Cgroup">The path of the cgroup that it enrolled, below the cgroup2 mount; null if it holds the slices itself.</param>
/// <param name="CgroupId">That cgroup's id, as bpf_get_current_cgroup_id() returns it; 0 without one.</param>
public sealed record Holder(ProcessName Process, uint Uid, string Command, string? Cgroup = null, ulong CgroupId = 0);

/// <summary>Slices in somebody's hands.</summary>
/// <param name="Id">From 1, never used twice.</param>
/// <param name="Pools">The pools that the slices belong to.</param>
/// <param name="Slices">In the order of use.</param>
/// <param name="Since">When it was taken.</param>
public sealed record Lease(
    long Id,
    Holder Holder,
    ImmutableArray<string> Pools,
    ImmutableArray<AddressPorts> Slices,
    SliceUse Use,
    DateTimeOffset Since)
{
    /// <summary>
    /// It ends with its last slice. Not where that was taken back from a cgroup: its programs are there, and get slices again when
    /// there are some, until the cgroup is removed or taken out.
    /// </summary>
    public bool EndsWithLast(LeaseEnd how) => how != LeaseEnd.Revoked || Holder.Cgroup is null;
}

/// <summary>How a lease, or a slice of it, ended.</summary>
public enum LeaseEnd
{
    /// <summary>Its holder gave it back.</summary>
    Released = 0,

    /// <summary>A slice of it is drained.</summary>
    Revoked = 1,

    /// <summary>The process ended, or the cgroup was removed.</summary>
    Ended = 2,
}

/// <summary>Why a lease cannot be given back, in one sentence.</summary>
public sealed record LeaseError(long Id, LeaseErrorKind Kind, string Message);

public enum LeaseErrorKind
{
    /// <summary>There never was one of that number.</summary>
    Unknown = 0,

    /// <summary>It is over.</summary>
    Over = 1,

    /// <summary>It is another process's.</summary>
    Foreign = 2,
}
