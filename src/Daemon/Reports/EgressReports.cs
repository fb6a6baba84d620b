using System.Collections.Immutable;
using System.Globalization;
using SoftUnicast.Control.Commands;
using SoftUnicast.Control.Replies;
using SoftUnicast.Daemon.Egress;
using SoftUnicast.Daemon.State;
using SoftUnicast.Egress;
using SoftUnicast.Egress.Capacity;
using SoftUnicast.Egress.Life;
using SoftUnicast.Egress.SharingOut;
using SoftUnicast.Model;
using Choice = SoftUnicast.Egress.Abi.Choice;
using GuardReason = SoftUnicast.Egress.Abi.GuardReason;
using GuardReasons = SoftUnicast.Egress.Abi.GuardReasons;

namespace SoftUnicast.Daemon.Reports;

/// <summary>Shows about slices in the hands of programs.</summary>
internal static class EgressReports
{
    public static EgressStatus Status(EgressView view) => new(
        view.Refusal is null, view.Refusal, view.Slices.Values.Count(s => s.Granted), view.Slices.Values.Count(s => s.Use != SliceUse.None),
        view.CountIn(SlicePhase.Draining), view.CountIn(SlicePhase.Quarantined));

    public static SliceHere? Here(EgressView view, AddressPorts slice) => view.Slices.TryGetValue(slice, out var state)
        ? new SliceHere(Name(state.Phase), Sharing.Name(state.Use), state.Sockets ?? 0, Percent(Capacity(view, slice)?.Percent ?? 0))
        : null;

    public static PoolsReply Pools(DaemonConfiguration configuration, EgressView view) => new(
    [
        .. configuration.Fleet.Pools.Where(p => p.Weights.ContainsKey(configuration.Self.Datacenter)).OrderBy(p => p.Name, StringComparer.Ordinal).Select(pool =>
        {
            var here = view.Slices.Values.Where(s => s.Pool == pool.Name).ToList();
            var capacity = view.Capacity.Pools.FirstOrDefault(p => p.Pool == pool.Name);
            int Using(SliceUse use) => here.Count(s => s.Use == use);
            int In(SlicePhase phase) => here.Count(s => s.Phase == phase);
            return new PoolRow(
                pool.Name,
                [.. pool.Tags.Select(t => new Tag(t.Key, t.Value))],
                here.Count(s => s.Granted),
                new SlicesByUse(Using(SliceUse.None), Using(SliceUse.Exec), Using(SliceUse.Range), Using(SliceUse.Explicit), Using(SliceUse.Nat)),
                new SlicesByState(In(SlicePhase.Free), In(SlicePhase.Owned), In(SlicePhase.Draining), In(SlicePhase.Quarantined)),
                capacity?.Sockets ?? 0,
                Fullest(view, pool),
                Percent(capacity?.Percent ?? 0),
                (int)(capacity?.Level ?? CapacityLevel.None));
        }),
    ]);

    public static LeasesReply Leases(DaemonConfiguration configuration, EgressView view) => new(
    [
        .. from lease in view.Leases.InForce.Values
           from slice in lease.Slices
           orderby slice, lease.Id
           select new LeaseRow(
               slice,
               configuration.Fleet.PoolOf(slice.Address)?.Name ?? "-",
               Sharing.Name(lease.Use),
               lease.Holder.Cgroup is null ? "lease" : "cgroup",
               (lease.Holder.Cgroup is null ? (ulong)lease.Id : lease.Holder.CgroupId).ToString(CultureInfo.InvariantCulture),
               lease.Holder.Process.Id,
               lease.Holder.Command,
               lease.Holder.Uid,
               lease.Holder.Cgroup,
               lease.Since),
        .. view.Slices.Values.Where(s => s.Use == SliceUse.Nat && s.IsOpen)
            .Select(s => new LeaseRow(s.Slice, s.Pool, Sharing.Name(SliceUse.Nat), "nat", null, null, null, null, null, s.Since?.Wall ?? default)),
    ]);

    public static ImmutableArray<ChoiceRow> Choices(IEnumerable<EnrolledCgroup> enrolled, Func<ulong, ChoiceCounts?> counts) =>
    [
        .. from cgroup in enrolled
           let count = counts(cgroup.Id)
           where count is not null
           orderby cgroup.Path, cgroup.Id
           select new ChoiceRow(
               cgroup.Id.ToString(CultureInfo.InvariantCulture), cgroup.Path, count[Choice.Tcp], count[Choice.Udp], count[Choice.NextSlice], count[Choice.Exhausted],
               count[Choice.DatagramRefused]),
    ];

    public static GuardReply Guard(EgressView view, IEnumerable<(GuardReason Reason, ulong Packets, ulong Bytes)> counters) => new(
        view.Guarded,
        [.. counters.Select(c => new Control.Replies.GuardReason(GuardReasons.Name(c.Reason), GuardReasons.IsDrop(c.Reason), c.Packets, c.Bytes, Meaning(c.Reason)))],
        view.Dropped);

    public static ImmutableArray<DrainRow> Drained(IEnumerable<SliceState> states, TimeSpan quarantine) =>
    [
        .. states.Select(s => new DrainRow(s.Slice, s.Pool, Sharing.Name(s.Use), Name(s.Phase), s.Sockets ?? 0,
            s.Phase == SlicePhase.Quarantined && s.Since is { } since ? since.Wall + quarantine : null)),
    ];

    private static FullestDestination? Fullest(EgressView view, EgressPool pool) => view.Capacity.Addresses
        .Where(a => pool.Prefix.Contains(a.Address) && a.Use.Destination.Address is not null)
        .OrderByDescending(a => a.Use.Percent)
        .Select(a => new FullestDestination(a.Address, a.Use.Destination.Address!.Value, a.Use.Destination.Port, a.Use.Used, a.Use.Ports))
        .FirstOrDefault();

    private static SliceCapacity? Capacity(EgressView view, AddressPorts slice) => view.Capacity.Slices.FirstOrDefault(s => s.Slice == slice);

    private static int Percent(double percent) => (int)Math.Floor(percent);

    private static string Name(SlicePhase phase) => SliceRecords.Of(phase);

    private static string Meaning(GuardReason reason) => reason switch
    {
        GuardReason.NotEgress => "its source is no egress address",
        GuardReason.Owned => "its source port is owned here",
        GuardReason.Unowned => "nobody owns its source port",
        GuardReason.Foreign => "another server owns its source port",
        GuardReason.Fragment => "a later fragment, without ports",
        GuardReason.Protocol => "a protocol without ports",
        GuardReason.IcmpType => "ICMP that is neither echo nor an error",
        GuardReason.IcmpQuote => "an ICMP error that does not quote a packet to its source",
        GuardReason.Unreadable => "cut short or malformed",
        _ => "unknown",
    };
}
