using System.Globalization;
using SoftUnicast.Control.Replies;
using SoftUnicast.Egress.Attribution;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;

namespace SoftUnicast.Daemon.Reports;

/// <summary>
/// What the attribution log answers, as a reply. The command line compiles this file too: while the daemon is down it reads the log
/// itself, and neither the log's room nor that of the replies may know the other.
/// </summary>
internal static class WhoReport
{
    public static WhoReply Of(IpAddress address, ushort port, DateTimeOffset at, WhoAnswer answer) => answer switch
    {
        WhoAnswer.Had had => new WhoReply(
            address, port, at, had.Server, had.Slice.Slice, had.Slice.Pool, Sharing.Name(had.Slice.Use), SliceRecords.Of(had.Slice.Phase),
            [.. had.Holders.Select(Holder)], had.Record.ToString(), null),
        WhoAnswer.NotOurs not => new WhoReply(address, port, at, not.Server, null, null, null, "not of this server", [], not.Record.ToString(), null),
        WhoAnswer.Unknown unknown => new WhoReply(
            address, port, at, null, unknown.Slice?.Slice, unknown.Slice?.Pool, null, null, [], null,
            new WhoUnknown(unknown.Reason, unknown.Record?.ToString())),
        _ => throw new ArgumentOutOfRangeException(nameof(answer), answer, null),
    };

    private static WhoHolder Holder(Lease lease) => new(
        lease.Holder.Cgroup is null ? "lease" : "cgroup",
        lease.Holder.Process.Id,
        lease.Holder.Command,
        lease.Holder.Uid,
        lease.Holder.Cgroup,
        lease.Id.ToString(CultureInfo.InvariantCulture),
        lease.Since);
}
